/**
 * The product's sending engine alone, for comparisons with other load tools; prints one line of JSON.
 *
 *   node client.ts URL CONCURRENCY SECONDS BODY_FILE PATH WARMUP_REQUESTS
 *
 * CPU time is that of the whole process over the window: sending thread, garbage collection, compilation. The warm-up is long enough for
 * the code to be compiled: what is compared is the steady state that a measurement runs in.
 */
import { readFileSync } from 'node:fs';
import { senders } from '../../../src/load/engine/pool.ts';
import { errorClasses } from '../../../src/load/point.ts';
import { nearestRank } from '../../../src/load/statistics/percentile.ts';
import { readWindow } from '../../../src/load/statistics/window.ts';
import { now } from '../../../src/load/transport/channel.ts';
import { parseTarget } from '../../../src/load/transport/target.ts';

const [url = '', concurrency = '1', seconds = '3', bodyFile = '', path = '/', warmup = '100'] = process.argv.slice(2);
const [sender] = senders([
  {
    target: parseTarget(url),
    transport: 'http1',
    requests: [{ method: 'POST', path, headers: [['content-type', 'application/json']], body: readFileSync(bodyFile) }],
    load: { loop: 'closed', concurrency: Number(concurrency) },
    seed: 1,
    maxConnections: 1024,
    limits: { timeoutMicroseconds: 30e6, maxBodyBytes: 64 << 20 },
    warmup: { requests: Number(warmup), seconds: 1 },
    checkEvery: 100,
    check: { protocol: 'http', batchSize: 1, batched: false, minimumBytes: 1 },
    spin: false,
  },
]);
if (sender === undefined) throw new Error('no sender');
await sender.warm();
const from = now() + 1000;
const to = from + Number(seconds) * 1e6;
const before = process.cpuUsage();
const { trace, begunAt } = await sender.measure(from, { kind: 'until', at: to });
const window = { from: begunAt, to };
const cpu = process.cpuUsage(before);
await sender.close();
const facts = readWindow(trace, window, errorClasses.length);
const ended = (facts.endedPerSecond * (to - begunAt)) / 1e6;
console.log(
  JSON.stringify({
    perSecond: facts.completedPerSecond,
    errors: facts.errors.reduce((sum, count) => sum + count, 0),
    cpuMicroseconds: (cpu.user + cpu.system) / ended,
    p50: nearestRank(facts.sorted, 0.5) / 1000,
    p99: nearestRank(facts.sorted, 0.99) / 1000,
  }),
);
