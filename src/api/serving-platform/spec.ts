/** `spec` of a ServingPlatform: what holds for every model of the cluster. */
import { protocols, runtimeTypes } from '../model-deployment/runtime.ts';
import { deploymentModes } from '../model-deployment/serving.ts';
import { podSecuritySchema } from '../pod-security.ts';
import { boolean, integer, keyedList, list, object, oneOf, Type, text } from '../schema.ts';
import { benchmarkSchema, targetHostsSchema } from './benchmark.ts';
import { packagingSchema, repositoriesSchema, storageContainerSchema } from './repositories.ts';

/** `20.x` is written like a tag, and a range all the same. */
const tagRangeOrDigest = {
  pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|[~^]v?[0-9]{1,9}([.][0-9]{1,9}){0,3}([-_][A-Za-z0-9_.-]{1,64})?|sha256:[a-f0-9]{64})$',
};
const secretName = { maxLength: 253, minLength: 1, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' };

const runtime = object('The image that models of one runtime type get where they name no version of their own.', {
  type: oneOf('The kind of model server.', runtimeTypes),
  image: Type.Optional(
    text('Registry and repository, without tag and digest. Omitted: that of the runtime which KServe ships.', 512, {
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*$',
    }),
  ),
  version: text(
    'Tag, digest (sha256:…), or a range of tags: ^2.2, ~2.6, 20.x, 20.x-py3. A range is resolved to its highest tag once, and again when this entry is edited or by `modelwright images update`. One that names no variant (-py3, -gpu) takes that of the image which KServe ships.',
    135,
    tagRangeOrDigest,
  ),
  gpuVersion: Type.Optional(
    text('Tag, digest or range for models with spec.gpu. Omitted: `version`, with -gpu where KServe adds that.', 135, tagRangeOrDigest),
  ),
  pinDigests: Type.Optional(
    boolean(
      'Ask the registry once for the digest behind the tag, and give models the digest: every pod runs the same image, and Knative has nothing to resolve. The digest changes when this entry is edited or by `modelwright images update`, never by itself. KServe 0.8 and newer.',
    ),
  ),
  platform: Type.Optional(
    text(
      'With pinDigests: pin the image for this platform, as linux/amd64. Omitted: an image for several platforms is pinned as a whole, and each node takes its own from it.',
      64,
      { pattern: '^[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?$' },
    ),
  ),
  args: Type.Optional(
    list(
      "Arguments of the server besides those of KServe's own runtime; {{.Name}} and the like are filled in by KServe. KServe 0.8 and newer.",
      Type.String({ maxLength: 1024, minLength: 1 }),
      64,
    ),
  ),
  protocols: Type.Optional(
    list(
      "Protocols that models may ask this server for. Omitted: those of KServe's own runtime. KServe 0.8 and newer.",
      Type.Unsafe<(typeof protocols)[number]>({ type: 'string', enum: [...protocols] }),
      protocols.length,
      { minItems: 1 },
    ),
  ),
  imagePullSecrets: Type.Optional(
    list(
      'Names of Secrets with which the image is pulled, and its tag resolved by Knative; they must be in the namespace of each model. KServe 0.11 and newer.',
      Type.String(secretName),
      8,
    ),
  ),
});

export const rolloutStrategies = ['OnNextChange', 'Immediate'] as const;

const rollout = object('How models that serve already come to a changed runtime image.', {
  strategy: Type.Optional(
    oneOf('OnNextChange: with the next change of their own spec. Immediate: now, a few at a time.', rolloutStrategies, {
      default: 'OnNextChange',
    }),
  ),
  maxUnavailable: Type.Optional(
    integer('With Immediate: how many models of a runtime type may be on their way at a time.', { minimum: 1, maximum: 1000, default: 1 }),
  ),
});

const tagResolution = object('What Knative does with image tags.', {
  skipRegistries: Type.Optional(
    Type.Array(
      Type.String({
        description:
          'Registry host, with its port where it has one, as Knative compares it: nvcr.io, index.docker.io (Docker Hub), registry.example:5000.',
        minLength: 1,
        maxLength: 253,
      }),
      {
        description:
          'Registries whose tags Knative is not to resolve to digests. Kept as a set shared with others in ConfigMap config-deployment: only these entries come and go. A pod may then run another image than its neighbour after a tag was moved; a runtime with pinDigests needs no entry here.',
        maxItems: 64,
        'x-kubernetes-list-type': 'set',
      },
    ),
  ),
  retryFailedRevisions: Type.Optional(
    boolean(
      'Delete Revisions of models that failed on a registry which is skipped now, so that Knative makes them anew at once; it would wait up to 17 minutes. Healthy ones are never touched.',
    ),
  ),
});

const registry = object('How the operator reads one container registry, for pinDigests, ranges, and causes of failed resolutions.', {
  host: text('Its host as images name it, with the port where there is one: registry.example:5000, docker.io.', 253, {
    minLength: 1,
    pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$',
  }),
  pullSecret: Type.Optional(
    text(
      "Secret with credentials (kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg) in the operator's namespace, the only one whose Secrets it reads. Pods and Knative use imagePullSecrets instead.",
      253,
      secretName,
    ),
  ),
  caBundle: Type.Optional(
    text("Certificates (PEM) of authorities that are trusted for it besides the system's.", 65_536, {
      pattern: '-----BEGIN CERTIFICATE-----',
    }),
  ),
  plainHTTP: Type.Optional(boolean('Speak HTTP without TLS. Without this, only a loopback registry is spoken to so.')),
});

const policy = object('What authors of ModelDeployments may name. While it is here it takes the place of the flags of the operator.', {
  runtimeRegistries: Type.Optional(
    list(
      'Where images of model servers may come from, those declared here and those that KServe ships: registry, or registry/path, with its port; docker.io is Docker Hub. A model whose image comes from elsewhere is refused. Omitted or empty: anywhere.',
      Type.String({
        maxLength: 512,
        minLength: 1,
        pattern: '^(localhost|[a-z0-9-]+([.][a-z0-9-]+)+|[a-z0-9.-]+:[0-9]{1,5})(/[a-z0-9][a-z0-9._-]*)*$',
      }),
      128,
    ),
  ),
  imageRegistries: Type.Optional(
    list('Where spec.transformer.image may come from: registry, or registry/path.', Type.String({ maxLength: 512, minLength: 1 }), 128),
  ),
  serviceAccounts: Type.Optional(
    list('Names that spec.serviceAccountName may give besides "default".', Type.String({ maxLength: 253, minLength: 1 }), 256),
  ),
  sourceHosts: Type.Optional(
    list(
      'Hosts that models may come from: example.com, example.com:8443, or *.example.com for every host below it. spec.source.archive.url may name these only, and none where the list is absent; spec.source.storageUri with http or https may name these only where the list is not empty.',
      Type.String({ maxLength: 259, minLength: 1 }),
      128,
    ),
  ),
  targetHosts: Type.Optional(targetHostsSchema),
});

export const specSchema = object('What holds for every model of the cluster.', {
  kserve: Type.Optional(
    object('Settings for KServe.', {
      namespace: Type.Optional(
        text(
          "Where KServe and its ConfigMap inferenceservice-config are. Omitted: that of the operator's flag, else it is found out.",
          63,
          {
            minLength: 1,
            pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
          },
        ),
      ),
      defaultDeploymentMode: Type.Optional(
        oneOf(
          "Mode of new ModelDeployments that name none; those there already keep theirs. Auto: the default of the operator's flag, else of KServe.",
          ['Auto', ...deploymentModes],
        ),
      ),
    }),
  ),
  registries: Type.Optional(
    keyedList(
      'Container registries that need more than a public address. A registry on a private address is asked only if it is named here or is that of an image in `runtimes`.',
      registry,
      32,
      'host',
    ),
  ),
  runtimes: Type.Optional(
    keyedList('One entry per runtime type; types without an entry are left as KServe ships them.', runtime, 16, 'type'),
  ),
  rollout: Type.Optional(rollout),
  tagResolution: Type.Optional(tagResolution),
  repositories: Type.Optional(repositoriesSchema),
  packaging: Type.Optional(packagingSchema),
  storageContainer: Type.Optional(storageContainerSchema),
  benchmark: Type.Optional(benchmarkSchema),
  podSecurity: Type.Optional(podSecuritySchema('Auto')),
  policy: Type.Optional(policy),
});
