import { exponential, type Random } from './random.ts';

export type ArrivalProcess = 'constant' | 'poisson';

/**
 * Intended send times of an open loop, in microseconds after the start, without end. The schedule is absolute: a late send does not move
 * the ones after it, so a stall shows in the latencies and not in a lower rate.
 *
 * @param phase of constant arrivals, as a share of the gap: what sets the streams of several threads apart, so that together they are constant too
 */
export function arrivals(process: ArrivalProcess, requestsPerSecond: number, random: Random, phase = 0): () => number {
  const gap = 1e6 / requestsPerSecond;
  if (process === 'poisson') {
    let at = 0;
    return () => {
      at += exponential(random, gap);
      return at;
    };
  }
  let sent = 0;
  return () => gap * (phase + sent++);
}
