import { type Accuracy, type AccuracySpec, evaluate } from './accuracy/evaluate.ts';
import type { Judgement } from './assess.ts';
import { chooseBest, type LatencyBound, type Objective } from './best.ts';
import { candidateOf } from './candidate.ts';
import { firstFailure, TargetError } from './discover.ts';
import { driftOf } from './drift.ts';
import type { ThreadSpec } from './engine/thread.ts';
import { failedPoint } from './failed-point.ts';
import { type MeasuredPoint, measurePoint, type PointBound } from './measure.ts';
import { environment } from './metrics/host.ts';
import type { MetricSources } from './metrics/observer.ts';
import { describePayload, isBatched, type Payload, requestsFor } from './payload.ts';
import { type PlannedPoint, planSweep } from './plan.ts';
import { errorsPerMillion, type Load, type Percentile, type Point, pointId } from './point.ts';
import { checkReply, type ReplyCheck } from './protocol/check.ts';
import { isGrpc, type ModelAddress, type ProtocolName } from './protocol/protocol.ts';
import { type Report, reportSchema, type SearchReport } from './report/report.ts';
import { judgeScenario, type ScenarioOptions, type ScenarioVerdict, scenarioLoad, unmetRules } from './scenario.ts';
import type { RawPoint } from './spans/raw-point.ts';
import { searchLargest } from './statistics/search.ts';
import type { ExchangeLimits, WireRequest } from './transport/channel.ts';
import { exchangeOnce } from './transport/once.ts';
import { describeTarget, type Target } from './transport/target.ts';
import { serverReasons } from './validity.ts';

/** How much longer than its rules ask for a scenario is measured. */
const scenarioSlackSeconds = 0.25;

/** What is to be measured, in full. */
export interface BenchSpec {
  readonly run: string;
  readonly version: string;
  readonly target: Target;
  readonly protocol: ProtocolName;
  readonly model: ModelAddress;
  readonly payload: Payload;
  readonly batchSizes: readonly number[];
  readonly work: Work;
  /** How long a point is measured. */
  readonly bound: PointBound;
  readonly warmup: { readonly requests: number; readonly seconds: number };
  readonly workers: number;
  readonly maxConnections: number;
  /** Closed loop: requests per second that are sent at most. */
  readonly maxPerSecond?: number;
  /** Ends the run after the first point that shows harm to the server. */
  readonly guard?: Guard;
  readonly limits: ExchangeLimits;
  readonly checkEvery: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly repeatFirst: boolean;
  readonly judgement: Judgement;
  readonly objective: Objective;
  readonly sources: MetricSources;
  /** Most requests of each point that are traced, and that the server is told of; absent: none. */
  readonly traceRequests?: number;
  /** Held against a dataset before the points of each batch size. */
  readonly accuracy?: AccuracySpec;
}

export interface Guard {
  /** Latency that no point may exceed. */
  readonly latency: LatencyBound | null;
  /** More failed requests than the objective accepts. */
  readonly errors: boolean;
}

export type Work =
  /** Single settings, in the order given. */
  | { readonly kind: 'points'; readonly points: readonly { readonly batchSize: number; readonly load: Load }[] }
  | { readonly kind: 'sweep'; readonly loads: readonly Load[] }
  | {
      readonly kind: 'search';
      readonly over: 'concurrency' | 'rate';
      readonly arrivals: 'constant' | 'poisson';
      readonly start: number;
      readonly maximum: number;
      readonly tolerance: number;
    }
  | { readonly kind: 'scenario'; readonly scenario: ScenarioOptions; readonly concurrency: number };

/** What happens while a run goes on. */
export type BenchEvent =
  | { readonly kind: 'begun'; readonly coldStartMicroseconds: number; readonly planned: number | null }
  | { readonly kind: 'accuracy'; readonly batchSize: number; readonly accuracy: Accuracy }
  | { readonly kind: 'warming'; readonly id: string; readonly index: number }
  | {
      readonly kind: 'measuring';
      readonly id: string;
      readonly index: number;
      readonly elapsedSeconds: number;
      readonly requests: number;
      readonly errors: number;
    }
  | { readonly kind: 'point'; readonly point: Point; readonly index: number; readonly raw: RawPoint | null };

/**
 * Measures as the specification says and gives the report. An aborted signal ends the run early: what has been measured is kept and the
 * report is marked partial. Throws a `TargetError` when the first request fails, a `UsageError` when requests cannot be made.
 */
