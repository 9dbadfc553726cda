import { KubeError } from '../../kube/errors.ts';

/**
 * Why an InferenceService could not be written. `Refused`: KServe or the API server said no, and will say so again until something
 * changes. `Unavailable`: it could not be asked, trying again may help.
 */
export interface WriteFailure {
  readonly kind: 'Refused' | 'Unavailable';
  readonly message: string;
}

const denied = /^admission webhook "([^"]*)" denied the request: /;

/** Reads a failed write; undefined for what is no answer of the API server, and for conflicts, which a fresh reading resolves. */
export function writeFailureOf(error: unknown): WriteFailure | undefined {
  if (!(error instanceof KubeError)) return undefined;
  if (error.status === 0 || error.status === 429 || error.status >= 500) {
    return { kind: 'Unavailable', message: `The InferenceService could not be written, trying again: ${error.message}` };
  }
  if (error.status === 400 || error.status === 403 || error.status === 422) return { kind: 'Refused', message: refusal(error) };
  return undefined;
}

function refusal(error: KubeError): string {
  const webhook = denied.exec(error.message)?.[1];
  if (webhook === undefined) return `The API server refused the InferenceService: ${error.message}`;
  const who = /\b(kserve|kfserving)\b/.test(webhook) ? 'KServe' : `The admission webhook ${webhook}`;
  return `${who} refused the InferenceService: ${error.message.replace(denied, '')}`;
}
