/** `spec` of a ServingPlatform: what holds for every model of the cluster. */
import { runtimeTypes } from '../model-deployment/runtime.ts';
import { deploymentModes } from '../model-deployment/serving.ts';
import { boolean, integer, keyedList, list, object, oneOf, Type, text } from '../schema.ts';
import { packagingSchema, repositoriesSchema, storageContainerSchema } from './repositories.ts';

const tagOrDigest = { pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[a-f0-9]{64})$' };

const runtime = object('The image that models of one runtime type get where they name no version of their own.', {
  type: oneOf('The kind of model server.', runtimeTypes),
  image: Type.Optional(
    text('Registry and repository, without tag and digest. Omitted: that of the runtime which KServe ships.', 512, {
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*$',
    }),
  ),
  version: text('Tag, or better a digest (sha256:…), of the image.', 135, tagOrDigest),
  gpuVersion: Type.Optional(
    text('Tag or digest for models with spec.gpu. Omitted: `version`, with -gpu where KServe adds that.', 135, tagOrDigest),
  ),
  imagePullSecrets: Type.Optional(
    list(
      'Names of Secrets with which the image is pulled, and its tag resolved by Knative; they must be in the namespace of each model. KServe 0.11 and newer.',
      Type.String({ maxLength: 253, minLength: 1, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }),
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
          'Registries whose tags Knative is not to resolve to digests. Kept as a set shared with others in ConfigMap config-deployment: only these entries come and go. A pod may then run another image than its neighbour after a tag was moved; a digest as `version` needs no entry here.',
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

const policy = object('What authors of ModelDeployments may name. While it is here it takes the place of the flags of the operator.', {
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
});

export const specSchema = object('What holds for every model of the cluster.', {
  kserve: Type.Optional(
    object('Settings for KServe.', {
      defaultDeploymentMode: Type.Optional(
        oneOf(
          "Mode of new ModelDeployments that name none; those there already keep theirs. Auto: the default of the operator's flag, else of KServe.",
          ['Auto', ...deploymentModes],
        ),
      ),
    }),
  ),
  runtimes: Type.Optional(
    keyedList('One entry per runtime type; types without an entry are left as KServe ships them.', runtime, 16, 'type'),
  ),
  rollout: Type.Optional(rollout),
  tagResolution: Type.Optional(tagResolution),
  repositories: Type.Optional(repositoriesSchema),
  packaging: Type.Optional(packagingSchema),
  storageContainer: Type.Optional(storageContainerSchema),
  policy: Type.Optional(policy),
});
