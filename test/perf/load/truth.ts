/** What is reported of servers whose latencies are known: the error of every percentile, closed and open loop. Live figures, reported and not asserted. */
import { assess } from '../../../src/load/assess.ts';
import { senders } from '../../../src/load/engine/pool.ts';
import type { Load, Point } from '../../../src/load/point.ts';
import { tensorRequest } from '../../../src/load/protocol/protocol.ts';
import { defaultStability } from '../../../src/load/statistics/stability.ts';
import { now } from '../../../src/load/transport/channel.ts';
import { parseTarget } from '../../../src/load/transport/target.ts';
import { startTruthServer } from '../../load/servers/start.ts';
import { type Behaviour, meanSojournMMc, sojournMM1, waitMD1 } from '../../load/servers/truth.ts';
import { type Figure, figure } from '../figure.ts';

const closed = (concurrency: number): Load => ({ loop: 'closed', concurrency });
const open = (requestsPerSecond: number): Load => ({ loop: 'open', requestsPerSecond, arrivals: 'poisson' });

async function measure(behaviour: Behaviour, load: Load, seconds: number, seed: number, batchSize = 1): Promise<Point> {
  // Not the schedule's own seed: the same stream twice would make long services follow long gaps, which no queue of theory knows.
  await using server = await startTruthServer(behaviour, { seed: seed + 7919 });
  const model = { name: 'truth', version: null, signatureName: 'serving_default' };
  const tensor = { name: 'x', dataType: 'FP32', shape: [batchSize, 4], values: new Array(batchSize * 4).fill(0.5) as number[] } as const;
  const [sender] = senders([
    {
      target: parseTarget(server.url),
      transport: 'http1',
      requests: [tensorRequest('v2', model, [tensor])],
      load,
      seed,
      maxConnections: 1024,
      limits: { timeoutMicroseconds: 10e6, maxBodyBytes: 1 << 20 },
      warmup: { requests: 20, seconds: 0.5 },
      checkEvery: 100,
      check: { protocol: 'v2', batchSize, batched: true, minimumBytes: 1 },
      spin: true,
    },
  ]);
  if (sender === undefined) throw new Error('no sender');
  await sender.warm();
  const from = now() + 1000;
  const to = from + seconds * 1e6;
  const result = await sender.measure(from, { kind: 'until', at: to });
  const window = { from: result.begunAt, to };
  await sender.close();
  return assess(
    {
      batchSize,
      load,
      repeat: false,
      startedAt: new Date().toISOString(),
      window,
      results: [result],
      warmupSeconds: 0.5,
      interrupted: false,
      throttledPeriods: null,
      spinning: load.loop === 'open',
      clockStepSeconds: 0,
      server: null,
      gpus: null,
      serverRestarted: null,
    },
    {
      judged: 'p99',
      stability: defaultStability,
      validity: { minimumSeconds: 0, minimumRequests: 368, maximumErrorsPerMillion: 1e6 },
      latencyBounds: [],
      keepHistogram: false,
    },
  );
}

interface Case {
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly load: Load;
  readonly batchSize?: number;
  readonly figures: readonly (readonly [
    name: string,
    unit: string,
    read: (point: Point) => number,
    truth: number,
    goal?: { readonly atMost?: number; readonly atLeast?: number },
  ])[];
}

const p = (name: 'p50' | 'p90' | 'p99' | 'mean' | 'max') => (point: Point) => point.latencyMicroseconds?.[name] ?? Number.NaN;
const over = (read: (point: Point) => number, truth: number) => (point: Point) => read(point) - truth;
const errorShare = (point: Point) => (point.requests - point.succeeded) / point.requests;

const fixed = { kind: 'fixed', microseconds: 5000 } as const;
const bimodal = { kind: 'bimodal', microseconds: 5000, slowMicroseconds: 50_000, slowShare: 0.02 } as const;
/** Truth for arrivals at a server of 2 ms that stands still for 1 of 6 seconds: a sixth of them wait U(0, 1 s). */
const frozen = { kind: 'frozen', microseconds: 2000, afterSeconds: 2, frozenSeconds: 1 } as const;

