/**
 * What happens while the operator looks away: none of its watches of a kind says anything for a while, and what it has in its cache is no longer so. What
 * it writes then must not reach the objects of others, and must not make anything for a ModelDeployment that is gone.
 */
import type { Lane } from './lane.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import {
  change,
  create,
  deployment,
  foreignService,
  remove,
  servesVersion,
  service,
  services,
  sklearn,
  type Trial,
  type Workload,
} from './workload.ts';

/** How long the operator hears nothing. */
const heldMilliseconds = 1500;
/** What it does with the news is over after this. */
const afterwardsMilliseconds = 500;

export function usurpedTrial(lane: Lane, name: string): Promise<Outcome> {
  let endsAt = 0;
  /** From the next event of `kind` on, which need not be there yet. */
  const lookAwayFrom = (kind: string) => {
    let held = false;
    endsAt = performance.now() + heldMilliseconds + afterwardsMilliseconds;
    lane.proxy.onWatchEvent = (watch) => {
      if (held || !watch.path.includes(`/${kind}?`)) return undefined;
      held = true;
      return { kind: 'hold', milliseconds: heldMilliseconds };
    };
  };
  const hasHeard = () => performance.now() > endsAt;
  const workload: Workload = {
    name: 'usurped',
    steps: [
      {
        name: 'create',
        async act(trial) {
          await create(trial, 'lost', sklearn(1));
          await create(trial, 'left', sklearn(1));
        },
        done: (trial) => servesVersion(trial, 'lost', 1) && servesVersion(trial, 'left', 1),
      },
      {
        name: 'replace by an InferenceService of others',
        async act(trial) {
          const { api, history, namespace, prefix } = trial;
          lookAwayFrom('inferenceservices');
          await api.must('DELETE', `${services(namespace)}/${prefix}lost`);
          await history.until(() => service(trial, 'lost') === undefined, 10_000);
          await api.must('POST', services(namespace), foreignService(trial, 'lost'));
          await change(trial, 'lost', sklearn(2));
        },
        done: (trial) => isOfOthers(trial, 'lost'),
      },
      {
        name: 'take a name before the operator does',
        async act(trial) {
          lookAwayFrom('inferenceservices');
          await trial.api.must('POST', services(trial.namespace), foreignService(trial, 'found'));
          await create(trial, 'found', sklearn(1));
        },
        done: (trial) => isOfOthers(trial, 'found'),
      },
      {
        name: 'delete a ModelDeployment',
        async act(trial) {
          lookAwayFrom('modeldeployments');
          await remove(trial, 'left');
          // The garbage collector takes the InferenceService away, and that the operator hears.
          await trial.history.until(hasHeard, 10_000);
        },
        done: (trial) => hasHeard() && deployment(trial, 'left') === undefined && service(trial, 'left') === undefined,
      },
    ],
  };
  const calm = () => {
    lane.proxy.onWatchEvent = undefined;
  };
  return disturbedRun(lane, { family: 'usurped name', name, workload }, { calm });
}

/** The InferenceService is that of others, and the ModelDeployment says so. */
function isOfOthers(trial: Trial, name: string): boolean {
  return (
    deployment(trial, name)?.['status']?.lastError?.reason === 'InferenceServiceNotOurs' &&
    service(trial, name)?.metadata.labels?.['team'] === 'other'
  );
}
