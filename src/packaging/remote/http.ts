import type { HostRules } from '../../models/host-list.ts';
import { redactUri } from '../../models/redact.ts';
import { isConnectionError } from '../azure/client.ts';
import { PackagingError } from '../errors.ts';
import { type Attempt, defaultRetry, type RetryOptions, retryAfter, withRetry } from '../retry.ts';
import type { RemoteFile } from './remote.ts';
import { guardedVisit, refusalIn, unguardedVisit, type Visit } from './visit.ts';

/** An answer that is not 2xx. */
class StatusError extends Error {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** What Azure calls it: an account that allows no anonymous access at all answers 409. */
  readonly azureCode: string | undefined;

  constructor(response: Response) {
    super(`status ${response.status}`);
    this.status = response.status;
    this.retryAfter = response.headers.get('retry-after') ?? undefined;
    this.azureCode = response.headers.get('x-ms-error-code') ?? undefined;
  }
}

/**
 * Opens a file behind http or https, by one request for its first byte: the answer shows its size, its type and whether parts can be read.
 *
 * @param headers sent with every request, to this host only: redirects to another host go without them.
 * @param hosts judges the host of the URI and of every redirect, and where their names lead.
 * @throws PackagingError AccessDenied, NotFound, StorageFailed
 */
export async function openHttp(
  uri: string,
  headers: Readonly<Record<string, string>> = {},
  retry: RetryOptions = defaultRetry,
  signal?: AbortSignal,
  hosts?: HostRules,
): Promise<RemoteFile> {
  const shown = redactUri(uri);
  const visit = hosts === undefined ? unguardedVisit : guardedVisit(hosts);
  const get = (extra: Record<string, string>, abortSignal: AbortSignal) =>
    request(uri, { ...headers, ...extra, 'accept-encoding': 'identity' }, visit, abortSignal);
  const first = await withRetry(
    async (abortSignal) => {
      const response = await get({ range: 'bytes=0-0' }, abortSignal);
      // A whole file may come instead of one byte; only its headers are wanted.
      await response.body?.cancel();
      if (response.status === 416) return response;
      if (!response.ok) throw new StatusError(response);
      return response;
    },
    judgeHttp,
    retry,
    signal,
  ).catch((error: unknown) => {
    throw explainHttp(error, shown);
  });
  const total = /\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1];
  const ranges = first.status === 206 && total !== undefined;
  const sizeBytes = Number(total ?? first.headers.get('content-length') ?? 0);
  const etag = first.headers.get('etag');
  const pinned: Record<string, string> = etag === null || etag.startsWith('W/') ? {} : { 'if-match': etag };

  return {
    shown,
    sizeBytes,
    ranges,
    contentType: first.headers.get('content-type') ?? undefined,
    read: (offset, length, abort) =>
      withRetry(
        async (abortSignal) => {
          if (length === 0) return Buffer.alloc(0);
          const response = await get({ ...pinned, range: `bytes=${offset}-${offset + length - 1}` }, abortSignal);
          if (response.status === 412)
            throw new PackagingError('SourceChanged', `${shown} was replaced while it was read; start again.`, shown);
          if (response.status !== 206) {
            await response.body?.cancel();
            throw response.ok
              ? new PackagingError('StorageFailed', `${shown}: the server stopped sending parts of the file.`, shown)
              : new StatusError(response);
          }
          const bytes = Buffer.from(await response.arrayBuffer());
          if (bytes.length !== length) throw new Error('aborted: the answer was cut off');
          return bytes;
        },
        judgeHttp,
        retry,
        abort,
      ).catch((error: unknown) => {
        abort?.throwIfAborted();
        throw explainHttp(error, shown);
      }),
    async *stream(abort) {
      const response = await get({}, abort ?? new AbortController().signal).catch((error: unknown) => {
        throw explainHttp(error, shown);
      });
      if (!response.ok || response.body === null) throw explainHttp(new StatusError(response), shown);
      try {
        for await (const chunk of response.body) yield Buffer.from(chunk as Uint8Array);
      } catch (error) {
        throw explainHttp(error, shown);
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Follows up to five redirects; headers of ours (they may hold a token) stay with the first host, and https never becomes http. */
async function request(uri: string, headers: Record<string, string>, visit: Visit, signal: AbortSignal): Promise<Response> {
  let url = new URL(uri);
  const { host } = url;
  for (let hops = 0; hops <= 5; hops += 1) {
    const own =
      url.host === host
        ? headers
        : Object.fromEntries(Object.entries(headers).filter(([name]) => ['range', 'if-match', 'accept-encoding'].includes(name)));
    const response = await visit(url, { headers: own, signal, redirect: 'manual' }).catch((error: unknown) => {
      const refusal = refusalIn(error);
      if (refusal === undefined) throw error;
      throw new PackagingError('AccessDenied', `${redactUri(uri)}${hops === 0 ? '' : ` leads to ${url.host}, which`} ${refusal}`);
    });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, url);
    if ((next.protocol !== 'https:' && next.protocol !== 'http:') || (url.protocol === 'https:' && next.protocol === 'http:')) {
      throw new PackagingError('StorageFailed', `${redactUri(uri)} leads to an address that is not https.`);
    }
    url = next;
  }
  throw new PackagingError('StorageFailed', `${redactUri(uri)} is redirected too often.`);
}

function judgeHttp(error: unknown): Attempt {
  if (error instanceof PackagingError) return { retry: false };
  if (error instanceof StatusError) {
    const after = retryAfter(error.retryAfter);
    return {
      retry: error.status === 408 || error.status === 429 || error.status >= 500,
      ...(after === undefined ? {} : { afterMilliseconds: after }),
    };
  }
  return { retry: isConnectionError(error) };
}

function explainHttp(error: unknown, shown: string): PackagingError {
  if (error instanceof PackagingError) return error;
  if (error instanceof StatusError) {
    const { status, azureCode } = error;
    if (status === 401 || status === 403 || azureCode === 'PublicAccessNotPermitted')
      return new PackagingError(
        'AccessDenied',
        `${shown}: access denied (status ${status}). It cannot be read with these credentials, or without any.`,
        shown,
      );
    if (status === 404 || status === 410) return new PackagingError('NotFound', `${shown}: not found (status ${status}).`, shown);
    return new PackagingError('StorageFailed', `${shown}: the server answered with status ${status}.`, shown);
  }
  const cause =
    error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : 'connection lost';
  return new PackagingError('StorageFailed', `${shown}: ${cause}.`, shown);
}

/** The headers that KServe reads for a host, from the setting `<host>-headers` (JSON). */
export function parseHostHeaders(text: string | undefined): Record<string, string> {
  if (text === undefined || text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
    return Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
  } catch {
    return {};
  }
}
