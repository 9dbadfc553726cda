/** The profile that measures a candidate: as the named one says, against a model that nobody else uses. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { runtimesNamedByService } from '../../../api/model-deployment/runtime.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { OwnerReference } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { temporaryLabel } from '../temporary.ts';

type Spec = ModelProfile['spec'];

/**
 * What of a profile says how a candidate is measured. Left out is what concerns the named profile alone: when it runs, what it is compared
 * with, what care it takes of its own target, and on which hardware it measures copies of that.
 */
export function measuredAs({ sweep, load, payload, objective, placement, budget, idlePolicy }: Spec): Omit<Spec, 'target'> {
  const { hardware: _hardware, hardwareSelection: _selection, runtimes: _runtimes, ...levels } = sweep;
  return {
    sweep: levels,
    ...(load !== undefined && { load }),
    ...(payload !== undefined && { payload }),
    ...(objective !== undefined && { objective }),
    ...(placement !== undefined && { placement }),
    ...(budget !== undefined && { budget }),
    ...(idlePolicy !== undefined && { idlePolicy }),
  };
}

/**
 * The named profile with the candidate as its target: a revision of the deployment's own service (`inService`), or else the ModelDeployment
 * of this `name`. The run is always measured: figures of another time say nothing about the candidate.
 */
export function candidateProfile(
  named: Cached<ModelProfile>,
  deployment: Cached<ModelDeployment>,
  { name, inService, owner }: { readonly name: string; readonly inService: boolean; readonly owner: OwnerReference },
): ModelProfile & { readonly metadata: { readonly ownerReferences: readonly OwnerReference[] } } {
  const spec = named.spec as Spec;
  const { host: _host, url: _url, inferenceService: _service, modelName, revision: _revision, ...target } = spec.target;
  const keepsName = modelName !== undefined && !runtimesNamedByService.includes(deployment.spec.runtime.type);
  const measured = inService ? { modelDeployment: deployment.metadata.name, revision: 'Candidate' as const } : { modelDeployment: name };
  const { namespace } = deployment.metadata;
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: {
      // That of the shadow, where there is one: the two belong together.
      name,
      ...(namespace !== undefined && { namespace }),
      labels: { [temporaryLabel]: 'Candidate' },
      ownerReferences: [owner],
    },
    spec: {
      ...measuredAs(spec),
      target: { ...target, ...measured, ...(keepsName && { modelName }) },
      reuse: 'Never',
      historyLimit: 0,
    },
  };
}
