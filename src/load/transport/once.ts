import { type ExchangeLimits, now, type Outcome, type WireRequest } from './channel.ts';
import { GrpcChannel } from './grpc-channel.ts';
import { HttpChannel, requestBytes } from './http-channel.ts';
import type { Target } from './target.ts';

/** One exchange on a connection of its own: metadata, metrics, the first request. */
export interface OnceResult extends Outcome {
  readonly microseconds: number;
}

export const onceLimits: ExchangeLimits = { timeoutMicroseconds: 10_000_000, maxBodyBytes: 16 << 20 };

/** Sends one request and gives its outcome with the body; never rejects but for an aborted signal. */
export async function exchangeOnce(
  target: Target,
  transport: 'http1' | 'grpc',
  request: WireRequest,
  limits: ExchangeLimits = onceLimits,
  signal?: AbortSignal,
): Promise<OnceResult> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onDone = (_: unknown, outcome: Outcome) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      const result = { ...outcome, microseconds: now() - begun };
      channel.close();
      resolve(result);
    };
    const channel =
      transport === 'grpc'
        ? new GrpcChannel(target, [request], limits, onDone)
        : new HttpChannel(target, [requestBytes(target, request)], limits, onDone);
    const seconds = limits.timeoutMicroseconds / 1e6;
    const timer = setTimeout(() => channel.abort('timeout', `no reply within ${seconds} s`), limits.timeoutMicroseconds / 1000);
    const abort = () => {
      clearTimeout(timer);
      channel.close();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    const begun = now();
    channel.start(0, true);
  });
}

/** GET of a path; the text, or `undefined` with the reason. */
export async function getText(
  target: Target,
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly text: string } | { readonly failure: string; readonly status: number }> {
  const outcome = await exchangeOnce(
    target,
    'http1',
    { method: 'GET', path, headers: [['accept', '*/*']], body: Buffer.alloc(0) },
    onceLimits,
    signal,
  );
  if (outcome.error !== null) return { failure: withBody(outcome), status: outcome.status };
  return { text: outcome.body?.toString() ?? '' };
}

/** A failure with the server's own words, as far as they are short text. */
export function withBody(outcome: Outcome): string {
  const words = outcome.body?.toString('utf8', 0, 400).replace(/\s+/g, ' ').trim() ?? '';
  return words !== '' && (outcome.error?.startsWith('http') || outcome.error === 'badBody')
    ? `${outcome.message}: ${words}`
    : outcome.message;
}
