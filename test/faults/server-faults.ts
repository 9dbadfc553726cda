/** What happens to the API server and to etcd themselves: a restart, a compaction, and an operator that comes up on a server that lags behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lane } from './lane.ts';
import type { Reference } from './oracles.ts';
import { status } from './request-faults.ts';
import type { StaleServer } from './stale-server.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import { create, remove, type Step, servesVersion, sklearn, type Workload } from './workload.ts';

export interface ServerFaultPlan {
  readonly name: string;
  readonly workload: Workload;
  readonly reference: Reference;
}

/** `disturb` runs when the second step has acted, so that it meets work in progress. */
function disturbed(workload: Workload, disturb: () => Promise<void>): Workload {
  const second = workload.steps[1];
  const steps = workload.steps.map(
    (step): Step =>
      step !== second
        ? step
        : {
            ...step,
            async act(trial) {
              await step.act(trial);
              await disturb();
            },
          },
  );
  return { name: workload.name, steps };
}

/** SIGKILL of the API server, which comes back. */
export async function restartTrial(lane: Lane, plan: ServerFaultPlan): Promise<Outcome> {
  // A life of its own for each trial: what a reflector has waited does not count for the next.
  await lane.operator.kill();
  lane.restart();
  const workload = disturbed(plan.workload, () => lane.world.restartApiserver());
  return disturbedRun(lane, { family: 'API server restart', ...plan, workload });
}

/**
 * Everything is replaced while the watches are broken, and when they come back, the API server no longer knows where they were: 410 to each until it reads
 * anew. Said by the proxy, as the API server does once its own memory begins later than that.
 */
export async function expiredTrial(lane: Lane, plan: ServerFaultPlan): Promise<Outcome> {
  // A life of its own for each trial: what a reflector has waited does not count for the next.
  await lane.operator.kill();
  lane.restart();
  const last = plan.workload.steps.at(-1);
  const workload: Workload = {
    name: plan.workload.name,
    steps: plan.workload.steps.map((step) =>
      step !== last
        ? step
        : {
            ...step,
            async act(trial) {
              const anew = new Set<string>();
              let away = true;
              lane.proxy.onRequest = ({ watch, path }) => {
                const [resource = '', query = ''] = path.split('?');
                if (!watch) return undefined;
                if (away) return { kind: 'reset', phase: 'before' };
                if (query.includes('sendInitialEvents=true')) anew.add(resource + selectorOf(query));
                return anew.has(resource + selectorOf(query)) ? undefined : status(410, 'Expired', 'too old resource version');
              };
              for (const watch of lane.proxy.watches) watch.cut();
              await step.act(trial);
              await sleep(500);
              away = false;
            },
          },
    ),
  };
  const calm = () => {
    lane.proxy.onRequest = undefined;
  };
  return disturbedRun(lane, { family: 'expired positions', ...plan, workload }, { calm });
}

function selectorOf(query: string): string {
  const parameters = new URLSearchParams(query);
  return `${parameters.get('labelSelector')} ${parameters.get('fieldSelector')}`;
}

/** etcd forgets its history while the watches are cut, so that they cannot go on from where they were. */
export function compactionTrial(lane: Lane, plan: ServerFaultPlan): Promise<Outcome> {
  const workload = disturbed(plan.workload, async () => {
    lane.proxy.onRequest = (request) => (request.watch ? { kind: 'reset', phase: 'before' } : undefined);
    for (const watch of lane.proxy.watches) watch.cut();
    await sleep(300);
    await lane.world.plane.compactEtcd();
    lane.proxy.onRequest = undefined;
  });
  return disturbedRun(lane, { family: 'etcd compaction', ...plan, workload });
}

/** A ModelDeployment is made anew while nobody collects what the one before has left: it must not wait for that. */
export async function uncollectedTrial(lane: Lane, name: string): Promise<Outcome> {
  let resume = () => {};
  const workload: Workload = {
    name: 'uncollected',
    steps: [
      { name: 'create', act: (trial) => create(trial, 'anew', sklearn(1)), done: (trial) => servesVersion(trial, 'anew', 1) },
      {
        name: 'replace',
        async act(trial) {
          resume = lane.world.stopCollector();
          await remove(trial, 'anew');
          await create(trial, 'anew', sklearn(3));
        },
        done: (trial) => servesVersion(trial, 'anew', 3),
      },
    ],
  };
  return disturbedRun(lane, { family: 'no garbage collector', name, workload }, { calm: () => resume() });
}

/**
 * The operator comes up on a server that is stuck in the past, where the old objects still are, while everything was replaced; later the server
 * catches up. Reads go to the stale server, writes to the other one, as behind one load balancer.
 */
export function staleServerTrial(lane: Lane, stale: StaleServer, plan: ServerFaultPlan): Promise<Outcome> {
  const last = plan.workload.steps.at(-1);
  const workload: Workload = {
    name: plan.workload.name,
    steps: plan.workload.steps.map((step) =>
      step !== last
        ? step
        : {
            ...step,
            async act(trial) {
              stale.freeze();
              await step.act(trial);
              await trial.history.until(() => step.done(trial), 30_000);
              await lane.operator.kill();
              lane.proxy.onRequest = (request) =>
                request.method === 'GET' && !request.path.includes('/leases') ? { kind: 'redirect', to: stale.upstream } : undefined;
              lane.restart();
              await sleep(6000);
              stale.thaw();
            },
          },
    ),
  };
  const calm = () => {
    lane.proxy.onRequest = undefined;
  };
  return disturbedRun(lane, { family: 'stale API server', ...plan, workload }, { calm });
}
