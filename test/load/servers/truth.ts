/** Behaviours of a test server whose latency distribution is known beforehand. Plain data: it travels to the server's thread. */
export type Behaviour =
  /** Every request takes this long, however many there are. */
  | { readonly kind: 'fixed'; readonly microseconds: number }
  /** A share of the requests takes longer. */
  | { readonly kind: 'bimodal'; readonly microseconds: number; readonly slowMicroseconds: number; readonly slowShare: number }
  /** A queue in front of `servers`; service times fixed (D) or exponential (M). */
  | { readonly kind: 'queue'; readonly servers: number; readonly microseconds: number; readonly service: 'fixed' | 'exponential' }
  /** Fixed, but nothing is answered for `frozenSeconds` from `afterSeconds` on. */
  | { readonly kind: 'frozen'; readonly microseconds: number; readonly afterSeconds: number; readonly frozenSeconds: number }
  /** Above this rate (token bucket of a tenth of a second) requests are refused with 429. */
  | { readonly kind: 'limited'; readonly microseconds: number; readonly perSecond: number }
  /** A share fails: with status 500, or with status 200 and an error as the body. */
  | { readonly kind: 'failing'; readonly microseconds: number; readonly share: number; readonly as: 'status' | 'body' }
  /** One worker; a batch takes base + batch × each. */
  | { readonly kind: 'batch'; readonly baseMicroseconds: number; readonly eachMicroseconds: number };

/** GPU memory that a test server shows before the first request. */
export const startMemory = 1 << 30;

export interface TruthOptions {
  readonly behaviour: Behaviour;
  readonly seed: number;
  /** Bytes that GPU memory grows by with every request, from `startMemory` on, as shown at /metrics. */
  readonly memoryGrowth?: number;
}

/** Mean waiting time in an M/D/1 queue: ρ·s / (2·(1 − ρ)) (Pollaczek and Khinchine). */
export function waitMD1(perSecond: number, serviceMicroseconds: number): number {
  const load = (perSecond * serviceMicroseconds) / 1e6;
  return (load * serviceMicroseconds) / (2 * (1 - load));
}

/** P[an arrival waits] in an M/M/c queue (Erlang C). */
export function erlangC(servers: number, offered: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k < servers; k++) {
    term *= offered / k;
    sum += term;
  }
  const last = ((term * offered) / servers) * (servers / (servers - offered));
  return last / (sum + last);
}

/** q-quantile of the time in an M/M/1 system: exponential with rate μ − λ. */
export function sojournMM1(perSecond: number, serviceMicroseconds: number, q: number): number {
  return -Math.log(1 - q) / (1 / serviceMicroseconds - perSecond / 1e6);
}

/** Mean time in an M/M/c system. */
export function meanSojournMMc(perSecond: number, serviceMicroseconds: number, servers: number): number {
  const offered = (perSecond * serviceMicroseconds) / 1e6;
  return serviceMicroseconds + (erlangC(servers, offered) * serviceMicroseconds) / (servers - offered);
}

/**
 * The time in system that a queue's arrivals are given, computed as the server does: each takes the server that is free first.
 * @param at arrival, microseconds, never falling
 */
export function queueDepartures(servers: number): (at: number, service: number) => number {
  const free = new Float64Array(servers);
  return (at, service) => {
    let first = 0;
    for (let i = 1; i < servers; i++) if ((free[i] as number) < (free[first] as number)) first = i;
    const departure = Math.max(at, free[first] as number) + service;
    free[first] = departure;
    return departure;
  };
}
