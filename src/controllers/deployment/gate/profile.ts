/** The profile that measures a candidate: as the named one says, against a model that nobody else uses. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { runtimesNamedByService } from '../../../api/model-deployment/runtime.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { OwnerReference } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { temporaryLabel } from '../temporary.ts';

/**
 * The named profile, with the candidate as its target. Left out is what concerns the named profile alone: when it runs, what it is
 * compared with, and what it does to its own target. The run is always measured: figures of another time say nothing about the candidate.
 */
export function candidateProfile(
  named: Cached<ModelProfile>,
  deployment: Cached<ModelDeployment>,
  shadow: string,
  owner: OwnerReference,
): ModelProfile & { readonly metadata: { readonly ownerReferences: readonly OwnerReference[] } } {
  const {
    schedule: _schedule,
    suspend: _suspend,
    runId: _runId,
    baseline: _baseline,
    mode: _mode,
    live: _live,
    ...how
  } = named.spec as ModelProfile['spec'];
  const { hardware: _hardware, hardwareSelection: _selection, runtimes: _runtimes, ...sweep } = how.sweep;
  const { host: _host, url: _url, inferenceService: _service, modelName, ...target } = how.target;
  const keepsName = modelName !== undefined && !runtimesNamedByService.includes(deployment.spec.runtime.type);
  const { namespace } = deployment.metadata;
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: {
      // The name of the shadow is free among the profiles too, and says that the two belong together.
      name: shadow,
      ...(namespace !== undefined && { namespace }),
      labels: { [temporaryLabel]: 'Candidate' },
      ownerReferences: [owner],
    },
    spec: {
      ...how,
      sweep,
      target: { ...target, modelDeployment: shadow, ...(keepsName && { modelName }) },
      reuse: 'Never',
      historyLimit: 0,
    },
  };
}
