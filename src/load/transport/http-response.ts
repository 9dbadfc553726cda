import { looksLikeError } from './channel.ts';

const none = Buffer.alloc(0);
const beginning = 'HTTP/1.';

/** What a reply turned out to be. `failed` carries the reason in words and means that the connection cannot be used again. */
export type Progress = 'more' | 'complete' | 'failed';

/**
 * Reads HTTP/1.1 replies from a socket's chunks, one at a time: Content-Length, chunked and until-close framing (RFC 9112 §6).
 * The common case, a whole reply in one chunk with the same head as the last one, takes one search and one comparison of strings.
 */
export class ResponseReader {
  status = 0;
  bodyBytes = 0;
  keepAlive = true;
  failure = '';
  tooLarge = false;
  errorMarker = false;
  /** Whether any byte of the current reply has come. */
  started = false;

  readonly #maxBodyBytes: number;
  #state: 'head' | 'length' | 'chunkSize' | 'chunkData' | 'trailer' | 'untilClose' = 'head';
  #remaining = 0;
  #head = '';
  #line = '';
  #lastHead = '';
  /** The bytes of `#lastHead` with the empty line after it; empty when it came in pieces. */
  #lastBytes: Buffer = none;
  #lastFraming: Framing = { status: 0, kind: 'length', length: 0, keepAlive: true };
  #capture: Buffer[] | null = null;

  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Makes ready for the next reply. */
  reset(capture: boolean): void {
    this.status = 0;
    this.bodyBytes = 0;
    this.errorMarker = false;
    this.tooLarge = false;
    this.started = false;
    this.failure = '';
    this.#state = 'head';
    this.#head = '';
    this.#line = '';
    this.#capture = capture ? [] : null;
  }

  /** The body, when it was captured. */
  body(): Buffer | null {
    return this.#capture === null ? null : Buffer.concat(this.#capture);
  }

  /** Whether what has come so far may be the beginning of an HTTP/1.1 reply. */
  get isHttp(): boolean {
    return this.#state !== 'head' || beginning.startsWith(this.#head.slice(0, beginning.length));
  }