export async function runBench(spec: BenchSpec, onEvent: (event: BenchEvent) => void, signal: AbortSignal): Promise<Report> {
  return new Run(spec, onEvent, signal).run();
}

class Run {
  readonly #spec: BenchSpec;
  readonly #onEvent: (event: BenchEvent) => void;
  readonly #signal: AbortSignal;
  readonly #points: Point[] = [];
  readonly #searches: SearchReport[] = [];
  readonly #firstRequests: Record<string, number> = {};
  readonly #requestBytes: Record<string, number> = {};
  readonly #requests = new Map<number, readonly WireRequest[]>();
  readonly #minimumBytes = new Map<number, number>();
  readonly #accuracies = new Map<number, Accuracy>();
  #coldStart: number | null = null;
  #scenario: ScenarioVerdict | null = null;
  /** What made the guard end the run. */
  #harm: string | null = null;
  #planned = 0;

  constructor(spec: BenchSpec, onEvent: (event: BenchEvent) => void, signal: AbortSignal) {
    this.#spec = spec;
    this.#onEvent = onEvent;
    this.#signal = signal;
  }

  async run(): Promise<Report> {
    const startedAt = new Date().toISOString();
    const { work, batchSizes } = this.#spec;
    for (const batchSize of batchSizes) this.#requestsOf(batchSize);
    await this.#firstRequest(batchSizes[0] ?? 1);
    switch (work.kind) {
      case 'points':
        await this.#sweep(work.points.map((point) => ({ ...point, repeat: false })));
        break;
      case 'sweep':
        await this.#sweep(planSweep(batchSizes, work.loads, this.#spec));
        break;
      case 'search':
        await this.#search(work);
        break;
      case 'scenario':
        await this.#runScenario(work.scenario, work.concurrency);
        break;
    }
    return this.#report(startedAt);
  }

  async #sweep(plan: readonly PlannedPoint[]): Promise<void> {
    this.#begin(plan.length);
    for (const planned of plan) {
      if (this.#signal.aborted) return;
      const { point } = await this.#measure(planned, this.#spec.bound);
      if (this.#isHarmful(point)) return;
    }
  }

  async #search(work: Extract<Work, { kind: 'search' }>): Promise<void> {
    this.#begin(null);
    const { objective, batchSizes } = this.#spec;
    for (const batchSize of batchSizes) {
      if (this.#signal.aborted) return;
      const passes = async (level: number) => {
        if (this.#signal.aborted || this.#harm !== null) return false;
        const load: Load =
          work.over === 'concurrency'
            ? { loop: 'closed', concurrency: level }
            : { loop: 'open', requestsPerSecond: level, arrivals: work.arrivals };
        // A neighbour's noise is no property of the level: a measurement that cannot be relied on is made again, twice at most.
        for (let attempt = 0; attempt < 3 && !this.#signal.aborted; attempt++) {
          const { point } = await this.#measure({ batchSize, load, repeat: false }, this.#spec.bound);
          this.#planned = this.#points.length;
          if (this.#isHarmful(point)) return false;
          if (point.valid) return chooseBest([candidateOf(point)], objective).best !== null;
          if (point.invalidReasons.some((finding) => serverReasons.has(finding.reason))) return false;
        }
        return false;
      };
      const result = await searchLargest(
        {
          start: work.start,
          minimum: work.over === 'concurrency' ? 1 : Math.min(work.start, 1),
          maximum: work.maximum,
          tolerance: work.tolerance,
          integer: work.over === 'concurrency',
          mostTrials: this.#signal.aborted || this.#harm !== null ? 0 : 40,
        },
        passes,
      );
      this.#searches.push({
        batchSize,
        over: work.over,
        found: result.found ? result.level : null,
        failedAt: result.failedAt,
        tolerance: work.tolerance,
        trials: result.trials,
      });
    }
  }

  async #runScenario(scenario: ScenarioOptions, concurrency: number): Promise<void> {
    this.#begin(1);
    const batchSize = this.#spec.batchSizes[0] ?? 1;
    const load = scenarioLoad(scenario, concurrency);
    const bound =
      scenario.name === 'Offline'
        ? ({ kind: 'requests', requests: Math.max(scenario.minimumQueries, Math.ceil(scenario.samples / batchSize)) } as const)
        : // A thread that was told late begins late: what is measured is not to fall short of the least for that.
          ({ kind: 'seconds', seconds: scenario.minimumSeconds + scenarioSlackSeconds } as const);
    const { point, sorted } = await this.#measure({ batchSize, load, repeat: false }, bound);
    const verdict = judgeScenario(scenario, {
      sorted,
      queries: point.requests,
      errors: point.requests - point.succeeded,
      batchSize,
      seconds: point.durationSeconds,
    });
    this.#scenario = verdict;
    if (verdict.valid) return;
    const finding = { reason: 'ScenarioInvalid', message: `${verdict.name} is not valid: ${unmetRules(verdict).join('; ')}` } as const;
    this.#points.splice(-1, 1, { ...point, valid: false, invalidReasons: [...point.invalidReasons, finding] });
  }

