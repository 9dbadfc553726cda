/** The profile that measures a candidate: as the named one says, against a model that nobody else uses. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { runtimesNamedByService } from '../../../api/model-deployment/runtime.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { OwnerReference } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { temporaryLabel } from '../temporary.ts';

/**
 * `inService`: the candidate is a revision of the deployment's own service, and otherwise the ModelDeployment of this `name`.
 * The named profile, with the candidate as its target. Left out is what concerns the named profile alone: when it runs, what it is
 * compared with, and what it does to its own target. The run is always measured: figures of another time say nothing about the candidate.
 */
export function candidateProfile(
  named: Cached<ModelProfile>,
  deployment: Cached<ModelDeployment>,
  { name, inService, owner }: { readonly name: string; readonly inService: boolean; readonly owner: OwnerReference },
): ModelProfile & { readonly metadata: { readonly ownerReferences: readonly OwnerReference[] } } {
  const {
    schedule: _schedule,
    suspend: _suspend,
    runId: _runId,
    baseline: _baseline,
    mode: _mode,
    apply: _apply,
    live: _live,
    ...how
  } = named.spec as ModelProfile['spec'];
  const { hardware: _hardware, hardwareSelection: _selection, runtimes: _runtimes, ...sweep } = how.sweep;
  const { host: _host, url: _url, inferenceService: _service, modelName, revision: _revision, ...target } = how.target;
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
      ...how,
      sweep,
      target: { ...target, ...measured, ...(keepsName && { modelName }) },
      reuse: 'Never',
      historyLimit: 0,
    },
  };
}
