import { type DestinationStream, type Level, pino, stdSerializers } from 'pino';
import { redactLine } from './redact.ts';

/** Fields of one log line. Values are JSON; errors go under `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What this program needs of a logger: fields first, then a fixed sentence without values in it. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger;
}

/** Says nothing. */
export const noLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => noLogger };

export interface LoggerOptions {
  /** @default info */
  readonly level?: Level | 'silent';
  /** Where lines go. @default standard output, written synchronously: a line is out before the next thing happens, also when that is a crash */
  readonly destination?: DestinationStream;
}

/** A logger of JSON lines. Secrets are taken out of whole lines, last of all, so that no field, error or stack can carry one past it. */
export function createLogger({ level = 'info', destination = pino.destination({ fd: 1, sync: true }) }: LoggerOptions = {}): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause },
      hooks: { streamWrite: redactLine },
    },
    destination,
  );
}
