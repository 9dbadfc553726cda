/** Faults on requests: the API server refuses, is slow, or the connection breaks before, while or after it acted. */
import type { Lane } from './lane.ts';
import type { Reference } from './oracles.ts';
import type { RequestFault } from './proxy/fault-proxy.ts';
import type { Random } from './random.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import type { Workload } from './workload.ts';

type Make = (random: Random) => RequestFault;

export function status(code: number, reason: string, message: string, retryAfterSeconds?: number): RequestFault {
  const details = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } };
  return {
    kind: 'answer',
    status: code,
    headers: { 'content-type': 'application/json', ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }) },
    body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, ...details }),
  };
}

/** Each fault by its name in the report. Messages are those of a real API server. */
export const requestFaults: Readonly<Record<string, Make>> = {
  '429 with Retry-After': (random) => status(429, 'TooManyRequests', 'too many requests, please try again later', random.between(0, 1)),
  '429 without Retry-After': () => status(429, 'TooManyRequests', 'too many requests'),
  '500': () => status(500, 'InternalError', 'Internal error occurred: etcdserver: request timed out'),
  '502 page of a proxy': () => ({
    kind: 'answer',
    status: 502,
    headers: { 'content-type': 'text/html' },
    body: '<html>Bad Gateway</html>',
  }),
  '503': () => status(503, 'ServiceUnavailable', 'the server is currently unable to handle the request'),
  '503 with Retry-After': () => status(503, 'ServiceUnavailable', 'apiserver not ready', 1),
  '504': () => status(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout'),
  '409 conflict': () =>
    status(409, 'Conflict', 'Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version'),
  'late answer': (random) => ({ kind: 'delay', milliseconds: random.between(50, 2000) }),
  'connection reset before': () => ({ kind: 'reset', phase: 'before' }),
  'connection reset after the commit': () => ({ kind: 'reset', phase: 'during' }),
  'answer cut short': () => ({ kind: 'truncate' }),
  'answer is no JSON': () => ({ kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '{"kind": "Sta' }),
};

export interface FaultCounts {
  [fault: string]: number;
}

/**
 * One run of a workload in which each request of the operator meets a fault with `probability`. `counts` is kept up to date.
 * Watches are left alone: they have a family of their own.
 */
export async function requestFaultTrial(
  lane: Lane,
  plan: { readonly name: string; readonly workload: Workload; readonly reference: Reference },
  options: {
    readonly random: Random;
    readonly probability: number;
    readonly counts: FaultCounts;
    /** Names of the faults; absent: all. */
    readonly only?: readonly string[];
  },
): Promise<Outcome> {
  const { random, probability, counts } = options;
  const names = (options.only ?? Object.keys(requestFaults)) as [string, ...string[]];
  lane.proxy.onRequest = (request) => {
    if (request.watch || request.path.includes('/leases') || !random.chance(probability)) return undefined;
    const name = random.pick(names);
    counts[name] = (counts[name] ?? 0) + 1;
    return requestFaults[name]?.(random);
  };
  return disturbedRun(
    lane,
    { family: 'request faults', ...plan },
    {
      calm: () => {
        lane.proxy.onRequest = undefined;
      },
    },
  );
}
