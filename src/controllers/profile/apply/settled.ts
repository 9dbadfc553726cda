/** Whether a ModelDeployment is at rest, so that a change of it is the only one. Pure. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Cached } from '../../../kube/store.ts';

/** What goes on with it; undefined when it serves what it declares and nothing moves. */
export function unsettled({ metadata, spec, status }: Cached<ModelDeployment>): string | undefined {
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type);
  const [ready, promoted] = [condition('Ready'), condition('Promoted')];
  if (spec.suspend === true) return 'it is suspended';
  const { canaryTrafficPercent } = spec.rollout ?? {};
  if (canaryTrafficPercent !== undefined && canaryTrafficPercent < 100) {
    return `spec.rollout.canaryTrafficPercent is ${canaryTrafficPercent}: a new version is being tried`;
  }
  if (status?.rollout?.candidate !== undefined || (promoted !== undefined && promoted.status !== 'True')) {
    return `the promotion gate holds something back (${promoted?.reason ?? 'Candidate'})`;
  }
  if (status?.observedGeneration !== metadata.generation) return 'its latest change is not acted on yet';
  if (ready?.status !== 'True') return `it is not ready: ${ready?.reason ?? 'Unknown'}`;
  return condition('Reconciling')?.status === 'True' ? 'it is being rolled out' : undefined;
}
