import { randomBytes } from 'node:crypto';
import type { LatencyBound, Objective } from '../../load/best.ts';
import { pointsPerMessage } from '../../load/compact.ts';
import { discoverSignature } from '../../load/discover.ts';
import type { Payload } from '../../load/payload.ts';
import type { Load, Percentile } from '../../load/point.ts';
import { isGrpc, type ModelAddress, type ProtocolName, protocolNames } from '../../load/protocol/protocol.ts';
import { fixDimensions, signatureFromPbtxt } from '../../load/protocol/signature.ts';
import type { BenchSpec, Work } from '../../load/run.ts';
import { scenarioBatchSize, scenarioDefaults, scenarioNames } from '../../load/scenario.ts';
import { samplesToBound } from '../../load/statistics/interval.ts';
import { quantileOfName } from '../../load/statistics/percentile.ts';
import { parseTarget, type Target, UsageError } from '../../load/transport/target.ts';
import { programVersion } from '../program-version.ts';
import { type AccuracyFlags, accuracyOf, minAccuracyOf } from './accuracy.ts';
import { addressRules, latencyBound, notNegative, numberList, pairs, positive, readFile, readJson, seconds, tokenFrom } from './flags.ts';

/** The flags of `modelwright bench` as commander gives them. */
export interface BenchFlags extends AccuracyFlags {
  readonly model?: string;
  readonly modelVersion?: string;
  readonly protocol: string;
  readonly signature: string;
  readonly batch?: string;
  readonly concurrency?: string;
  readonly rate?: string;
  readonly arrivals: string;
  readonly search?: string;
  readonly searchStart: string;
  readonly searchMax: string;
  readonly tolerance: string;
  readonly points: readonly string[];
  readonly pointsIndex: string;
  readonly maxRate?: string;
  readonly stopAbove?: string;
  readonly stopOnErrors?: boolean;
  readonly verdict: boolean;
  readonly allowAddresses?: string;
  readonly scenario?: string;
  readonly samples?: string;
  readonly duration?: string;
  readonly requests?: string;
  readonly minDuration?: string;
  readonly warmup?: string;
  readonly warmupRequests: string;
  readonly slo: readonly string[];
  readonly maxErrors: string;
  readonly maximize: string;
  readonly payload: readonly string[];
  readonly bodyFile: readonly string[];
  readonly contentType: string;
  readonly configPbtxt?: string;
  readonly dim: readonly string[];
  readonly hostHeader?: string;
  readonly header: readonly string[];
  readonly tokenFile?: string;
  readonly tokenCommand?: string;
  readonly caFile?: string;
  readonly insecure?: boolean;
  readonly workers: string;
  readonly maxConnections: string;
  readonly timeout: string;
  readonly maxBody: string;
  readonly checkEvery: string;
  readonly seed: string;
  readonly shuffle: boolean;
  readonly repeatFirst: boolean;
  readonly metricsUrl?: string;
  readonly statsUrl?: string;
  readonly dcgmUrl?: string;
  readonly gpuLabel: readonly string[];
  readonly gpuPreallocated?: boolean;
  readonly histograms?: boolean;
  readonly run?: string;
  readonly termination?: string;
}

/** Requests of a point where nothing else is said; more where the highest percentile asked for needs more. */
const defaultRequests = 100;

