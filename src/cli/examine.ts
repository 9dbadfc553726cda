/** What `modelwright doctor` looks at, one function a subject. */
import { modelDeployment, specSchema } from '../api/model-deployment/index.ts';
import { type RuntimeType, runtimeTypes } from '../api/model-deployment/runtime.ts';
import { discover } from '../controllers/deployment/discovery.ts';
import { factsFrom, knativeConfigNames } from '../controllers/deployment/facts.ts';
import { authorPermissions, type Permission, permissions } from '../controllers/deployment/permissions.ts';
import { clusterServingRuntimes, configMaps, deployments } from '../controllers/deployment/resources.ts';
import { platformPermissions } from '../controllers/platform/permissions.ts';
import { profileAuthorPermissions, profilePermissions } from '../controllers/profile/permissions.ts';
import { type Dialect, describeDialect, detectDialect } from '../kserve/dialect.ts';
import { type ClusterFacts, controllerDeploymentNames, inferenceServiceConfigName, serves } from '../kserve/facts.ts';
import { parseMode } from '../kserve/mode.ts';
import { runtimeTable } from '../kserve/runtimes.ts';
import type { KubeClient } from '../kube/client.ts';
import { isForbidden, isNotFound, KubeError } from '../kube/errors.ts';
import type { KubeObject, ResourceType, Stored } from '../kube/object.ts';
import type { Cached } from '../kube/store.ts';
import type { Check } from './doctor.ts';
import { examinePlatform } from './platform/examine-platform.ts';

export interface ExamineOptions {
  readonly namespace: string;
  readonly asOperator: boolean;
  readonly kserveNamespace?: string;
}

/** The oldest Kubernetes whose API server judges our CRDs' rules. */
const oldestKubernetes = 30;

/** Looks at everything that serving a model needs, in the order in which it is needed. */
export async function examine(client: KubeClient, options: ExamineOptions): Promise<Check[]> {
  const facts = await readFacts(client, options.kserveNamespace);
  const dialect = detectDialect(facts);
  return [
    await kubernetes(client),
    await definition(client),
    kserve(facts, dialect),
    ...(dialect.kind === 'Found' ? [modes(facts, dialect), ...runtimes(dialect)] : []),
    ...knative(facts),
    ...(await examinePlatform(client, options.namespace)),
    ...(await rights(client, options)),
  ];
}

function ok(name: string, message: string): Check {
  return { name, state: 'ok', message };
}

function warning(name: string, message: string): Check {
  return { name, state: 'warning', message };
}

function missing(name: string, message: string): Check {
  return { name, state: 'missing', message };
}

