/** Measures what each ModelProfile asks for by Jobs, and tells the results in its status. What should be true is decided in `decide.ts`. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import type { ServingGroup } from '../../kserve/dialect.ts';
import type { Controller } from '../../kube/controller.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../../kube/object.ts';
import type { Cached, Store } from '../../kube/store.ts';
import { watch, watchMapped, watchOwned } from '../../kube/watches.ts';
import { serviceLabel } from '../deployment/stores.ts';
import { ownersOfCopy } from './dedicated/observe.ts';
import { hardwareOf } from './idle/gpu-source.ts';
import { profileLabel } from './labels.ts';
import { exposeResults } from './metrics.ts';
import { Reconciler, type ReconcilerPorts } from './reconciler.ts';
import { exposeVerdicts } from './regression/metrics.ts';
import { modelProfiles } from './resources.ts';
import { profileIndex, targetIndex } from './stores.ts';
import { watchTurns } from './turns.ts';

export interface ProfileControllerPorts extends ReconcilerPorts {
  readonly workers?: number;
}

export function profileController(ports: ProfileControllerPorts): Controller {
  const { stores, workers } = ports;
  const { profiles, deployments } = stores;
  const reconciler = new Reconciler(ports);
  exposeResults(profiles);
  exposeVerdicts(profiles);
  const keys = (found: readonly Cached<ModelProfile>[]): readonly ObjectKey[] => found.map((profile) => keyOf(profile as ModelProfile));
  const loading = (namespace: string | undefined, name: string | undefined) =>
    namespace === undefined || name === undefined
      ? []
      : [
          ...keys(profiles.byIndex(targetIndex, `${namespace}/${name}`)),
          ...ownersOfCopy(deployments.modelDeployments, { namespace, name }),
        ];
  const ofUid = (uid: string | undefined) => (uid === undefined ? [] : keys(profiles.byIndex(profileIndex, uid)));
  return {
    name: 'modelprofile',
    ...(workers !== undefined && { workers }),
    watches: [
      watch(profiles),
      watchOwned(stores.jobs, modelProfiles),
      watchMapped(stores.pods, ({ metadata }) => ofUid(metadata.labels?.[profileLabel])),
      // Of a load pod or of the target: few runs go on at once, and all of them look.
      watchMapped(stores.nodes, () => keys(profiles.list().filter(({ status }) => status?.run?.state === 'Running')), {
        changed: (before, after) => JSON.stringify(before.status?.conditions) !== JSON.stringify(after.status?.conditions),
      }),
      // A new driver or GPU makes what was measured there stale.
      watchMapped(
        stores.nodes,
        ({ metadata }) => keys(profiles.list().filter(({ status }) => status?.provenance?.nodes?.includes(metadata.name))),
        { changed: (before, after) => JSON.stringify(hardwareOf([before])) !== JSON.stringify(hardwareOf([after])) },
      ),
      watchMapped(stores.platforms, () => keys(profiles.list()), {
        changed: (before, after) => before.metadata.generation !== after.metadata.generation,
      }),
      watchTurns(stores),
      watchOwned(deployments.modelDeployments, modelProfiles),
      watchMapped(deployments.modelDeployments, ({ metadata }) => loading(metadata.namespace, metadata.name)),
      ...Object.entries(deployments.serving).flatMap(([group, { inferenceServices, pods }]) => [
        watchMapped(inferenceServices, ({ metadata }) => loading(metadata.namespace, metadata.name)),
        watchMapped(pods as Store<KubeObject>, ({ metadata }) =>
          loading(metadata.namespace, metadata.labels?.[serviceLabel[group as ServingGroup]]),
        ),
      ]),
    ],
    reconcile: (key, context) => reconciler.reconcile(key, context),
  };
}
