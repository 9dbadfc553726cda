import { AnonymousCredential, ContainerClient, RestError } from '@azure/storage-blob';
import { PackagingError } from '../errors.ts';
import { type Attempt, retryAfter } from '../retry.ts';
import type { AzureCredential } from './credentials.ts';

/** The SDK's client for a container. It makes one attempt a call: retries are ours, so that there is one rule for them. */
export function containerClient(endpoint: string, container: string, credential: AzureCredential): ContainerClient {
  const options = { retryOptions: { maxTries: 1 }, keepAliveOptions: { enable: true } };
  const url = `${endpoint}/${container}`;
  switch (credential.kind) {
    case 'sas':
      return new ContainerClient(`${url}?${credential.token}`, new AnonymousCredential(), options);
    case 'key':
    case 'token':
    case 'anonymous':
      return new ContainerClient(url, credential.credential, options);
    default:
      return credential satisfies never;
  }
}

/** Whether a failed call may be made again: lost connections, timeouts, overload; not a refusal. */
export function judgeAzure(error: unknown): Attempt {
  if (error instanceof PackagingError) return { retry: false };
  if (!(error instanceof RestError)) return { retry: isConnectionError(error) };
  const status = error.statusCode;
  // The server found another checksum than was sent: the bytes were changed on the way.
  if (error.code === 'Md5Mismatch') return { retry: true };
  if (status === undefined) return { retry: true };
  if (status === 408 || status === 429 || status >= 500) {
    const after = retryAfter(error.response?.headers.get('retry-after'));
    return { retry: true, ...(after === undefined ? {} : { afterMilliseconds: after }) };
  }
  return { retry: false };
}

/** A broken or refused connection, in Node's and undici's words. */
export function isConnectionError(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    if (
      /^(?:ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_|ERR_STREAM_PREMATURE_CLOSE|REQUEST_SEND_ERROR|PARSE_ERROR)/.test(
        code,
      )
    )
      return true;
    if (/terminated|socket hang up|aborted/.test(cause.message)) return true;
  }
  return false;
}

/** True when the service answered with this status. */
export function hasStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof RestError && error.statusCode !== undefined && statuses.includes(error.statusCode);
}

/** An error to show: the service's code and our words; never its text, which may quote the request. */
export function explainAzure(error: unknown, what: string): PackagingError {
  if (error instanceof PackagingError) return error;
  if (error instanceof RestError) {
    // An answer to HEAD has no body, and its code in a header only.
    const code = error.code ?? error.response?.headers.get('x-ms-error-code') ?? `status ${error.statusCode ?? 'unknown'}`;
    // An account that allows no anonymous access at all answers 409.
    if (error.statusCode === 401 || error.statusCode === 403 || code === 'PublicAccessNotPermitted') {
      return new PackagingError(
        'AccessDenied',
        `${what}: access denied (${code}). Check the credentials and their permissions (read, list, write, create).`,
        what,
      );
    }
    if (error.statusCode === 404)
      return new PackagingError('NotFound', `${what}: not found (${code}). Check the account, the container and the path.`, what);
    if (error.statusCode === 409 || error.statusCode === 412) {
      return new PackagingError('Conflict', `${what}: somebody else writes it (${code}). Try again when they are done.`, what);
    }
    return new PackagingError(
      'StorageFailed',
      `${what}: the storage service failed (${code}). Run the command again: it continues where it stopped.`,
      what,
    );
  }
  if (error instanceof Error && error.name === 'AbortError')
    return new PackagingError('StorageFailed', `${what}: stopped or timed out. Run the command again.`, what);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'connection lost';
  return new PackagingError(
    'StorageFailed',
    `${what}: ${code}. Check the network and run the command again: it continues where it stopped.`,
    what,
  );
}