  #isHarmful(point: Point): boolean {
    const { guard, objective } = this.#spec;
    if (guard === undefined) return false;
    const { latency } = guard;
    const measured = latency === null ? undefined : point.latencyMicroseconds?.[latency.percentile as Percentile];
    const most = objective.maxErrorsPerMillion;
    if (latency !== null && measured !== undefined && measured > latency.maxMicroseconds) {
      this.#harm = `${latency.percentile} of ${point.id} was ${measured / 1000} ms, above the guard of ${latency.maxMicroseconds / 1000} ms`;
    } else if (guard.errors && most !== null && errorsPerMillion(point) > most) {
      this.#harm = `${point.requests - point.succeeded} of ${point.requests} requests of ${point.id} failed`;
    }
    return this.#harm !== null;
  }

  #begin(planned: number | null): void {
    this.#planned = planned ?? 0;
    this.#onEvent({ kind: 'begun', coldStartMicroseconds: this.#coldStart ?? 0, planned });
  }

  #requestsOf(batchSize: number): readonly WireRequest[] {
    const { payload, protocol, model, seed } = this.#spec;
    let requests = this.#requests.get(batchSize);
    if (requests === undefined) {
      requests = requestsFor(payload, protocol, model, batchSize, seed);
      this.#requests.set(batchSize, requests);
      this.#requestBytes[String(batchSize)] = requests[0]?.body.byteLength ?? 0;
    }
    return requests;
  }

  /** The first request of a batch size: lazy initialisation and compilation happen here, and its reply shows what replies look like. */
  async #firstRequest(batchSize: number): Promise<void> {
    if (this.#minimumBytes.has(batchSize)) return;
    const { target, protocol, limits } = this.#spec;
    const [request] = this.#requestsOf(batchSize);
    if (request === undefined) throw new TargetError('there is no request to send');
    const outcome = await exchangeOnce(target, isGrpc(protocol) ? 'grpc' : 'http1', request, limits, this.#signal);
    const wrong = outcome.error === null ? checkReply(this.#check(batchSize, 0), outcome.body ?? Buffer.alloc(0)) : undefined;
    if (outcome.error !== null || wrong !== undefined) {
      throw await firstFailure(
        this.#spec,
        wrong === undefined ? outcome : { ...outcome, error: 'badBody', message: wrong, body: null },
        this.#signal,
      );
    }
    this.#coldStart ??= Math.round(outcome.microseconds);
    this.#firstRequests[String(batchSize)] = Math.round(outcome.microseconds);
    this.#minimumBytes.set(batchSize, protocol === 'http' ? 0 : Math.floor(outcome.bytes / 2));
  }

  #check(batchSize: number, minimumBytes: number): ReplyCheck {
    return { protocol: this.#spec.protocol, batchSize, batched: isBatched(this.#spec.payload), minimumBytes };
  }

  async #measure(planned: PlannedPoint, bound: PointBound): Promise<MeasuredPoint> {
    const { batchSize, load, repeat } = planned;
    const { workers, sources, judgement, traceRequests } = this.#spec;
    const index = this.#points.length;
    const id = pointId(batchSize, load, repeat);
    this.#onEvent({ kind: 'warming', id, index });
    let failure: string | undefined;
    await this.#firstRequest(batchSize).catch((error: unknown) => {
      if (!(error instanceof TargetError)) throw error;
      failure = error.message;
    });
    // After the first request, which is to find the server as cold as it is.
    const accuracy = failure === undefined ? await this.#accuracyOf(batchSize) : null;
    const loaded =
      failure === undefined
        ? await measurePoint(
            {
              planned,
              bound,
              workers,
              sources,
              judgement,
              ...(traceRequests !== undefined && { traceRequests }),
              threadSpec: (part, i, count, spin) => this.#threadSpec(batchSize, part, i, count, spin),
              onProgress: (progress) => this.#onEvent({ kind: 'measuring', id, index, ...progress }),
            },
            this.#signal,
          )
        : { point: failedPoint(planned, failure, judgement), sorted: new Float64Array(0), raw: null };
    const measured = { ...loaded, point: { ...loaded.point, accuracy } };
    this.#points.push(measured.point);
    this.#onEvent({ kind: 'point', point: measured.point, index, raw: measured.raw });
    return measured;
  }

  async #accuracyOf(batchSize: number): Promise<Accuracy | null> {
    const { accuracy, target, protocol, model, limits, maxPerSecond } = this.#spec;
    if (accuracy === undefined) return null;
    const known = this.#accuracies.get(batchSize);
    if (known !== undefined) return known;
    const served = { target, protocol, model, limits, ...(maxPerSecond !== undefined && { maxPerSecond }) };
    const found = await evaluate(served, accuracy, batchSize, this.#signal).catch((error: unknown) => {
      // What has been measured until then is kept.
      if (!this.#signal.aborted) throw error;
      return null;
    });
    if (found === null) return null;
    this.#accuracies.set(batchSize, found);
    this.#onEvent({ kind: 'accuracy', batchSize, accuracy: found });
    return found;
  }

  #threadSpec(batchSize: number, load: Load, index: number, count: number, spin: boolean): ThreadSpec {
    const { target, protocol, seed, maxConnections, maxPerSecond, limits, warmup, checkEvery } = this.#spec;
    return {
      target,
      transport: isGrpc(protocol) ? 'grpc' : 'http1',
      requests: this.#requestsOf(batchSize),
      load,
      // Each thread has a stream of its own; the same run id and point give the same schedule again.
      seed: seed + 7919 * (index + 1),
      ...(count > 1 && load.loop === 'open' && load.arrivals === 'constant' && { phase: index / count }),
      maxConnections: Math.max(1, Math.floor(maxConnections / count)),
      ...(maxPerSecond !== undefined && { maxPerSecond: maxPerSecond / count }),
      limits,
      warmup: { requests: Math.ceil(warmup.requests / count), seconds: warmup.seconds },
      checkEvery,
      check: this.#check(batchSize, this.#minimumBytes.get(batchSize) ?? 0),
      spin,
    };
  }

  #report(startedAt: string): Report {
    const { target, protocol, model, payload, objective, run, version, batchSizes } = this.#spec;
    const points = this.#points;
    const partial = this.#signal.aborted || points.length < this.#planned;
    const variants = this.#requestsOf(batchSizes[0] ?? 1).length;
    return {
      schema: reportSchema,
      run,
      tool: { name: 'modelwright', version },
      startedAt,
      finishedAt: new Date().toISOString(),
      partial,
      target: { url: describeTarget(target), authority: target.authority, protocol, model: model.name, modelVersion: model.version },
      method: {
        percentile: 'nearest-rank',
        mean: 'arithmetic',
        clock: 'monotonic',
        confidence: 0.95,
        closedLoopLatency: 'send to reply',
        openLoopLatency: 'intended send to reply',
        errorsInLatency: false,
      },
      payload: {
        source: describePayload(payload),
        requestBytes: this.#requestBytes,
        variants,
      },
      environment: environment(),
      coldStartMicroseconds: this.#coldStart,
      firstRequestMicroseconds: this.#firstRequests,
      planned: this.#planned,
      points,
      drift: driftOf(points),
      objective,
      best: chooseBest(points.filter((point) => !point.repeat).map(candidateOf), objective),
      searches: this.#searches,
      scenario: this.#scenario,
      remarks: [
        ...(partial && this.#harm !== null ? [`ended by the guard: ${this.#harm}`] : []),
        ...(partial ? [`stopped after ${points.length} of ${this.#planned || 'an open number of'} points; what was measured is kept`] : []),
        ...(variants === 1
          ? ['every request carried the same payload: a server that keeps replies answers from its cache; give several samples']
          : []),
      ],
    };
  }
}
