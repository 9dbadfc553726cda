/** SIGKILL at every write of a workload: before the request leaves, after it was committed and before the answer arrives, and after the answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lane } from './lane.ts';
import { isWork, type Reference } from './oracles.ts';
import type { Random } from './random.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import type { Workload } from './workload.ts';

export const phases = ['before', 'during', 'after'] as const;
export type Phase = (typeof phases)[number];

export interface CrashPlan {
  readonly workload: Workload;
  readonly reference: Reference;
  /** The write at which the operator is killed, from 1. */
  readonly write: number;
  readonly phase: Phase;
  /** How long nobody looks after the objects. */
  readonly downMilliseconds: number;
  /** A second kill at this write after the restart, in the same phase. */
  readonly again?: number;
}

/**
 * `count` plans: every write of every workload in all phases, first with the operator back at once, then, as far as `count` goes, with longer
 * absences and with a second crash during recovery.
 */
export function crashPlans(workloads: readonly (readonly [Workload, Reference])[], count: number, random: Random): CrashPlan[] {
  const points = workloads.flatMap(([workload, reference]) =>
    Array.from({ length: reference.writes }, (_, index) =>
      phases.map((phase) => ({ workload, reference, write: index + 1, phase })),
    ).flat(),
  );
  const plans: CrashPlan[] = [];
  for (let round = 0; plans.length < count; round += 1) {
    for (const point of shuffled(points, random)) {
      if (plans.length === count) break;
      plans.push(
        round === 0
          ? { ...point, downMilliseconds: 0 }
          : { ...point, downMilliseconds: random.between(0, 1500), ...(random.chance(0.5) && { again: random.between(1, 4) }) },
      );
    }
  }
  return plans;
}

/** The order matters to nobody but a reader of the output: one place after the other would hide a slow drift. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, order: random.next() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

export async function crashTrial(lane: Lane, plan: CrashPlan): Promise<Outcome & { readonly kills: number }> {
  const { workload, reference, write, phase, downMilliseconds, again } = plan;
  const points = again === undefined ? [write] : [write, again];
  let kills = 0;
  let seen = 0;
  const restarts: Promise<void>[] = [];
  const kill = () => {
    const gone = lane.operator.kill();
    restarts.push(
      gone.then(async () => {
        await sleep(downMilliseconds);
        lane.restart();
      }),
    );
  };
  lane.proxy.onRequest = (request) => {
    if (kills >= points.length || !isWork(request)) return undefined;
    seen += 1;
    if (seen !== points[kills]) return undefined;
    kills += 1;
    seen = 0;
    return { kind: 'kill', phase, kill };
  };
  const name = `${workload.name}: killed ${phase} write ${write}, back after ${downMilliseconds} ms${again === undefined ? '' : `, killed again at write ${again}`}`;
  const outcome = await disturbedRun(lane, { family: 'crash', name, workload, reference });
  lane.proxy.onRequest = undefined;
  await Promise.all(restarts);
  return { ...outcome, kills };
}