const cases: readonly Case[] = [
  ...[closed(1), closed(16), open(500)].map(
    (load): Case => ({
      name: `fixed 5 ms, ${load.loop === 'closed' ? `closed, ${load.concurrency} at once` : 'open, 500/s'}`,
      behaviour: fixed,
      load,
      figures: [
        ['p50 above truth', 'µs', over(p('p50'), 5000), 5000, { atMost: 200 }],
        ['p99 above truth', 'µs', over(p('p99'), 5000), 5000],
        ["Little's ratio", 'ratio', (point) => point.littleRatio ?? Number.NaN, 1, { atLeast: 0.98, atMost: 1.02 }],
      ],
    }),
  ),
  ...[closed(16), open(500)].map(
    (load): Case => ({
      name: `bimodal 5/50 ms, ${load.loop}`,
      behaviour: bimodal,
      load,
      figures: [
        ['p50 above truth', 'µs', over(p('p50'), 5000), 5000, { atMost: 200 }],
        ['p99 above truth', 'µs', over(p('p99'), 50_000), 50_000],
        [
          'truth inside the printed p99 interval',
          '0 or 1',
          (point) =>
            Number(
              (point.latencyIntervals.p99?.low ?? 0) <= 50_300 && (point.latencyIntervals.p99?.high ?? Number.POSITIVE_INFINITY) >= 50_000,
            ),
          1,
        ],
      ],
    }),
  ),
  {
    name: 'M/D/1 at half load, open, 250/s of 2 ms',
    behaviour: { kind: 'queue', servers: 1, microseconds: 2000, service: 'fixed' },
    load: open(250),
    figures: [['mean against theory', 'ratio', (point) => p('mean')(point) / (2000 + waitMD1(250, 2000)), 1]],
  },
  {
    name: 'M/M/1 at half load, open, 250/s of 2 ms',
    behaviour: { kind: 'queue', servers: 1, microseconds: 2000, service: 'exponential' },
    load: open(250),
    figures: [
      ['p50 against theory', 'ratio', (point) => p('p50')(point) / sojournMM1(250, 2000, 0.5), 1],
      ['p99 against theory', 'ratio', (point) => p('p99')(point) / sojournMM1(250, 2000, 0.99), 1],
    ],
  },
  {
    name: 'M/M/4 at 70 % load, open, 700/s of 4 ms',
    behaviour: { kind: 'queue', servers: 4, microseconds: 4000, service: 'exponential' },
    load: open(700),
    figures: [['mean against theory', 'ratio', (point) => p('mean')(point) / meanSojournMMc(700, 4000, 4), 1]],
  },
  {
    name: 'frozen second, open, 500/s',
    behaviour: frozen,
    load: open(500),
    figures: [
      ['p50, truth about 2.2 ms', 'ms', (point) => p('p50')(point) / 1000, 2.2],
      ['p90, truth about 400 ms', 'ms', (point) => p('p90')(point) / 1000, 400],
      ['p99, truth about 940 ms', 'ms', (point) => p('p99')(point) / 1000, 940],
    ],
  },
  {
    name: 'frozen second, closed, 8 at once (omits by nature, and the report says so)',
    behaviour: frozen,
    load: closed(8),
    figures: [
      ['p99', 'ms', (point) => p('p99')(point) / 1000, 2.2],
      ['max, truth 1,000 ms', 'ms', (point) => p('max')(point) / 1000, 1000],
    ],
  },
  {
    name: 'limited to 300/s, open, 500/s',
    behaviour: { kind: 'limited', microseconds: 1000, perSecond: 300 },
    load: open(500),
    figures: [
      ['share refused, truth 0.4', 'ratio', errorShare, 0.4],
      ['succeeded per second, truth 300', '/s', (point) => point.requestsPerSecond, 300],
    ],
  },
  ...(['status', 'body'] as const).map(
    (as): Case => ({
      name: `failing 5 of 100 by ${as}, closed, 8 at once`,
      behaviour: { kind: 'failing', microseconds: 1000, share: 0.05, as },
      load: closed(8),
      figures: [['share of errors, truth 0.05', 'ratio', errorShare, 0.05]],
    }),
  ),
  {
    name: 'batch of 16 at 1 ms + 0.2 ms each, closed, 1 at once',
    behaviour: { kind: 'batch', baseMicroseconds: 1000, eachMicroseconds: 200 },
    load: closed(1),
    batchSize: 16,
    figures: [['p50 above truth 4.2 ms', 'µs', over(p('p50'), 4200), 4200, { atMost: 200 }]],
  },
];

/** A frozen server has its second in it; waiting times in a queue are alike from one to the next, and a short run has few of them. */
function length({ kind }: Behaviour, seconds: number): number {
  return kind === 'frozen' ? 6 : kind === 'queue' ? 5 * seconds : seconds;
}

/** Every case so many times. The seed of server and schedule changes with the run. */
export async function truth(rounds: number, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, behaviour, load, batchSize, figures: wanted } of cases) {
    const points: Point[] = [];
    for (let round = 0; round < rounds; round++) {
      const point = await measure(behaviour, load, length(behaviour, seconds), round + 1, batchSize);
      console.error(
        `  ${name}: p50 ${p('p50')(point)} p99 ${p('p99')(point)} µs, ${point.requests} requests${point.valid ? '' : `, not valid: ${point.invalidReasons.map((finding) => finding.reason).join(', ')}`}`,
      );
      points.push(point);
    }
    for (const [metric, unit, read, expected, goal] of wanted) {
      figures.push(
        figure(`${name}: ${metric}`, unit, points.map(read), {
          ...(goal === undefined ? {} : { goal }),
          detail: {
            truth: expected,
            requests: points.map((point) => point.requests),
            valid: points.map((point) => point.valid),
            sendLagP50Microseconds: points.map((point) => point.sendLagMicroseconds?.p50 ?? null),
          },
        }),
      );
    }
  }
  return figures;
}

/** How late an open loop's requests leave, by rate. */
export async function lateness(rounds: number, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rate of [100, 1000, 5000]) {
    const points: Point[] = [];
    for (let round = 0; round < rounds; round++)
      points.push(await measure({ kind: 'fixed', microseconds: 200 }, open(rate), seconds, round + 1));
    const lag = (name: 'p50' | 'p99') => points.map((point) => point.sendLagMicroseconds?.[name] ?? Number.NaN);
    figures.push(
      figure(`open loop at ${rate}/s: sent after the intended time, p50`, 'µs', lag('p50'), {
        ...(rate === 1000 ? { goal: { atMost: 60 } } : {}),
        detail: { p99: lag('p99'), sentPerSecond: points.map((point) => point.sentPerSecond) },
      }),
    );
  }
  return figures;
}
