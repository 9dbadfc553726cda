/**
 * The product's sending engine on the clocked server of `server.c`; prints one line of JSON.
 *
 *   node wire-client.ts URL closed|open LEVEL SECONDS
 *
 * Every request has its number in its path, in the order of sending, which is that of the intended times. `intended` are those of the measured
 * requests: microseconds of the monotonic clock, by which the server notes arrivals. Sending stops at the end of the window and every request
 * is answered, so the measured ones are the last that were sent.
 */
import { senders } from '../../../src/load/engine/pool.ts';
import { errorClasses, type Load } from '../../../src/load/point.ts';
import { nearestRank } from '../../../src/load/statistics/percentile.ts';
import { readWindow } from '../../../src/load/statistics/window.ts';
import { now } from '../../../src/load/transport/channel.ts';
import { parseTarget } from '../../../src/load/transport/target.ts';

const [url = '', loop = 'closed', level = '1', seconds = '3'] = process.argv.slice(2);
const load: Load =
  loop === 'open'
    ? { loop: 'open', requestsPerSecond: Number(level), arrivals: 'poisson' }
    : { loop: 'closed', concurrency: Number(level) };
const warmupSeconds = 1;
const most = loop === 'open' ? Math.ceil(Number(level) * (Number(seconds) + warmupSeconds) * 1.5) + 500 : 1;
const body = Buffer.from(JSON.stringify({ x: 'x'.repeat(192) }));
const [sender] = senders([
  {
    target: parseTarget(url),
    transport: 'http1',
    requests: Array.from({ length: most }, (_, number) => ({
      method: 'POST' as const,
      path: `/${number}`,
      headers: [['content-type', 'application/json']] as const,
      body,
    })),
    load,
    seed: 1,
    maxConnections: 1024,
    limits: { timeoutMicroseconds: 10e6, maxBodyBytes: 1 << 20 },
    warmup: { requests: 100, seconds: warmupSeconds },
    checkEvery: 100,
    check: { protocol: 'http', batchSize: 1, batched: false, minimumBytes: 1 },
    spin: true,
  },
]);
if (sender === undefined) throw new Error('no sender');
await sender.warm();
const from = now() + 1000;
const to = from + Number(seconds) * 1e6;
const { trace, begunAt } = await sender.measure(from, { kind: 'until', at: to });
await sender.close();
const facts = readWindow(trace, { from: begunAt, to }, errorClasses.length);
const errors = facts.errors.reduce((sum, count) => sum + count, 0);
if (errors > 0) throw new Error(`${errors} errors`);
const intended = Array.from({ length: trace.length }, (_, i) => (trace.done[i] as number) - (trace.latency[i] as number))
  .filter((at) => at >= begunAt)
  .sort((a, b) => a - b);
console.log(
  JSON.stringify({
    requests: facts.requests,
    p50: nearestRank(facts.sorted, 0.5),
    p99: nearestRank(facts.sorted, 0.99),
    lagP50: loop === 'open' ? nearestRank(facts.lag, 0.5) : null,
    lagP99: loop === 'open' ? nearestRank(facts.lag, 0.99) : null,
    sentPerSecond: facts.sentPerSecond,
    intended: loop === 'open' ? intended : [],
  }),
);
