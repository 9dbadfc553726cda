import type { Load } from './point.ts';
import { seededRandom, shuffled } from './statistics/random.ts';

/** One setting to be measured. */
export interface PlannedPoint {
  readonly batchSize: number;
  readonly load: Load;
  /** The first setting once more, at the end. */
  readonly repeat: boolean;
}

/**
 * Every batch size with every load, in an order that the seed decides: what drifts during a sweep (heat, neighbours) then falls on all
 * settings alike, and measuring the first setting again at the end shows how much it was.
 */
export function planSweep(
  batchSizes: readonly number[],
  loads: readonly Load[],
  options: { readonly seed: number; readonly shuffle: boolean; readonly repeatFirst: boolean },
): PlannedPoint[] {
  const grid = batchSizes.flatMap((batchSize) => loads.map((load) => ({ batchSize, load, repeat: false })));
  const order = options.shuffle ? shuffled(grid, seededRandom(options.seed)) : grid;
  const [first] = order;
  return first !== undefined && options.repeatFirst && order.length > 1 ? [...order, { ...first, repeat: true }] : order;
}