  /** Takes the bytes of `chunk` up to `end`. The chunk may be reused by its owner afterwards. */
  push(chunk: Buffer, end: number): Progress {
    this.started = true;
    let at = 0;
    while (at < end) {
      switch (this.#state) {
        case 'head': {
          const read = this.#readHead(chunk, at, end);
          if (read < 0) return 'failed';
          at = read;
          if (this.#state === 'head') continue;
          if (this.#state === 'length' && this.#remaining === 0) return at < end ? this.#surplus(end - at) : 'complete';
          break;
        }
        case 'length': {
          const taken = Math.min(this.#remaining, end - at);
          if (!this.#takeBody(chunk, at, at + taken)) return 'failed';
          at += taken;
          this.#remaining -= taken;
          if (this.#remaining === 0) return at < end ? this.#surplus(end - at) : 'complete';
          break;
        }
        case 'untilClose':
          if (!this.#takeBody(chunk, at, end)) return 'failed';
          at = end;
          break;
        case 'chunkData': {
          // The two bytes after the data are its line end; they are counted in #remaining and kept out of the body.
          const data = Math.max(0, Math.min(this.#remaining - 2, end - at));
          if (data > 0 && !this.#takeBody(chunk, at, at + data)) return 'failed';
          const taken = Math.min(this.#remaining, end - at);
          at += taken;
          this.#remaining -= taken;
          if (this.#remaining === 0) this.#state = 'chunkSize';
          break;
        }
        case 'chunkSize':
        case 'trailer': {
          const newline = chunk.indexOf(0x0a, at);
          const stop = newline < 0 || newline >= end ? end : newline + 1;
          this.#line += chunk.toString('latin1', at, stop);
          at = stop;
          if (this.#line.length > 8192) return this.#fail('a chunk size or trailer line is longer than 8 KiB');
          if (!this.#line.endsWith('\n')) break;
          const line = this.#line.trimEnd();
          this.#line = '';
          if (this.#state === 'trailer') {
            if (line === '') return at < end ? this.#surplus(end - at) : 'complete';
            break;
          }
          const size = /^([0-9a-fA-F]{1,12})(?:[ \t]*;.*)?$/.exec(line)?.[1];
          if (size === undefined) return this.#fail(`"${line.slice(0, 40)}" is not a chunk size`);
          const length = Number.parseInt(size, 16);
          if (length === 0) this.#state = 'trailer';
          else {
            this.#state = 'chunkData';
            this.#remaining = length + 2;
          }
          break;
        }
      }
    }
    return 'more';
  }

  /** The server closed its side. Ends a reply that is framed by it; anything else is cut off. */
  end(): Progress {
    if (this.#state === 'untilClose') return 'complete';
    return this.#fail(
      this.started ? 'the server closed the connection in the middle of its reply' : 'the server closed the connection without a reply',
    );
  }

  /** Reads the status line and headers; returns where the body starts, or −1. */
  #readHead(chunk: Buffer, at: number, end: number): number {
    // Nearly always the head is that of the last reply, byte for byte: one comparison, nothing to search or to allocate.
    const same = this.#lastBytes;
    if (same.length > 0 && this.#head === '' && end - at >= same.length && same.compare(chunk, at, at + same.length) === 0) {
      return this.#enter(at + same.length);
    }
    let stop = this.#head === '' ? chunk.indexOf('\r\n\r\n', at, 'latin1') : -1;
    if (stop >= 0 && stop + 4 > end) stop = -1;
    if (stop < 0) {
      // The head came in pieces: put them together and look again.
      const before = this.#head.length;
      this.#head += chunk.toString('latin1', at, end);
      const found = this.#head.indexOf('\r\n\r\n');
      if (found < 0) {
        if (this.#head.length <= 65_536) return end;
        this.#fail('the headers are longer than 64 KiB');
        return -1;
      }
      const body = at + (found + 4 - before);
      const head = this.#head.slice(0, found + 2);
      this.#head = '';
      return this.#apply(head, body);
    }
    const body = this.#apply(chunk.toString('latin1', at, stop + 2), stop + 4);
    if (body >= 0) this.#lastBytes = Buffer.from(chunk.subarray(at, stop + 4));
    return body;
  }

  #apply(head: string, body: number): number {
    if (head !== this.#lastHead) {
      const framing = readFraming(head);
      if (typeof framing === 'string') {
        this.#fail(framing);
        return -1;
      }
      this.#lastHead = head;
      this.#lastFraming = framing;
      this.#lastBytes = none;
    }
    return this.#enter(body);
  }

  /** Takes the framing of the head just read; returns where the body starts, or −1. */
  #enter(body: number): number {
    const { status, kind, length, keepAlive } = this.#lastFraming;
    // 1xx replies come before the real one.
    if (status < 200) return body;
    this.status = status;
    this.keepAlive = keepAlive;
    if (kind === 'chunked') this.#state = 'chunkSize';
    else if (kind === 'close') this.#state = 'untilClose';
    else {
      this.#state = 'length';
      this.#remaining = length;
      if (length > this.#maxBodyBytes) {
        this.tooLarge = true;
        this.#fail(`the reply announces ${length} bytes, more than the limit of ${this.#maxBodyBytes}`);
        return -1;
      }
    }
    return body;
  }

  #takeBody(chunk: Buffer, start: number, end: number): boolean {
    if (this.bodyBytes === 0) this.errorMarker = looksLikeError(chunk, start, end);
    this.bodyBytes += end - start;
    if (this.bodyBytes > this.#maxBodyBytes) {
      this.tooLarge = true;
      this.#fail(`the reply is longer than the limit of ${this.#maxBodyBytes} bytes`);
      return false;
    }
    if (this.#capture !== null) this.#capture.push(Buffer.from(chunk.subarray(start, end)));
    return true;
  }

  #surplus(bytes: number): Progress {
    return this.#fail(`${bytes} bytes came after the end of the reply`);
  }

  #fail(message: string): 'failed' {
    this.failure = message;
    this.keepAlive = false;
    return 'failed';
  }
}

interface Framing {
  readonly status: number;
  readonly kind: 'length' | 'chunked' | 'close';
  readonly length: number;
  readonly keepAlive: boolean;
}

/** Status and framing of a head, or a sentence saying why it is none. */
function readFraming(head: string): Framing | string {
  const match = /^HTTP\/1\.([01]) (\d{3})/.exec(head);
  if (match === null) return `the reply does not begin as HTTP/1.1 does: ${JSON.stringify(head.slice(0, 40))}`;
  const status = Number(match[2]);
  const connection = header(head, 'connection')?.toLowerCase() ?? '';
  const keepAlive = match[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  if (status < 200 || status === 204 || status === 304) return { status, kind: 'length', length: 0, keepAlive };
  const encoding = header(head, 'transfer-encoding');
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked') return `transfer-encoding "${encoding}" is not supported`;
    return { status, kind: 'chunked', length: 0, keepAlive };
  }
  const length = header(head, 'content-length');
  if (length === undefined) return { status, kind: 'close', length: 0, keepAlive: false };
  if (!/^\d{1,15}$/.test(length)) return `content-length "${length.slice(0, 40)}" is not a length`;
  return { status, kind: 'length', length: Number(length), keepAlive };
}

function header(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}:[ \\t]*([^\\r\\n]*)`, 'i').exec(head)?.[1]?.trimEnd();
}
