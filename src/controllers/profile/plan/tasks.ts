/** What a run measures: the sweep as single settings. */
import type { ModelProfileSpec, ProfileResult } from '../../../api/model-profile/index.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import { type Load, pointId } from '../../../load/point.ts';
import { scenarioBatchSize, scenarioDefaults, scenarioLoad } from '../../../load/scenario.ts';
import { seededRandom, shuffled } from '../../../load/statistics/random.ts';

/** One setting of a sweep; the search at one batch size, which is as many settings as it takes; or a scenario at one batch size. */
export type Task =
  | { readonly kind: 'Point'; readonly id: string; readonly hardware?: string; readonly batchSize: number; readonly load: Load }
  | { readonly kind: 'Scenario'; readonly id: string; readonly hardware?: string; readonly batchSize: number; readonly load: Load }
  | { readonly kind: 'Search'; readonly id: string; readonly hardware?: string; readonly batchSize: number };

/**
 * Every batch size with every level of load, on every entry of `hardware` (none: the running service). The levels of one batch size are
 * in an order of their own, always the same: what drifts while it is measured then does not fall on rising levels.
 */
export function tasksOf(
  { sweep }: Pick<DeepReadonly<ModelProfileSpec>, 'sweep'>,
  hardware: readonly (string | undefined)[] = [undefined],
): Task[] {
  const { search, scenario } = sweep;
  const batchSizes = sweep.batchSizes ?? [scenario === undefined ? 1 : scenarioBatchSize(scenario.name)];
  return hardware.flatMap((entry) =>
    batchSizes.flatMap((batchSize): Task[] => {
      const on = entry === undefined ? {} : { hardware: entry };
      if (scenario !== undefined) {
        const load = loadOfScenario(scenario);
        return [{ kind: 'Scenario', id: prefixed(entry, pointId(batchSize, load)), ...on, batchSize, load }];
      }
      if (search !== undefined) return [{ kind: 'Search', id: prefixed(entry, `b${batchSize}-search`), ...on, batchSize }];
      return shuffled(loadsOf(sweep), seededRandom(batchSize)).map((load) => ({
        kind: 'Point',
        id: prefixed(entry, pointId(batchSize, load)),
        ...on,
        batchSize,
        load,
      }));
    }),
  );
}

type Scenario = NonNullable<DeepReadonly<ModelProfileSpec>['sweep']['scenario']>;

export function loadOfScenario({ name, requestsPerSecond, concurrency = scenarioDefaults.concurrency }: Scenario): Load {
  return scenarioLoad({ name, targetPerSecond: requestsPerSecond ?? null }, concurrency);
}

function loadsOf({ concurrency, requestsPerSecond, arrivals }: DeepReadonly<ModelProfileSpec['sweep']>): Load[] {
  const process = arrivals === 'Constant' ? 'constant' : 'poisson';
  if (requestsPerSecond !== undefined)
    return requestsPerSecond.map((rate) => ({ loop: 'open', requestsPerSecond: rate, arrivals: process }));
  return (concurrency ?? [1]).map((level) => ({ loop: 'closed', concurrency: level }));
}

/** Points on named hardware carry its name in front. */
export function prefixed(hardware: string | undefined, id: string): string {
  return hardware === undefined ? id : `${hardware}-${id}`;
}

/** The results that a task has given: one of a point or a scenario, all levels of its batch size of a search. */
export function resultsOf(task: Task, results: readonly ProfileResult[]): readonly ProfileResult[] {
  if (task.kind !== 'Search') return results.filter(({ id }) => id === task.id);
  return results.filter(({ batchSize, hardware }) => batchSize === task.batchSize && hardware === task.hardware);
}
