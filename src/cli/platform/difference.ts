/** What the cluster would have to change to be as a ServingPlatform declares, and which models that touches. Reads only. */
import { modelDeployment } from '../../api/model-deployment/index.ts';
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import { inferenceServices } from '../../controllers/deployment/resources.ts';
import { decide } from '../../controllers/platform/decide.ts';
import type { Action } from '../../controllers/platform/decision.ts';
import { lastWriterOf } from '../../controllers/platform/last-writer.ts';
import { type Model, serverFields } from '../../controllers/platform/members.ts';
import type { Observed } from '../../controllers/platform/observe.ts';
import { type SharedConfigMap, sharedConfigMaps } from '../../controllers/platform/resources.ts';
import { detectDialect } from '../../kserve/dialect.ts';
import { type ClusterFacts, inferenceServiceConfigName, knativeNamespace, type ServingRuntimeObject, serves } from '../../kserve/facts.ts';
import { runtimeTypeLabel } from '../../kserve/platform/own-runtime.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/errors.ts';
import { type KubeObject, keyOf, keyText, type ResourceType, type Stored } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';

export interface Difference {
  readonly object: string;
  readonly field: string;
  readonly wanted: string;
  readonly found: string;
  readonly manager?: string;
  readonly since?: string;
}

export interface PlatformDifference {
  readonly differences: readonly Difference[];
  /** Models that would come to another image, as namespace/name. */
  readonly affected: readonly string[];
  /** What stands in the way. */
  readonly problems: readonly string[];
}

export async function platformDifference(client: KubeClient, platform: ServingPlatform, facts: ClusterFacts): Promise<PlatformDifference> {
  const observed = await observeNow(client, platform, facts);
  const { actions, status } = decide(observed);
  const differences = await Promise.all(actions.map((action) => differenceOf(action, observed, client)));
  const problems = (status?.conditions ?? []).filter((one) => one.status === 'False' && one.type.endsWith('Ready') && one.type !== 'Ready');
  return { differences: differences.flat(), affected: affectedBy(actions, observed), problems: problems.map(({ message }) => message) };
}

async function observeNow(client: KubeClient, platform: ServingPlatform, facts: ClusterFacts): Promise<Observed> {
  const config = (name: string, namespace: string | undefined) =>
    namespace === undefined ? undefined : ifFound(client.get(sharedConfigMaps, { namespace, name }));
  const serving = detectDialect(facts);
  const [deployments, services, deploymentConfig, inferenceServiceConfig, runtimes] = await Promise.all([
    all(client, modelDeployment),
    serving.kind === 'Found' ? all(client, inferenceServices[serving.group]) : [],
    config('config-deployment', knativeNamespace),
    config(inferenceServiceConfigName, facts.inferenceServiceConfig?.namespace),
    serves(facts, 'serving.kserve.io', 'clusterservingruntimes') ? all(client, wholeRuntimes) : undefined,
  ]);
  const byKey = new Map(services.map((service) => [keyText(keyOf(service)), service as Model['service']]));
  return {
    platform: platform as Cached<ServingPlatform>,
    serving,
    knativeServed: serves(facts, 'serving.knative.dev', 'services'),
    deploymentConfig: deploymentConfig as Cached<SharedConfigMap> | undefined,
    inferenceServiceConfig: inferenceServiceConfig as Cached<SharedConfigMap> | undefined,
    runtimes: runtimes as Observed['runtimes'],
    usedByModels: new Set(),
    usedByOthers: new Set(runtimes?.map(({ metadata }) => metadata.name)),
    models: deployments.map((deployment) => ({
      deployment: deployment as Model['deployment'],
      service: byKey.get(keyText(keyOf(deployment))),
    })),
    revisions: [],
    setbacks: new Map(),
    settledRegistries: new Set(),
    freed: new Map(),
    otherConfigs: [],
    answers: new Map(),
    // Compared by the operator alone: only it knows its image.
    storageContainer: { live: undefined, isServed: true, isUsed: false, image: 'unknown' },
    now: 0,
  };
}

const wholeRuntimes: ResourceType<ServingRuntimeObject> = {
  group: 'serving.kserve.io',
  version: 'v1alpha1',
  kind: 'ClusterServingRuntime',
  plural: 'clusterservingruntimes',
  namespaced: false,
};

async function differenceOf(action: Action, { runtimes = [] }: Observed, client: KubeClient): Promise<readonly Difference[]> {
  switch (action.kind) {
    case 'SetKey': {
      const { object, key, value } = action;
      const found = object.data?.[key] ?? null;
      if (found === value) return [];
      const writer = await lastWriterOf(client, object, key, 'modelwright');
      const name = `ConfigMap ${keyText(keyOf(object as KubeObject))}`;
      return [{ object: name, field: key, wanted: value ?? '(absent)', found: found ?? '(absent)', ...writer }];
    }
    case 'ApplyRuntime': {
      const { name, labels } = action.object.metadata;
      if (runtimes.some(({ metadata }) => metadata.name === name)) return [];
      const type = labels?.[runtimeTypeLabel];
      const before = runtimes.find(({ metadata }) => metadata.labels?.[runtimeTypeLabel] === type);
      return [{ object: `ClusterServingRuntime ${name}`, field: 'image', wanted: imageOf(action.object), found: imageOf(before) }];
    }
    default:
      return [];
  }
}

function imageOf(runtime: { readonly spec?: unknown } | undefined): string {
  const { containers = [] } = (runtime?.spec ?? {}) as {
    readonly containers?: readonly { readonly name?: string; readonly image?: string }[];
  };
  return (containers.find(({ name }) => name === 'kserve-container') ?? containers[0])?.image ?? '(absent)';
}

/** By runtimes: those that name another. By the ConfigMap: those whose version KServe took from it. */
function affectedBy(actions: readonly Action[], { models, serving, platform }: Observed): readonly string[] {
  const wanted = new Map(
    actions.flatMap((action) =>
      action.kind === 'ApplyRuntime' ? [[action.object.metadata.labels?.[runtimeTypeLabel], action.object.metadata.name]] : [],
    ),
  );
  const declared = new Map(platform.spec.runtimes?.map((runtime) => [runtime.type, runtime]));
  const isBehind = ({ deployment, service }: Model): boolean => {
    if (service === undefined) return false;
    const { type, version } = deployment.spec.runtime;
    const { runtime, runtimeVersion } = serverFields(service, type);
    if (serving.kind === 'Found' && serving.features.predictorModel) return wanted.has(type) && wanted.get(type) !== runtime;
    return declared.has(type) && version === undefined && runtimeVersion !== declared.get(type)?.version;
  };
  return models
    .filter(isBehind)
    .map(({ deployment: { metadata } }) => `${metadata.namespace}/${metadata.name}`)
    .sort();
}

async function all<T extends KubeObject>(client: KubeClient, type: ResourceType<T>): Promise<Stored<T>[]> {
  const items: Stored<T>[] = [];
  for await (const page of client.listPages(type)) items.push(...page.items);
  return items;
}

async function ifFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