/** Reads the flags into a specification; asks the server for its signature where the payload comes from it. Throws a `UsageError` that names the flag. */
export async function specFrom(url: string, flags: BenchFlags, signal: AbortSignal): Promise<BenchSpec> {
  const protocol = oneOf(flags.protocol, protocolNames, '--protocol');
  const token = tokenFrom(flags.tokenFile, flags.tokenCommand);
  const tls = {
    ...(flags.caFile === undefined ? {} : { caFile: flags.caFile }),
    ...(flags.insecure === undefined ? {} : { insecure: flags.insecure }),
  };
  const target = parseTarget(url, {
    ...tls,
    ...(flags.hostHeader === undefined ? {} : { hostHeader: flags.hostHeader }),
    headers: flags.header,
    ...(flags.allowAddresses === undefined ? {} : { addresses: addressRules(flags.allowAddresses) }),
    ...(token === undefined ? {} : { token }),
  });
  if (protocol !== 'http' && flags.model === undefined)
    throw new UsageError('--model is needed: the name under which the server serves the model');
  const model: ModelAddress = { name: flags.model ?? '', version: flags.modelVersion ?? null, signatureName: flags.signature };
  const points = pointsOf(flags);
  const batchSizes = points === undefined ? batchSizesOf(flags) : [...new Set(points.map(({ batchSize }) => batchSize))];
  const slo = flags.slo.map((bound) => latencyBound(bound));
  const work = workOf(flags, slo, points);
  const bound = boundOf(flags, work, slo);
  const leastSeconds = minimumSeconds(flags, bound);
  const warmupRequests = notNegative(flags.warmupRequests, '--warmup-requests');
  if (bound.kind === 'requests' && bound.requests <= warmupRequests) {
    throw new UsageError(`--requests ${bound.requests} must be more than the ${warmupRequests} of the warm-up`);
  }
  const run = flags.run ?? `bench-${randomBytes(5).toString('hex')}`;
  if (!/^[a-z0-9-]{8,32}$/.test(run)) throw new UsageError(`--run "${run}" must be 8 to 32 characters of a-z, 0-9 and "-"`);
  if (work.kind === 'scenario' && batchSizes.length !== 1)
    throw new UsageError('--scenario measures one batch size: give a single one with --batch or --points');
  const planned = work.kind === 'sweep' ? batchSizes.length * work.loads.length : work.kind === 'points' ? work.points.length : 1;
  if (flags.termination !== undefined && planned > pointsPerMessage) {
    throw new UsageError(`--termination holds ${pointsPerMessage} points, this sweep has ${planned}: split it`);
  }
  const payload = await payloadOf(flags, target, protocol, model, signal);
  const maxErrorsPerMillion = notNegative(flags.maxErrors, '--max-errors');
  const objective: Objective = {
    maximize: oneOf(flags.maximize, ['Throughput', 'LowLatency'], '--maximize'),
    latency: slo,
    maxErrorsPerMillion,
    minAccuracy: minAccuracyOf(flags),
  };
  const accuracy = await accuracyOf(flags, protocol, signal);
  const maxPerSecond = flags.maxRate === undefined ? undefined : positive(flags.maxRate, '--max-rate');
  const judged = judgedPercentile(slo, bound);
  return {
    run,
    version: programVersion(),
    target,
    protocol,
    model,
    payload,
    batchSizes,
    work,
    bound,
    warmup: {
      requests: warmupRequests,
      seconds:
        flags.warmup === undefined ? (bound.kind === 'seconds' ? Math.min(5, bound.seconds / 5) : 0) : seconds(flags.warmup, '--warmup'),
    },
    workers: positive(flags.workers, '--workers', true),
    maxConnections: positive(flags.maxConnections, '--max-connections', true),
    limits: { timeoutMicroseconds: seconds(flags.timeout, '--timeout') * 1e6, maxBodyBytes: positive(flags.maxBody, '--max-body', true) },
    checkEvery: positive(flags.checkEvery, '--check-every', true),
    seed: positive(flags.seed, '--seed', true),
    shuffle: flags.shuffle,
    repeatFirst: flags.repeatFirst && work.kind === 'sweep',
    ...(maxPerSecond !== undefined && { maxPerSecond }),
    ...((flags.stopAbove !== undefined || flags.stopOnErrors === true) && {
      guard: {
        latency: flags.stopAbove === undefined ? null : latencyBound(flags.stopAbove, '--stop-above'),
        errors: flags.stopOnErrors ?? false,
      },
    }),
    judgement: {
      judged,
      ...(maxPerSecond !== undefined && { maxPerSecond }),
      stability: { windows: 3, tolerance: 0.1, minimumRequests: 10 },
      validity: {
        minimumSeconds: leastSeconds,
        minimumRequests: samplesToBound(quantileOfName(judged) as number),
        maximumErrorsPerMillion: maxErrorsPerMillion,
      },
      latencyBounds: slo,
      keepHistogram: flags.histograms ?? false,
    },
    objective,
    sources: sourcesOf(flags, target, protocol, model, tls),
    ...(accuracy !== undefined && { accuracy }),
  };
}

interface SinglePoint {
  readonly batchSize: number;
  /** Absent for a search, which finds it, and for a scenario, which has its own. */
  readonly load?: Load;
}

/** The settings of `--points`: of several lists the one that `--points-index` names. */
function pointsOf({ points, pointsIndex, arrivals }: BenchFlags): SinglePoint[] | undefined {
  if (points.length === 0) return undefined;
  const index = notNegative(pointsIndex, '--points-index');
  const list = points[index];
  if (list === undefined)
    throw new UsageError(`--points-index ${pointsIndex}: there are ${points.length} lists of --points, counted from 0`);
  return list.split(',').map((text): SinglePoint => {
    const match = /^b(\d+)(?:-([cr])(\d+(?:\.\d+)?))?$/.exec(text);
    if (match === null) throw new UsageError(`--points "${text}" is no setting; write b8-c16, b1-r50, or b8 for a search or a scenario`);
    const batchSize = positive(match[1] ?? '', '--points', true);
    if (match[2] === undefined) return { batchSize };
    const level = positive(match[3] ?? '', '--points', match[2] === 'c');
    const process = oneOf(arrivals, ['poisson', 'constant'], '--arrivals');
    return {
      batchSize,
      load: match[2] === 'c' ? { loop: 'closed', concurrency: level } : { loop: 'open', requestsPerSecond: level, arrivals: process },
    };
  });
}

