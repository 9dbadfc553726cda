/** What a packaging or verifying Job tells the operator: one JSON line in the termination message of its container. */
import { type RuntimeType, runtimeTypes } from '../models/names.ts';
import type { PackagingErrorCode } from './errors.ts';

export interface JobResult {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly files: number;
  readonly layout: RuntimeType;
  /** False where an equal package was known to be there, so that nothing was sent. */
  readonly uploaded: boolean;
}

export interface JobFailure {
  readonly code: PackagingErrorCode;
  readonly message: string;
  /** Trying again may help: the network, or the storage service, failed. */
  readonly retry: boolean;
}

export type JobMessage =
  | { readonly kind: 'Result'; readonly result: JobResult }
  | { readonly kind: 'Failure'; readonly failure: JobFailure }
  /** Nothing that a Job of this run would have written. */
  | { readonly kind: 'Invalid'; readonly reason: string };

/** The kubelet keeps at most this much. */
export const maxMessageBytes = 4096;
const maxTextLength = 2000;
const format = 'modelwright.dev/job/v1';

export function printJobMessage(run: string, said: { readonly result: JobResult } | { readonly failure: JobFailure }): string {
  if ('result' in said) return JSON.stringify({ format, run, result: said.result });
  const { code, message, retry } = said.failure;
  // Some characters take twelve bytes as JSON; a message that is cut by the kubelet would be no JSON at all.
  for (let length = maxTextLength; ; length = Math.floor(length / 2)) {
    const text = JSON.stringify({ format, run, failure: { code, message: clip(message, length), retry } });
    if (Buffer.byteLength(text) <= maxMessageBytes) return text;
  }
}

/**
 * Reads a termination message. Anyone who may make Pods in the namespace could have written it, so every field is checked, and nothing in
 * it is taken for more than a claim.
 *
 * @param run the name that the operator gave to the run.
 */
export function parseJobMessage(text: string | undefined, run: string): JobMessage {
  const invalid = (reason: string): JobMessage => ({ kind: 'Invalid', reason });
  if (text === undefined || text === '') return invalid('it left no termination message');
  if (Buffer.byteLength(text) > maxMessageBytes) return invalid('its termination message is too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid('its termination message is no JSON');
  }
  if (!isRecord(value) || value['format'] !== format) return invalid('its termination message has another form');
  if (value['run'] !== run) return invalid('its termination message is of another run');
  if ('result' in value) {
    const result = resultOf(value['result']);
    return result === undefined ? invalid('the result in its termination message is not sound') : { kind: 'Result', result };
  }
  const failure = failureOf(value['failure']);
  return failure === undefined ? invalid('the failure in its termination message is not sound') : { kind: 'Failure', failure };
}

function resultOf(value: unknown): JobResult | undefined {
  if (!isRecord(value)) return undefined;
  const { sha256, sizeBytes, files, uploaded } = value;
  const layout = runtimeTypes.find((type) => type === value['layout']);
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  if (!isCount(sizeBytes) || !isCount(files) || files > 0x7fffffff || layout === undefined || typeof uploaded !== 'boolean')
    return undefined;
  return { sha256, sizeBytes, files, layout, uploaded };
}

const codes: Readonly<Record<PackagingErrorCode, true>> = {
  ArchiveRefused: true,
  ArchiveDamaged: true,
  ChecksumMismatch: true,
  SourceRefused: true,
  SourceChanged: true,
  LayoutUnknown: true,
  LintFailed: true,
  TargetNotEmpty: true,
  InvalidArgument: true,
  CredentialsMissing: true,
  AccessDenied: true,
  NotFound: true,
  Conflict: true,
  StorageFailed: true,
};

function failureOf(value: unknown): JobFailure | undefined {
  if (!isRecord(value)) return undefined;
  const { code, message, retry } = value;
  if (typeof code !== 'string' || !Object.hasOwn(codes, code) || typeof message !== 'string' || typeof retry !== 'boolean')
    return undefined;
  return { code: code as PackagingErrorCode, message: clip(message, maxTextLength), retry };
}

/** One line without control characters. */
function clip(text: string, length: number): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
