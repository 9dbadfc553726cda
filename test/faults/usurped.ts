/**
 * Somebody deletes our InferenceService and makes one of their own under its name, while the operator hears of neither, and the ModelDeployment changes.
 * What the operator then writes is meant for an object that is gone, and must not reach the one that is there.
 */
import type { Lane } from './lane.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import { change, create, foreignService, refused, servesVersion, service, services, sklearn, type Workload } from './workload.ts';

/** How long the operator hears nothing of InferenceServices. */
const heldMilliseconds = 1500;

export function usurpedTrial(lane: Lane, name: string): Promise<Outcome> {
  let held = false;
  const workload: Workload = {
    name: 'usurped',
    steps: [
      {
        name: 'create',
        act: (trial) => create(trial, 'lost', sklearn(1)),
        done: (trial) => servesVersion(trial, 'lost', 1),
      },
      {
        name: 'usurp',
        async act(trial) {
          const { api, history, namespace, prefix } = trial;
          lane.proxy.onWatchEvent = (watch) => {
            if (held || !watch.path.includes('/inferenceservices')) return undefined;
            held = true;
            return { kind: 'hold', milliseconds: heldMilliseconds };
          };
          await api.must('DELETE', `${services(namespace)}/${prefix}lost`);
          await history.until(() => service(trial, 'lost') === undefined, 10_000);
          await api.must('POST', services(namespace), foreignService(trial, 'lost'));
          await change(trial, 'lost', sklearn(2));
        },
        done: (trial) => refused(trial, 'lost') && service(trial, 'lost')?.metadata.labels?.['team'] === 'other',
      },
    ],
  };
  const calm = () => {
    lane.proxy.onWatchEvent = undefined;
  };
  return disturbedRun(lane, { family: 'usurped name', name, workload }, { calm });
}
