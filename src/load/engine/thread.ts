import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ErrorClass, Load } from '../point.ts';
import { checkReply, type ReplyCheck } from '../protocol/check.ts';
import { type ThreadTracing, traceparentOf } from '../spans/trace-context.ts';
import { arrivals } from '../statistics/arrivals.ts';
import { seededRandom } from '../statistics/random.ts';
import { type Channel, type ExchangeLimits, now, type OnDone, type Outcome, type WireRequest } from '../transport/channel.ts';
import { GrpcChannel } from '../transport/grpc-channel.ts';
import { HttpChannel, requestBytes } from '../transport/http-channel.ts';
import type { Target } from '../transport/target.ts';
import { Pacer } from './pacer.ts';
import { Sampler } from './sampler.ts';
import { type Trace, TraceRecorder } from './trace.ts';

/** What one sending thread does for one point. Plain data: it travels to worker threads. */
export interface ThreadSpec {
  readonly target: Target;
  readonly transport: 'http1' | 'grpc';
  /** Used in rotation, so that a server's cache does not flatter. */
  readonly requests: readonly WireRequest[];
  readonly load: Load;
  readonly seed: number;
  /** Constant arrivals that several threads share: by what share of its gap this one's come after the first one's. */
  readonly phase?: number;
  /** Closed loop: requests per second that are sent at most; absent: as many as come back. */
  readonly maxPerSecond?: number;
  /** Most connections of an open loop; what is due beyond them waits inside the client, and its wait counts. */
  readonly maxConnections: number;
  readonly limits: ExchangeLimits;
  readonly warmup: { readonly requests: number; readonly seconds: number };
  /** One reply in so many is parsed and checked in full. */
  readonly checkEvery: number;
  readonly check: ReplyCheck;
  /** Whether the pacer may use a whole core. */
  readonly spin: boolean;
  /** Requests that the server is told to be traced; absent: none. */
  readonly tracing?: ThreadTracing;
}

/** When measuring ends: at a time, or after so many requests (closed loop). */
export type Bound = { readonly kind: 'until'; readonly at: number } | { readonly kind: 'count'; readonly requests: number };

export interface ThreadResult {
  readonly trace: Trace;
  /** When counting began: the moment asked for, or later where the order came late to a busy thread. */
  readonly begunAt: number;
  readonly endedAt: number;
  readonly warmupRequests: number;
  readonly resent: number;
  readonly inFlightMax: number;
  readonly queuedMax: number;
  readonly errorExamples: readonly string[];
  readonly loopDelayP99Microseconds: number;
  /** CPU time of this thread over the window, microseconds. */
  readonly cpuMicroseconds: number;
}

export interface ThreadProgress {
  readonly requests: number;
  readonly errors: number;
  readonly inFlight: number;
}

/** Drives one event loop's share of a point: opens connections, warms up, and measures from a given moment on. */
export class LoadThread {
  readonly #spec: ThreadSpec;
  readonly #make: () => Channel;
  readonly #all: Channel[] = [];
  readonly #idle: Channel[] = [];
  readonly #queue: number[] = [];
  #queueHead = 0;
  readonly #recorder: TraceRecorder;
  readonly #sampler: Sampler | undefined;
  readonly #examples = new Map<ErrorClass, string>();
  #pacer: Pacer | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #sent = 0;
  #ended = 0;
  #errors = 0;
  #inFlight = 0;
  #inFlightMax = 0;
  #queuedMax = 0;
  #resent = 0;
  #warmupRequests = 0;
  #failuresInRow = 0;
  #from = Number.POSITIVE_INFINITY;
  #bound: Bound = { kind: 'until', at: Number.POSITIVE_INFINITY };
  #startedInWindow = 0;
  #stopping = false;
  #nextAllowed = 0;
  #onEnded: () => void = () => {};

  constructor(spec: ThreadSpec) {
    this.#spec = spec;
    this.#recorder = new TraceRecorder(spec.tracing !== undefined);
    this.#sampler = spec.tracing && new Sampler(spec.tracing);
    const onDone: OnDone = (channel, outcome) => this.#done(channel, outcome);
    if (spec.transport === 'grpc') this.#make = () => new GrpcChannel(spec.target, spec.requests, spec.limits, onDone);
    else {
      const bytes = spec.requests.map((request) => requestBytes(spec.target, request));
      this.#make = () => new HttpChannel(spec.target, bytes, spec.limits, onDone);
    }
  }

