import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What can happen to one event of a watch. */
export type WatchFault =
  /** The connection breaks instead. */
  | { readonly kind: 'cut' }
  /** Half of the line, then the connection breaks. */
  | { readonly kind: 'truncate' }
  /** The server ends the watch instead, as it does when its time is up. */
  | { readonly kind: 'end' }
  /** The server sends this `Status` as an ERROR event instead, and ends the watch. */
  | { readonly kind: 'error'; readonly code: number; readonly reason: string; readonly message: string }
  /** Nothing arrives any more, and nobody says so: a half-open connection. */
  | { readonly kind: 'silence' }
  /** This event and what follows wait. */
  | { readonly kind: 'hold'; readonly milliseconds: number }
  /** The event arrives twice. */
  | { readonly kind: 'duplicate' }
  /** An object of another kind arrives first. */
  | { readonly kind: 'stranger' }
  /** Only for bookmarks, which the API server does not promise. */
  | { readonly kind: 'withhold' };

export class ProxiedWatch {
  /** With the query. */
  readonly path: string;
  /** Events that came from the API server, bookmarks included. */
  events = 0;
  /** When it was opened, milliseconds of `performance.now()`. */
  readonly openedAt = performance.now();
  readonly #socket: Socket;
  readonly #response: ServerResponse;
  #silent = false;
  #filling: boolean;

  constructor(path: string, socket: Socket, response: ServerResponse) {
    this.path = path;
    this.#socket = socket;
    this.#response = response;
    this.#filling = path.includes('sendInitialEvents=true');
  }

  /** Whether the present state is still being sent, which a bookmark ends. */
  get isFilling(): boolean {
    return this.#filling;
  }

  /** Breaks the connection. */
  cut(): void {
    this.#socket.destroy();
  }

  /** Ends the watch as the server does when its time is up. */
  end(): void {
    this.#response.end();
  }

  /** Sends nothing any more, keeping the connection. */
  silence(): void {
    this.#silent = true;
  }

  /** Sends an ERROR event and ends the watch. */
  fail(code: number, reason: string, message: string): void {
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
    this.#response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
  }

  /** Passes `body` on line by line, until either side ends. */
  async run(body: AsyncIterable<Buffer>, faultOf: (event: { readonly type: string }) => WatchFault | undefined): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') continue;
        this.events += 1;
        if (!(await this.#pass(line, faultOf))) return;
      }
    }
    if (!this.#silent) this.#response.end();
  }

  /** False when the watch is over. */
  async #pass(line: string, faultOf: (event: { readonly type: string }) => WatchFault | undefined): Promise<boolean> {
    if (this.#silent) return true;
    const type = /^\{"type":"([A-Z]+)"/.exec(line)?.[1] ?? 'UNKNOWN';
    const fault = faultOf({ type });
    switch (fault?.kind) {
      case undefined:
        break;
      case 'cut':
        this.cut();
        return false;
      case 'truncate':
        this.#response.write(line.slice(0, line.length >> 1), () => this.cut());
        return false;
      case 'end':
        this.end();
        return false;
      case 'error':
        this.fail(fault.code, fault.reason, fault.message);
        return false;
      case 'silence':
        this.silence();
        return true;
      case 'hold':
        await sleep(fault.milliseconds);
        break;
      case 'duplicate':
        this.#response.write(`${line}\n`);
        break;
      case 'stranger':
        this.#response.write(
          '{"type":"MODIFIED","object":{"apiVersion":"v1","kind":"Sandwich","metadata":{"name":"x","resourceVersion":"1"}}}\n',
        );
        break;
      case 'withhold':
        if (type === 'BOOKMARK' && !this.#filling) return true;
        break;
    }
    if (type === 'BOOKMARK') this.#filling = false;
    if (this.#response.destroyed || this.#response.writableEnded) return false;
    this.#response.write(`${line}\n`);
    return true;
  }
}