function wholePoint(batchSize: number): never {
  throw new UsageError(
    `--points "b${batchSize}" names no load; write b${batchSize}-c16 or b${batchSize}-r50, or add --search or --scenario`,
  );
}

function batchSizesOf({ batch, scenario }: BenchFlags): number[] {
  if (batch !== undefined) return numberList(batch, '--batch', true);
  return [scenario === undefined ? 1 : scenarioBatchSize(oneOf(scenario, scenarioNames, '--scenario'))];
}

function workOf(flags: BenchFlags, slo: readonly LatencyBound[], points: readonly SinglePoint[] | undefined): Work {
  const ways = [flags.search, flags.scenario, flags.concurrency, flags.rate].filter((flag) => flag !== undefined);
  if (
    ways.length > 1 &&
    !(flags.scenario !== undefined && (flags.concurrency !== undefined || flags.rate !== undefined) && ways.length === 2)
  ) {
    throw new UsageError(
      '--concurrency, --rate, --search and --scenario exclude each other (a scenario takes one --concurrency or --rate)',
    );
  }
  const arrivals = oneOf(flags.arrivals, ['poisson', 'constant'], '--arrivals');
  if (points !== undefined && flags.search === undefined && flags.scenario === undefined) {
    if (ways.length > 0 || flags.batch !== undefined)
      throw new UsageError('--points says it all: leave out --batch, --concurrency, --rate and --scenario');
    return { kind: 'points', points: points.map(({ batchSize, load }) => ({ batchSize, load: load ?? wholePoint(batchSize) })) };
  }
  if (flags.search !== undefined) {
    if (slo.length === 0) throw new UsageError('--search needs a bound to search within, e.g. --slo p99=100ms');
    return {
      kind: 'search',
      over: oneOf(flags.search, ['concurrency', 'rate'], '--search'),
      arrivals,
      start: positive(flags.searchStart, '--search-start'),
      maximum: positive(flags.searchMax, '--search-max'),
      tolerance: positive(flags.tolerance, '--tolerance') / 100,
    };
  }
  if (flags.scenario !== undefined) return scenarioOf(flags, slo);
  if (flags.rate !== undefined) {
    return {
      kind: 'sweep',
      loads: numberList(flags.rate, '--rate', false).map((requestsPerSecond): Load => ({ loop: 'open', requestsPerSecond, arrivals })),
    };
  }
  return {
    kind: 'sweep',
    loads: numberList(flags.concurrency ?? '1', '--concurrency', true).map((concurrency): Load => ({ loop: 'closed', concurrency })),
  };
}

function scenarioOf(flags: BenchFlags, slo: readonly LatencyBound[]): Work {
  const name = oneOf(flags.scenario as string, scenarioNames, '--scenario');
  const bound = slo.find((one) => one.percentile === 'p99');
  if (name === 'Server' && (flags.rate === undefined || bound === undefined)) {
    throw new UsageError('--scenario Server needs the target rate and the bound: --rate 100 --slo p99=50ms');
  }
  return {
    kind: 'scenario',
    concurrency: flags.concurrency === undefined ? scenarioDefaults.concurrency : positive(flags.concurrency, '--concurrency', true),
    scenario: {
      name,
      minimumSeconds: seconds(flags.duration ?? `${scenarioDefaults.minimumSeconds}s`, '--duration'),
      minimumQueries: flags.requests === undefined ? scenarioDefaults.minimumQueries : positive(flags.requests, '--requests', true),
      samples: flags.samples === undefined ? scenarioDefaults.samples : positive(flags.samples, '--samples', true),
      boundMicroseconds: bound?.maxMicroseconds ?? null,
      targetPerSecond: flags.rate === undefined ? null : positive(flags.rate, '--rate'),
    },
  };
}