  /** Opens the connections, starts the load and resolves when the warm-up is over; the load goes on. */
  async warm(signal: AbortSignal): Promise<void> {
    const { load, warmup, maxConnections, limits } = this.#spec;
    const connections = load.loop === 'closed' ? load.concurrency : Math.min(maxConnections, 8 + Math.ceil(load.requestsPerSecond / 50));
    for (let i = 0; i < connections; i++) this.#all.push(this.#make());
    await Promise.all(this.#all.map((channel) => this.#open(channel, signal)));
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(100, Math.max(2, limits.timeoutMicroseconds / 10_000)));

    const begun = now();
    if (load.loop === 'closed') for (const channel of this.#all) this.#next(channel);
    else {
      this.#idle.push(...this.#all);
      const { phase, seed } = this.#spec;
      const gap = 1e6 / load.requestsPerSecond;
      // Threads begin when they are ready, and have the clock in common: its multiples of the gap keep them apart as they should be.
      const first = phase === undefined ? begun + 1000 : Math.ceil((begun + 1000) / gap) * gap;
      const next = arrivals(load.arrivals, load.requestsPerSecond, seededRandom(seed), phase);
      this.#pacer = new Pacer(
        () => first + next(),
        (intended) => this.#due(intended),
        this.#spec.spin,
      );
      this.#pacer.start();
    }
    while (!signal.aborted && (this.#ended < warmup.requests || now() - begun < warmup.seconds * 1e6)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      // A warm-up whose every request fails would never end: the window shall show it.
      const hopeless = this.#errors >= Math.max(20, connections * 3) || now() - begun > 1.5 * limits.timeoutMicroseconds;
      if (hopeless && this.#errors === this.#ended) break;
    }
  }

  /** Opens a connection within the time limit; one that hangs is dropped, and opened anew by its first request. */
  async #open(channel: Channel, signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let abort = () => {};
    const given = new Promise<void>((resolve) => {
      abort = () => {
        channel.close();
        resolve();
      };
      timer = setTimeout(abort, this.#spec.limits.timeoutMicroseconds / 1000);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
    });
    await Promise.race([channel.open(), given]);
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }

  /** Measures from `from` on; what is under way then still counts for the throughput. Resolves when the last request has ended. */
  async measure(from: number, bound: Bound, signal: AbortSignal): Promise<ThreadResult> {
    this.#warmupRequests = this.#ended;
    this.#from = Math.max(from, now());
    this.#bound = bound;
    this.#inFlightMax = this.#inFlight;
    this.#queuedMax = 0;
    this.#resent = 0;
    const delay = monitorEventLoopDelay({ resolution: 10 });
    const cpuBefore = process.threadCpuUsage();
    delay.enable();

    const ended = new Promise<void>((resolve) => {
      this.#onEnded = resolve;
    });
    const interrupt = () => this.#interrupt();
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) interrupt();
    let timer: NodeJS.Timeout | undefined;
    if (bound.kind === 'until') {
      const stop = () => {
        this.#stopping = true;
        this.#endWhenIdle();
      };
      if (this.#pacer !== undefined) void this.#pacer.finishAt(bound.at).then(stop);
      else timer = setTimeout(stop, Math.max(0, (bound.at - now()) / 1000));
    }
    await ended;
    clearTimeout(timer);
    signal.removeEventListener('abort', interrupt);
    delay.disable();
    const cpu = process.threadCpuUsage(cpuBefore);
    const endedAt = now();
    this.close();
    return {
      trace: this.#recorder.finish(),
      begunAt: this.#from,
      endedAt,
      warmupRequests: this.#warmupRequests,
      resent: this.#resent,
      inFlightMax: this.#inFlightMax,
      queuedMax: this.#queuedMax,
      errorExamples: [...this.#examples].map(([error, message]) => `${error}: ${message}`),
      // The monitor counts its own 10 ms timer as delay.
      loopDelayP99Microseconds: Math.max(0, delay.percentile(99) / 1000 - 10_000),
      cpuMicroseconds: cpu.user + cpu.system,
    };
  }

  progress(): ThreadProgress {
    return { requests: this.#ended, errors: this.#errors, inFlight: this.#inFlight };
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#pacer?.stop();
    this.#stopping = true;
    for (const channel of this.#all) channel.close();
  }

  /** An intended time of the open loop has come. */
  #due(intended: number): void {
    const channel = this.#idle.pop() ?? this.#grow();
    if (channel !== undefined) {
      this.#launch(channel, intended);
      return;
    }
    this.#queue.push(intended);
    this.#queuedMax = Math.max(this.#queuedMax, this.#queue.length - this.#queueHead);
  }

  #grow(): Channel | undefined {
    if (this.#all.length >= this.#spec.maxConnections) return undefined;
    const channel = this.#make();
    this.#all.push(channel);
    return channel;
  }

  #launch(channel: Channel, intended: number): void {
    channel.intended = intended;
    this.#inFlight++;
    if (this.#inFlight > this.#inFlightMax) this.#inFlightMax = this.#inFlight;
    const { tracing, requests, checkEvery } = this.#spec;
    channel.span = 0;
    if (intended >= this.#from) {
      channel.span = this.#sampler?.take(this.#passed(intended)) ?? 0;
      this.#startedInWindow++;
    }
    const traceparent = tracing === undefined || channel.span === 0 ? undefined : traceparentOf(tracing, channel.span);
    const sent = this.#sent++;
    channel.start(sent % requests.length, sent % checkEvery === 0, traceparent);
  }

  /** How much of the window is over when a request leaves, 0 to 1. */
  #passed(intended: number): number {
    const bound = this.#bound;
    return bound.kind === 'count' ? this.#startedInWindow / bound.requests : (intended - this.#from) / (bound.at - this.#from);
  }

  #done(channel: Channel, outcome: Outcome): void {
    const time = now();
    const { intended } = channel;
    this.#inFlight--;
    this.#ended++;
    if (outcome.resent) this.#resent++;
    const error = outcome.error ?? this.#judge(outcome);
    if (time >= this.#from) this.#recorder.push(time, time - intended, channel.startedAt - intended, error, channel.span);
    if (error === null) this.#failuresInRow = 0;
    else this.#failed(error, outcome.message);

    if (this.#spec.load.loop === 'open') this.#reuse(channel, error);
    else if (this.#mayStart()) {
      // A server that refuses connections is not to be hammered in a tight loop.
      if (error === 'connect' || error === 'tls')
        setTimeout(() => this.#again(channel), Math.min(1000, 10 * 2 ** Math.min(7, this.#failuresInRow)));
      else this.#next(channel);
    } else this.#endWhenIdle();
  }

  /** The next request of a slot of the closed loop: at once, or when the limit of the rate lets it. */
  #next(channel: Channel): void {
    const { maxPerSecond } = this.#spec;
    const time = now();
    const at = maxPerSecond === undefined ? time : Math.max(time, this.#nextAllowed);
    if (maxPerSecond !== undefined) this.#nextAllowed = at + 1e6 / maxPerSecond;
    if (at <= time) this.#launch(channel, time);
    else setTimeout(() => this.#again(channel), (at - time) / 1000);
  }

  #again(channel: Channel): void {
    if (this.#mayStart()) this.#launch(channel, now());
    else this.#endWhenIdle();
  }

  #reuse(channel: Channel, error: ErrorClass | null): void {
    const waiting = this.#queue[this.#queueHead];
    if (waiting === undefined) {
      this.#idle.push(channel);
      if (this.#stopping) this.#endWhenIdle();
      return;
    }
    this.#queueHead++;
    if (this.#queueHead > 4096 && this.#queueHead * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#queueHead);
      this.#queueHead = 0;
    }
    if (error === 'connect') setImmediate(() => this.#launch(channel, waiting));
    else this.#launch(channel, waiting);
  }

  #mayStart(): boolean {
    if (this.#stopping) return false;
    return this.#bound.kind === 'until' || this.#startedInWindow < this.#bound.requests;
  }

  #judge(outcome: Outcome): ErrorClass | null {
    const { check } = this.#spec;
    if (outcome.bytes < check.minimumBytes) {
      outcome.message = `a reply of ${outcome.bytes} bytes, at least ${check.minimumBytes} are expected`;
      return 'badBody';
    }
    if (outcome.body === null) return null;
    const wrong = checkReply(check, outcome.body);
    if (wrong === undefined) return null;
    outcome.message = wrong;
    return 'badBody';
  }

  #failed(error: ErrorClass, message: string): void {
    this.#errors++;
    this.#failuresInRow++;
    if (!this.#examples.has(error)) this.#examples.set(error, message);
  }

  /** Ends what has taken longer than the time limit, on a connection or still waiting for one. */
  #sweep(): void {
    const limit = now() - this.#spec.limits.timeoutMicroseconds;
    const seconds = this.#spec.limits.timeoutMicroseconds / 1e6;
    for (const channel of this.#all)
      if (channel.busy && channel.startedAt < limit) channel.abort('timeout', `no reply within ${seconds} s`);
    for (;;) {
      const waiting = this.#queue[this.#queueHead];
      if (waiting === undefined || waiting >= limit) break;
      this.#queueHead++;
      this.#neverSent(waiting, `not sent within ${seconds} s: all ${this.#all.length} connections were busy`);
    }
    if (this.#stopping) this.#endWhenIdle();
  }

  #neverSent(intended: number, message: string): void {
    const time = now();
    this.#ended++;
    // Never sent is what left as late as it ended; what was due before the window is outstanding at its beginning, as any request is.
    if (time >= this.#from) this.#recorder.push(time, time - intended, time - intended, 'timeout');
    this.#failed('timeout', message);
  }

  #endWhenIdle(): void {
    if (this.#inFlight === 0 && this.#queueHead >= this.#queue.length && (this.#stopping || !this.#mayStart())) this.#onEnded();
  }

  /** SIGINT: what has ended is kept, what is under way is dropped. */
  #interrupt(): void {
    this.#stopping = true;
    this.#pacer?.stop();
    this.#onEnded();
  }
}
