/** The test servers' queues are those of the textbooks: in a time of its own, with the arrivals that the load generator sends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arrivals } from '../../src/load/statistics/arrivals.ts';
import { mean } from '../../src/load/statistics/mean.ts';
import { nearestRank } from '../../src/load/statistics/percentile.ts';
import { exponential, seededRandom } from '../../src/load/statistics/random.ts';
import { meanSojournMMc, queueDepartures, sojournMM1, waitMD1 } from './servers/truth.ts';

const requests = 400_000;

/** Sorted times in system, microseconds, of Poisson arrivals. */
function sojourns(
  perSecond: number,
  servers: number,
  service: (random: ReturnType<typeof seededRandom>) => number,
  seed = 1,
): Float64Array {
  const next = arrivals('poisson', perSecond, seededRandom(seed));
  // As the benchmark seeds its servers: not with the schedule's own stream.
  const random = seededRandom(seed + 7919);
  const depart = queueDepartures(servers);
  return Float64Array.from({ length: requests }, () => {
    const at = next();
    return depart(at, service(random)) - at;
  }).sort();
}

describe('the queues of the test servers', () => {
  const close = (got: number, truth: number, share: number) =>
    assert.ok(Math.abs(got / truth - 1) < share, `${got.toFixed(1)}, in theory ${truth.toFixed(1)}`);

  it('M/D/1 has the mean of Pollaczek and Khinchine', () => {
    close(mean(sojourns(250, 1, () => 2000)), 2000 + waitMD1(250, 2000), 0.02);
  });
  it('M/M/1 has an exponential time in system', () => {
    const sorted = sojourns(250, 1, (random) => exponential(random, 2000));
    for (const q of [0.5, 0.9, 0.99]) close(nearestRank(sorted, q), sojournMM1(250, 2000, q), 0.03);
  });
  it('M/M/4 has the mean of Erlang C', () => {
    close(mean(sojourns(700, 4, (random) => exponential(random, 4000))), meanSojournMMc(700, 4000, 4), 0.03);
  });
  it('would be none of these with the services drawn from the stream of the arrivals', () => {
    const next = arrivals('poisson', 250, seededRandom(1));
    const random = seededRandom(1);
    const depart = queueDepartures(1);
    const sorted = Float64Array.from({ length: requests }, () => {
      const at = next();
      return depart(at, exponential(random, 2000)) - at;
    }).sort();
    assert.ok(nearestRank(sorted, 0.99) < 0.8 * sojournMM1(250, 2000, 0.99), 'long services would follow long gaps');
  });
});
