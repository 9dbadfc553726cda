/** Fields of one log line. Values are JSON; errors go under `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * What this program needs of a logger: fields first, then a fixed sentence without values in it.
 * pino's own loggers have this shape.
 */
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
