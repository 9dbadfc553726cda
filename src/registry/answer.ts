/** What registries say beside their content. */
import type { RegistryAnswer } from './connection.ts';
import { RegistryError } from './error.ts';

/** More than this is no error, no token and no answer without content. */
export const smallBytes = 1024 * 1024;

/** The error of an answer that asks us to come back later. */
export function rateLimited({ headers }: RegistryAnswer, message: string): RegistryError {
  const wait = retryAfter(headers['retry-after']);
  return new RegistryError('RateLimited', message, wait === undefined ? {} : { retryAfterMilliseconds: wait });
}

/** The `code` of each error in an answer (OCI distribution specification, error codes). */
export function errorCodes(body: Buffer): readonly string[] {
  const { errors } = jsonOf(body) as { readonly errors?: unknown };
  return Array.isArray(errors)
    ? errors.flatMap((error: { code?: unknown } | null) => (typeof error?.code === 'string' ? [error.code] : []))
    : [];
}

/** An empty object for what is no JSON object. */
export function jsonOf(body: Buffer): object {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.min(Math.max(milliseconds, 0), 86_400_000) : undefined;
}