async function kubernetes(client: KubeClient): Promise<Check> {
  const { gitVersion, major, minor } = (await client.raw('/version')) as { gitVersion: string; major: string; minor: string };
  const name = 'Kubernetes';
  return Number(major) > 1 || Number.parseInt(minor, 10) >= oldestKubernetes
    ? ok(name, gitVersion)
    : missing(name, `${gitVersion} is older than 1.${oldestKubernetes}, the oldest that is supported; upgrade the cluster`);
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

async function definition(client: KubeClient): Promise<Check> {
  const name = `${modelDeployment.plural}.${modelDeployment.group}`;
  const crd = (await readable(client.raw(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`))) as
    | { spec: { versions: { name: string; served: boolean; schema?: { openAPIV3Schema?: Schema } }[] } }
    | 'forbidden'
    | undefined;
  if (crd === 'forbidden') return warning('CRD', `${name} cannot be read with these permissions, so its version is not known`);
  const version = crd?.spec.versions.find((candidate) => candidate.name === modelDeployment.version && candidate.served);
  if (version === undefined)
    return missing('CRD', `${name} ${modelDeployment.version} is not served; install it: kubectl apply --server-side -f crds/`);
  const lacking = fieldsLacking(specSchema as Schema, version.schema?.openAPIV3Schema?.properties?.['spec'] ?? {}, 'spec');
  if (lacking.length === 0) return ok('CRD', `${name} ${modelDeployment.version}, with every field that this program knows`);
  return missing('CRD', `${name} is older than this program: it lacks ${lacking.join(', ')}; apply the CRDs of this version`);
}

/** Fields that this program knows and the cluster would drop. */
function fieldsLacking(ours: Schema, theirs: Schema, path: string): string[] {
  const below = Object.entries(ours.properties ?? {}).flatMap(([field, schema]) => {
    const there = theirs.properties?.[field];
    return there === undefined ? [`${path}.${field}`] : fieldsLacking(schema, there, `${path}.${field}`);
  });
  return ours.items === undefined ? below : [...below, ...fieldsLacking(ours.items, theirs.items ?? {}, `${path}[]`)];
}

function kserve(facts: ClusterFacts, dialect: ReturnType<typeof detectDialect>): Check {
  if (dialect.kind === 'Missing') return missing('KServe', dialect.message);
  const from = {
    Image: "by its controller's image",
    Schema: "by its CRD; its controller's image tells no version, or cannot be seen",
    Given: 'as given',
  }[dialect.versionFrom];
  const config = facts.inferenceServiceConfig;
  const where = config === undefined ? '' : `, configured in namespace ${config.namespace}`;
  return ok('KServe', `${describeDialect(dialect)} (${from}), spoken to as ${dialect.apiVersion}${where}`);
}

function modes(facts: ClusterFacts, dialect: Dialect): Check {
  const [first] = dialect.modes;
  if (first === undefined) return missing('Deployment mode', 'none can be had: install Knative Serving, or KServe 0.7 or newer');
  let configured: string | undefined;
  try {
    configured = (JSON.parse(facts.inferenceServiceConfig?.data['deploy'] ?? '{}') as { defaultDeploymentMode?: string })
      .defaultDeploymentMode;
  } catch {
    return warning(
      'Deployment mode',
      `${inferenceServiceConfigName} has no valid JSON under "deploy"; KServe cannot work with that either`,
    );
  }
  const mode = parseMode(configured);
  const can = dialect.modes.join(' and ');
  if (mode !== undefined && !dialect.modes.includes(mode)) {
    return warning('Deployment mode', `KServe's default is ${configured}, which cannot be had; models that name no mode get ${first}`);
  }
  return ok('Deployment mode', `${can} can be had; models that name none get ${mode ?? first}`);
}

/** Whether each kind of model server has a ClusterServingRuntime that is on. */
function runtimes(dialect: Dialect): Check[] {
  const installed = dialect.runtimes;
  if (installed === undefined) return [];
  const able = (type: RuntimeType) =>
    installed.find(
      ({ metadata, spec }) => spec?.disabled !== true && runtimeTable[type].servers.some((server) => server.name === metadata.name),
    );
  const lacking = runtimeTypes.filter((type) => able(type) === undefined);
  const there = runtimeTypes.filter((type) => !lacking.includes(type));
  const name = 'Model servers';
  if (lacking.length === 0) return [ok(name, there.join(', '))];
  const names = lacking.map((type) => `${type} (${runtimeTable[type].servers.map((server) => server.name).join(' or ')})`).join(', ');
  const message = `no ClusterServingRuntime for ${names}; install KServe's own${there.length === 0 ? '' : `; there are ${there.join(', ')}`}`;
  return [there.length === 0 ? missing(name, message) : warning(name, message)];
}

/** Feature flags without which Knative refuses a field of ours, and the field. */
const flags: readonly (readonly [string, string])[] = [
  ['kubernetes.podspec-nodeselector', 'spec.scheduling.nodeSelector and spec.gpu.product'],
  ['kubernetes.podspec-tolerations', 'spec.scheduling.tolerations'],
  ['kubernetes.podspec-affinity', 'spec.scheduling.affinity'],
  ['kubernetes.podspec-persistent-volume-claim', 'pvc:// sources'],
];

function knative(facts: ClusterFacts): Check[] {
  if (!serves(facts, 'serving.knative.dev', 'services')) {
    return [ok('Knative Serving', 'not installed; Knative mode (scale to zero, canary) cannot be had, Standard mode needs none of it')];
  }
  const features = facts.knative?.configFeatures;
  if (features === undefined) return [warning('Knative Serving', 'installed; its feature flags cannot be read')];
  const off = flags.filter(([flag]) => !['enabled', 'allowed'].includes((features[flag] ?? 'disabled').toLowerCase()));
  if (off.length === 0) return [ok('Knative Serving', 'installed, with every feature flag that our fields need')];
  const list = off.map(([flag, fields]) => `${flag} (${fields})`).join(', ');
  return [warning('Knative Serving', `installed; in Knative mode these need a flag in ConfigMap config-features that is off: ${list}`)];
}

async function rights(client: KubeClient, { namespace, asOperator }: ExamineOptions): Promise<Check[]> {
  const wanted = asOperator
    ? [...permissions, ...platformPermissions, ...profilePermissions]
    : [...authorPermissions, ...profileAuthorPermissions];
  const where = asOperator ? 'in all namespaces' : `in namespace ${namespace}`;
  const denied: string[] = [];
  for (const permission of wanted) {
    const verbs = await deniedVerbs(client, permission, asOperator ? undefined : namespace);
    if (verbs.length > 0) denied.push(`${verbs.join(', ')} ${permission.resource}${permission.group === '' ? '' : `.${permission.group}`}`);
  }
  const name = asOperator ? "Operator's permissions" : 'Your permissions';
  if (denied.length === 0) return [ok(name, asOperator ? 'all that the operator needs' : `you may deploy models ${where}`)];
  const message = `not allowed ${where}: ${denied.join('; ')}`;
  return [asOperator ? missing(name, message) : warning(name, message)];
}

interface AccessReview extends KubeObject {
  readonly spec: object;
  readonly status?: { readonly allowed?: boolean };
}

const accessReviews: ResourceType<AccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
};

async function deniedVerbs(client: KubeClient, permission: Permission, namespace: string | undefined): Promise<string[]> {
  const [resource, subresource] = permission.resource.split('/');
  const questions = permission.verbs.flatMap((verb) => (permission.names ?? [undefined]).map((name) => ({ verb, name })));
  const answers = await Promise.all(
    questions.map(async ({ verb, name }) => {
      const attributes = {
        group: permission.group,
        resource,
        verb,
        ...(subresource && { subresource }),
        ...(name && { name }),
        ...(namespace && { namespace }),
      };
      const review = await client.create(accessReviews, {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        metadata: { name: '' },
        spec: { resourceAttributes: attributes },
      });
      return review.status?.allowed === true ? [] : [verb];
    }),
  );
  return [...new Set(answers.flat())];
}

/** The same facts as the operator's, read once. What may not be read is left out. */
export async function readFacts(client: KubeClient, kserveNamespace: string | undefined): Promise<ClusterFacts> {
  const named = async <T extends KubeObject>(type: ResourceType<T>, names: readonly string[]): Promise<Cached<T>[] | undefined> => {
    const lists = await Promise.all(names.map((name) => listed(client, type, `metadata.name=${name}`)));
    return lists.every((list) => list !== undefined) ? (lists.flat() as unknown as Cached<T>[]) : undefined;
  };
  return factsFrom(
    {
      discovered: await discover(client),
      inferenceServiceConfigs: await named(configMaps, [inferenceServiceConfigName]),
      knativeConfigs: await named(configMaps, knativeConfigNames),
      controllers: await named(deployments, controllerDeploymentNames),
      clusterServingRuntimes: (await listed(client, clusterServingRuntimes)) as never,
    },
    kserveNamespace,
  );
}

async function listed<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  fieldSelector?: string,
): Promise<Stored<T>[] | undefined> {
  try {
    return [...(await client.list(type, { ...(fieldSelector !== undefined && { fieldSelector }) })).items];
  } catch (error) {
    if (error instanceof KubeError && (isForbidden(error) || isNotFound(error))) return undefined;
    throw error;
  }
}

async function readable(request: Promise<unknown>): Promise<unknown> {
  try {
    return await request;
  } catch (error) {
    if (isForbidden(error)) return 'forbidden';
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
