import type { RegistryCause } from '../api/serving-platform/registry-cause.ts';

export interface RegistryErrorOptions extends ErrorOptions {
  readonly retryAfterMilliseconds?: number;
}

/** The one error of this folder. Its message is a clause about the registry, without credentials: `has no tag 1.2 of team/server`. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: RegistryCause;
  /** How long the registry asked to wait. */
  readonly retryAfterMilliseconds: number | undefined;

  constructor(code: RegistryCause, message: string, options: RegistryErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMilliseconds = options.retryAfterMilliseconds;
  }
}

/** The error for a connection that failed: by the codes of Node (`ENOTFOUND`, `CERT_HAS_EXPIRED`, …) and undici (`UND_ERR_*`). */
export function connectionError(thrown: unknown, host: string): RegistryError {
  if (thrown instanceof RegistryError) return thrown;
  for (const error of chainOf(thrown)) {
    if (error instanceof RegistryError) return error;
    const kind = kindOf(error);
    if (kind !== undefined) return new RegistryError(kind, sentences[kind](host, error.code ?? ''), { cause: thrown });
  }
  return new RegistryError('Unreachable', `${host} cannot be reached: ${wordsOf(thrown)}`, { cause: thrown });
}

type Coded = Error & { readonly code?: string };

const sentences = {
  DNS: (host: string) => `the name ${host} is not known to DNS here`,
  Timeout: (host: string) => `${host} did not answer in time`,
  TLS: (host: string, code: string) => `the certificate of ${host} is not trusted (${code})`,
  Unreachable: (host: string, code: string) => `${host} cannot be reached (${code})`,
} as const;

function kindOf({ code = '', name, message }: Coded): keyof typeof sentences | undefined {
  if (/^(ENOTFOUND|EAI_AGAIN|EAI_NODATA|EAI_NONAME)$/.test(code)) return 'DNS';
  if (name === 'TimeoutError' || /^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/.test(code)) return 'Timeout';
  if (
    /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO)/.test(code) ||
    /\bSSL routines\b/.test(message)
  )
    return 'TLS';
  return /^(ECONN|EHOST|ENET|EPIPE|UND_ERR_SOCKET|EADDRNOTAVAIL|HPE_)/.test(code) ? 'Unreachable' : undefined;
}

/** The error, its causes, and the parts of an AggregateError (one per address that was tried). */
function chainOf(thrown: unknown, depth = 0): readonly Coded[] {
  if (!(thrown instanceof Error) || depth > 8) return [];
  const parts = thrown instanceof AggregateError ? (thrown.errors as unknown[]) : [];
  return [thrown, ...parts.flatMap((part) => chainOf(part, depth + 1)), ...chainOf(thrown.cause, depth + 1)];
}

function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : 'unknown failure';
}