function boundOf(flags: BenchFlags, work: Work, slo: readonly LatencyBound[]): BenchSpec['bound'] {
  if (flags.duration !== undefined && flags.requests !== undefined && work.kind !== 'scenario')
    throw new UsageError('--duration and --requests exclude each other');
  const loads = work.kind === 'sweep' ? work.loads : work.kind === 'points' ? work.points.map(({ load }) => load) : undefined;
  const open = loads !== undefined ? loads.some((load) => load.loop === 'open') : work.kind === 'search' && work.over === 'rate';
  if (flags.duration !== undefined) {
    const length = seconds(flags.duration, '--duration');
    if (!(length > 0)) throw new UsageError('--duration must be above 0');
    return { kind: 'seconds', seconds: length };
  }
  if (open) {
    if (flags.requests !== undefined) throw new UsageError('an open loop is measured for a time: give --duration instead of --requests');
    return { kind: 'seconds', seconds: 10 };
  }
  const needed = Math.max(0, ...slo.map(({ percentile }) => samplesToBound(quantileOfName(percentile) as number)));
  if (flags.requests === undefined) return { kind: 'requests', requests: Math.max(defaultRequests, needed) };
  const requests = positive(flags.requests, '--requests', true);
  // No level could ever be found to keep the bound.
  if (work.kind === 'search' && requests < needed)
    throw new UsageError(`--requests ${requests} cannot bound ${highest(slo)}: a search within it needs ${needed} a level, or --duration`);
  return { kind: 'requests', requests };
}

/** What a point that is measured by count takes at least; one that is measured by time takes its time. */
function minimumSeconds({ minDuration }: BenchFlags, bound: BenchSpec['bound']): number {
  if (minDuration === undefined) return 0;
  if (bound.kind === 'seconds')
    throw new UsageError('--min-duration is for points that are measured by --requests; --duration says itself how long a point takes');
  return seconds(minDuration, '--min-duration');
}

/** The highest percentile that is bounded. */
function highest(slo: readonly LatencyBound[]): Percentile | undefined {
  return slo.map((one) => one.percentile as Percentile).sort((a, b) => (quantileOfName(b) as number) - (quantileOfName(a) as number))[0];
}

/** The percentile that stability and the minimum of requests are judged by: the highest one bounded, else the highest that the count supports. */
function judgedPercentile(slo: readonly LatencyBound[], bound: BenchSpec['bound']): Percentile {
  const asked = highest(slo);
  if (asked !== undefined) return asked;
  if (bound.kind === 'seconds') return 'p99';
  return (['p99', 'p95', 'p90'] as const).find((name) => bound.requests >= samplesToBound(quantileOfName(name) as number)) ?? 'p50';
}

async function payloadOf(
  flags: BenchFlags,
  target: Target,
  protocol: ProtocolName,
  model: ModelAddress,
  signal: AbortSignal,
): Promise<Payload> {
  const ways = [flags.payload.length > 0, flags.bodyFile.length > 0, flags.configPbtxt !== undefined].filter(Boolean).length;
  if (ways > 1) throw new UsageError('--payload, --body-file and --config-pbtxt exclude each other');
  if (flags.bodyFile.length > 0)
    return { kind: 'raw', bodies: flags.bodyFile.map((file) => readFile(file, '--body-file')), contentType: flags.contentType };
  if (flags.payload.length > 0) return { kind: 'samples', samples: flags.payload.map((file) => readJson(file, '--payload')) };
  const signature =
    flags.configPbtxt === undefined
      ? await discoverSignature(target, protocol, model, signal)
      : signatureFromPbtxt(readFile(flags.configPbtxt, '--config-pbtxt').toString());
  return { kind: 'signature', signature: fixDimensions(signature, flags.dim) };
}

/** V2 servers tell their statistics on the inference port; everything else has to be named. */
function sourcesOf(
  flags: BenchFlags,
  target: Target,
  protocol: ProtocolName,
  model: ModelAddress,
  tls: Pick<BenchFlags, 'caFile' | 'insecure'>,
): BenchSpec['sources'] {
  const at = (url: string | undefined, path: string) => {
    if (url === undefined) return null;
    const parsed = parseTarget(url, tls);
    return { target: { ...parsed, basePath: '' }, path: parsed.basePath === '' ? path : parsed.basePath };
  };
  const name = encodeURIComponent(model.name);
  const statsPath = `/v2/models/${name}/stats`;
  const own = protocol === 'v2' || protocol === 'v2-binary' ? { target, path: statsPath } : null;
  const stats = at(flags.statsUrl, statsPath);
  if (flags.statsUrl !== undefined && isGrpc(protocol) && stats === null)
    throw new UsageError('--stats-url must be the HTTP address of the server');
  return {
    statistics: stats ?? own,
    metrics: at(flags.metricsUrl, '/metrics'),
    dcgm: at(flags.dcgmUrl, '/metrics'),
    gpu: { labels: pairs(flags.gpuLabel, '--gpu-label'), preallocates: flags.gpuPreallocated ?? protocol === 'grpc-tfserving' },
    model: model.name,
  };
}

function oneOf<const T extends string>(text: string, allowed: readonly T[], label: string): T {
  const found = allowed.find((one) => one.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw new UsageError(`${label} "${text}" is not known; it is one of ${allowed.join(', ')}`);
  return found;
}
