/** Whether the best setting of a run is one to apply. Pure. */
import type { ApplicationStatus } from '../../../api/model-profile/apply.ts';
import { basisOfBest } from './basis.ts';
import type { Draft, Verdict } from './finding.ts';
import type { Measured } from './recommend.ts';

/** Why it is not; undefined when it is. */
export function heldBack(
  { best, conditions, run, nearestMiss }: Draft,
  measured: Measured | undefined,
  application: ApplicationStatus,
): Verdict | undefined {
  const condition = (type: string) => conditions.find((one) => one.type === type);
  const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
  const slo = condition('SLOMet');
  if (best === undefined || slo?.status !== 'True') {
    const nearest = nearestMiss === undefined ? '' : `; the nearest is ${nearestMiss.id}: ${nearestMiss.constraint}`;
    return no('NoBestSetting', `No setting of run ${run?.id} keeps the objective${nearest}`);
  }
  const [regressed, stale] = [condition('Regressed'), condition('Stale')];
  if (regressed?.status === 'True')
    return no('ResultsRegressed', `Run ${run?.id} is a regression, and is not applied: ${regressed.message}`);
  if (stale?.status !== 'False') return no('ResultsStale', stale?.message ?? 'Whether the results are of what runs now is not known');
  if (measured === undefined) return no('TargetChanged', `The hardware that ${best.id} was measured on is not there any more`);
  if (application.basis !== basisOfBest(measured)) {
    return no('TargetChanged', `The ModelDeployment is another than the one that was measured; change spec.runId to measure it as it is`);
  }
  return undefined;
}
