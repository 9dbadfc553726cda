/** One thing that was wrong with a request, as the API server names it in `status.details.causes`. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  /** Path of the field at fault, for example `spec.replicas`. */
  readonly field?: string;
}

/** `metav1.Status`, the body of every failed request and of ERROR events in a watch. */
export interface Status {
  readonly kind?: string;
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly StatusCause[] };
}

export interface KubeErrorOptions extends ErrorOptions {
  readonly retryAfterMilliseconds?: number;
  readonly causes?: readonly StatusCause[];
}

/**
 * Why a request to the API server failed. Thrown by every method of the client.
 *
 * `code` is stable and machine-readable: the server's reason in upper case (`NOT_FOUND`, `CONFLICT`, …), `HTTP_<status>` where it gave none,
 * `NETWORK` when no answer came, `TIMEOUT` when it came too late, `MALFORMED` when it could not be read, `CREDENTIALS` when there was nothing to
 * authenticate with.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: string;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** The server's CamelCase reason, for example `NotFound`; empty when it gave none. */
  readonly reason: string;
  /** How long the server asked to wait before trying again. */
  readonly retryAfterMilliseconds: number | undefined;
  readonly causes: readonly StatusCause[];

  constructor(code: string, status: number, reason: string, message: string, options: KubeErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = status;
    this.reason = reason;
    this.retryAfterMilliseconds = options.retryAfterMilliseconds;
    this.causes = options.causes ?? [];
  }
}

/** The error that a `Status` describes. `fallback` is the HTTP status of the answer that carried it. */
export function errorFromStatus(body: Status, fallback: number, retryAfterMilliseconds?: number): KubeError {
  const status = body.code ?? fallback;
  const reason = body.reason ?? '';
  const code = reason === '' ? `HTTP_${status}` : reason.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const seconds = body.details?.retryAfterSeconds;
  const wait = retryAfterMilliseconds ?? (seconds === undefined ? undefined : seconds * 1000);
  return new KubeError(code, status, reason, body.message ?? `the API server answered ${status}`, {
    ...(wait !== undefined && { retryAfterMilliseconds: wait }),
    ...(body.details?.causes && { causes: body.details.causes }),
  });
}

/** The object, or the whole resource type, does not exist. */
export function isNotFound(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 404;
}

/** The resource type itself is not served (its CRD is not installed), as opposed to one object of it missing. */
export function isResourceAbsent(error: unknown): error is KubeError {
  // An unknown group gets a bare text page, an unknown resource of a known group a Status without a name in its message.
  return isNotFound(error) && (error.reason === '' || error.message.includes('could not find the requested resource'));
}

export function isAlreadyExists(error: unknown): error is KubeError {
  return error instanceof KubeError && error.reason === 'AlreadyExists';
}

/**
 * Someone else changed the object first, another object has its name by now, or somebody owns a field that an unforced apply wants: read again and decide
 * again.
 */
export function isConflict(error: unknown): error is KubeError {
  return error instanceof KubeError && ((error.status === 409 && error.reason !== 'AlreadyExists') || isOtherUid(error));
}

/** A write that names the uid of an object is refused as invalid, not as a conflict, where another has its name (seen with Kubernetes 1.34). */
function isOtherUid(error: KubeError): boolean {
  return error.status === 422 && error.causes.some(({ field }) => field === 'metadata.uid');
}

/** A resourceVersion or continue token is older than what the server still has: list again. */
export function isExpired(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 410;
}

/** The object breaks its schema or a validation rule; `causes` names the fields. Trying again cannot help. */
export function isInvalid(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 422 && !isOtherUid(error);
}

/** RBAC or an admission policy refuses. */
export function isForbidden(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 403;
}

export function isUnauthorized(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 401;
}

export function isTooManyRequests(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 429;
}

/** The server is behind the asked resourceVersion. */
export function isTooLargeResourceVersion(error: unknown): error is KubeError {
  return (
    error instanceof KubeError &&
    (error.causes.some((cause) => cause.reason === 'ResourceVersionTooLarge') || /too large resource version/i.test(error.message))
  );
}

/** The same request may succeed a little later: the server is overloaded, restarting or unreachable. */
export function isTransient(error: unknown): error is KubeError {
  return error instanceof KubeError && (error.status === 0 || error.status === 429 || error.status >= 500);
}

/** Any thrown value as an `Error`; errors pass through unchanged. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
