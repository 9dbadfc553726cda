/** The ServingPlatform as the deployment controller sees it: policy, default mode, and each model's turn in a rollout. */
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import type { ClusterFacts } from '../../kserve/facts.ts';
import { mayMove, type PlatformRuntime } from '../../kserve/platform/assignment.ts';
import type { Watch } from '../../kube/controller.ts';
import { keyFromText, keyOf, type ObjectKey } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import type { DeclaredNamespace } from '../deployment/facts-watch.ts';
import type { PlatformPort, PlatformSettings } from '../deployment/platform-port.ts';
import { memberOf, membersOf, modelOf, modelsOf, rolloutPolicy, serverFields, type Target } from './members.ts';
import { type PlatformStores, platformKey } from './stores.ts';

export function platformPort(stores: Pick<PlatformStores, 'platforms' | 'deployments'>): PlatformPort {
  return {
    settingsFor: (key, facts) => settingsFor(key, facts, stores),
    watches: [watchSettings(stores)],
    kserveNamespace: declaredNamespace(stores),
  };
}

/** `spec.kserve.namespace`. */
export function declaredNamespace({ platforms }: Pick<PlatformStores, 'platforms'>): DeclaredNamespace {
  return {
    current: () => platforms.get(platformKey)?.spec.kserve?.namespace,
    subscribe: (changed) =>
      platforms.subscribe((change) => {
        const before = change.kind === 'updated' ? change.before.spec.kserve?.namespace : undefined;
        if (change.kind !== 'updated' || before !== change.object.spec.kserve?.namespace) changed();
      }),
  };
}

type Stores = Pick<PlatformStores, 'platforms' | 'deployments'>;

function settingsFor(key: ObjectKey, facts: ClusterFacts, stores: Stores): PlatformSettings {
  const platform = stores.platforms.get(platformKey);
  // While it is being deleted everything goes back to what holds without it, at once: its runtimes wait for that.
  if (platform === undefined || platform.metadata.deletionTimestamp !== undefined) return {};
  const { policy, kserve, repositories = [], packaging: jobs = {}, podSecurity } = (platform as ServingPlatform).spec;
  const mode = kserve?.defaultDeploymentMode;
  const runtime = runtimeFor(key, platform as ServingPlatform, facts, stores);
  return {
    ...(policy !== undefined && {
      policy: {
        serviceAccounts: policy.serviceAccounts ?? [],
        imageRegistries: policy.imageRegistries ?? [],
        runtimeRegistries: policy.runtimeRegistries ?? [],
        sourceHosts: policy.sourceHosts ?? [],
      },
    }),
    ...(mode !== undefined && mode !== 'Auto' && { defaultMode: mode }),
    packaging: { repositories, jobs },
    storageContainer: platform.spec.storageContainer !== undefined,
    ...(podSecurity !== undefined && { podSecurity }),
    ...runtime,
  };
}

function runtimeFor(key: ObjectKey, { spec, status }: ServingPlatform, facts: ClusterFacts, { deployments }: Stores): PlatformSettings {
  const model = modelOf(key, deployments);
  if (model === undefined) return {};
  const { type } = model.deployment.spec.runtime;
  const target = status?.runtimes?.find((runtime) => runtime.type === type);
  const declared = target === undefined ? {} : { platformRuntimes: { [type]: declaredBy(target) } };
  const member = memberOf(model, target);
  if (member.state !== 'Behind' || model.service === undefined) return declared;
  if (mayMove(member, membersOf(modelsOf(deployments), type, target), rolloutPolicy(spec))) return declared;
  const { runtime: name, runtimeVersion, image } = serverFields(model.service, type);
  // What is gone cannot be held on to.
  if (name !== undefined && facts.clusterServingRuntimes?.some(({ metadata }) => metadata.name === name) === false) return declared;
  const held: PlatformRuntime = {
    kind: 'Held',
    ...(name !== undefined && { name }),
    ...(runtimeVersion !== undefined && { runtimeVersion }),
    ...(image !== undefined && { image }),
  };
  return { platformRuntimes: { [type]: held } };
}

function declaredBy({ image, gpuImage, runtimeName }: Target): PlatformRuntime {
  return { kind: 'Declared', image, ...(gpuImage !== undefined && { gpuImage }), ...(runtimeName !== undefined && { name: runtimeName }) };
}

/** Names every model when what holds for it may be another, and those whose turn has come when a rollout goes on. */
function watchSettings(stores: Stores): Watch {
  const { platforms, deployments } = stores;
  const all = () => deployments.modelDeployments.list().map((deployment) => keyOf(deployment as ModelDeployment));
  return {
    source: 'ServingPlatform',
    hasSynced: () => platforms.hasSynced(),
    start(enqueue) {
      return platforms.subscribe((change) => {
        const isProgress = change.kind === 'updated' && settingsText(change.before) === settingsText(change.object);
        const keys = isProgress ? turnsOf(change.object as ServingPlatform, stores) : all();
        for (const key of keys) enqueue(key, change.kind === 'added' && change.initial);
      });
    },
  };
}

/** Everything that `settingsFor` reads of the object itself. */
function settingsText({ metadata, spec, status }: Cached<ServingPlatform>): string {
  const targets = status?.runtimes?.map(({ models: _, ...target }) => target);
  return JSON.stringify([metadata.uid, metadata.deletionTimestamp, spec, targets]);
}

function turnsOf({ spec, status }: ServingPlatform, { deployments }: Stores): readonly ObjectKey[] {
  const models = modelsOf(deployments);
  return (status?.runtimes ?? []).flatMap((target) => {
    const members = membersOf(models, target.type, target);
    return members
      .filter((member) => member.state === 'Behind' && mayMove(member, members, rolloutPolicy(spec)))
      .map(({ id }) => keyFromText(id));
  });
}
