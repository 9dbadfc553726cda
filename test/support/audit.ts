/** Reads the API server's audit log: who asked for what, counted. */
import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AUDIT_LOG_VARIABLE, required } from './environment.ts';

/** One request, as far as tests look at it (audit.k8s.io/v1 Event). */
export interface AuditEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly impersonatedUser?: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  /** What was written; not recorded for Secrets, ConfigMaps and tokens. */
  readonly requestObject?: Record<string, unknown>;
  readonly requestReceivedTimestamp: string;
}

export const WRITE_VERBS: readonly string[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** A place in the log, to read what came after it: `const mark = auditMark(); …; await auditSince(mark)`. */
export function auditMark(file = required(AUDIT_LOG_VARIABLE)): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The requests answered after the mark. The server writes before it answers, so nothing answered is missing.
 * @param wanted which ones; default all
 */
export async function auditSince(
  mark: number,
  wanted: (event: AuditEvent) => boolean = () => true,
  file = required(AUDIT_LOG_VARIABLE),
): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  const lines = createInterface({ input: createReadStream(file, { start: mark }), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const event = parse(line);
    if (event && wanted(event)) events.push(event);
  }
  return events;
}

/** Whether a request changes something. Events and leases count too: filter by `objectRef` where they should not. */
export function isWrite({ verb }: AuditEvent): boolean {
  return WRITE_VERBS.includes(verb);
}

/** The last line may be half written while the server runs. */
function parse(line: string): AuditEvent | undefined {
  try {
    return JSON.parse(line) as AuditEvent;
  } catch {
    return undefined;
  }
}
