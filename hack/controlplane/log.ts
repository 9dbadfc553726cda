/** What a person at the terminal reads while a control plane is built and started. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Takes one line for the person at the terminal. */
export type Say = (line: string) => void;

/** The last lines of a log file, for an error message; a sentence when there are none. */
export function lastLines(file: string, count: number): string {
  try {
    const fd = openSync(file, 'r');
    const { size } = fstatSync(fd);
    const length = Math.min(size, 16_384);
    const buffer = Buffer.alloc(length);
    readSync(fd, buffer, 0, length, size - length);
    closeSync(fd);
    const lines = buffer.toString().trimEnd().split('\n').slice(-count);
    return lines.join('\n') || `${file} is empty`;
  } catch {
    return `there is no ${file}`;
  }
}

/** Seconds since `start` (milliseconds since the epoch) with one decimal, as in `4.2 s`. */
export function elapsed(start: number): string {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}
