/** A failure that a command expects: its sentence goes to stderr as it is, and the process ends with `exitCode`. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code = 'CLI_FAILURE';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
