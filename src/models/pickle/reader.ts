/** Reads part of a file: fewer bytes than asked only at its end. */
export type ReadAt = (start: number, length: number) => Promise<Buffer>;

const windowBytes = 64 << 10;

/** A position in a file with a window of bytes around it, so that gigabytes of weights are skipped and not read. */
export class PickleReader {
  readonly #readAt: ReadAt;
  readonly sizeBytes: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  position = 0;

  constructor(readAt: ReadAt, sizeBytes: number) {
    this.#readAt = readAt;
    this.sizeBytes = sizeBytes;
  }

  /** The next `length` bytes; undefined when the file ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    if (length < 0 || this.position + length > this.sizeBytes) return undefined;
    const offset = this.position - this.#windowStart;
    if (offset < 0 || offset + length > this.#window.length) {
      this.#window = await this.#readAt(this.position, Math.max(length, Math.min(windowBytes, this.sizeBytes - this.position)));
      this.#windowStart = this.position;
      if (this.#window.length < length) return undefined;
    }
    const start = this.position - this.#windowStart;
    this.position += length;
    return this.#window.subarray(start, start + length);
  }

  /** Text up to a line feed, which is taken and not returned. */
  async line(most: number): Promise<string | undefined> {
    let text = '';
    while (text.length <= most) {
      const byte = await this.take(1);
      if (byte === undefined) return undefined;
      if (byte[0] === 0x0a) return text;
      text += String.fromCharCode(byte[0] ?? 0);
    }
    return undefined;
  }

  /** Passes over bytes without reading them; false when the file ends before. */
  skip(length: number): boolean {
    if (!(length >= 0) || this.position + length > this.sizeBytes) return false;
    this.position += length;
    return true;
  }
}
