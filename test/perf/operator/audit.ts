/** What the operator asked of the API server, from the server's own audit log. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

export interface AuditedRequest {
  readonly verb: string;
  readonly path: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: number;
  readonly body: unknown;
  /** When it was answered, milliseconds since the epoch. */
  readonly at: number;
}

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly requestObject?: unknown;
  readonly stageTimestamp: string;
}

const writing = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** The operator's own writes: its lease is no work on objects. */
export const isWrite = ({ verb, resource }: AuditedRequest) => writing.has(verb) && resource !== 'leases';

export class Audit {
  readonly #file: string;
  #offset: number;
  readonly #all: AuditedRequest[] = [];

  constructor(file: string) {
    this.#file = file;
    this.#offset = statSync(file).size;
  }

  /** Everything that `read` has given so far. */
  all(): readonly AuditedRequest[] {
    this.read();
    return this.#all;
  }

  /** Requests of the operator since the last call, in order. */
  read(): AuditedRequest[] {
    const size = statSync(this.#file).size;
    const buffer = Buffer.alloc(size - this.#offset);
    const file = openSync(this.#file, 'r');
    readSync(file, buffer, 0, buffer.length, this.#offset);
    closeSync(file);
    const end = buffer.lastIndexOf(10) + 1;
    this.#offset += end;
    const requests = buffer
      .subarray(0, end)
      .toString()
      .split('\n')
      // Parsing everything would take longer than what is measured.
      .filter((line) => line.includes('"userAgent":"modelwright'))
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(({ userAgent }) => userAgent?.startsWith('modelwright'))
      .map(({ verb, requestURI, objectRef, responseStatus, requestObject, stageTimestamp }) => ({
        verb,
        path: requestURI,
        resource: objectRef?.resource ?? '',
        subresource: objectRef?.subresource ?? '',
        namespace: objectRef?.namespace ?? '',
        name: objectRef?.name ?? '',
        status: responseStatus?.code ?? 0,
        body: requestObject,
        at: Date.parse(stageTimestamp),
      }));
    this.#all.push(...requests);
    return requests;
  }
}
