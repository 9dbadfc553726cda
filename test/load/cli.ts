/** `modelwright bench` alone, with the exit codes of the whole program. */
import { CommanderError } from 'commander';
import { benchCommand } from '../../src/cli/bench/command.ts';
import { Failure } from '../../src/cli/failure.ts';

try {
  await benchCommand().enablePositionalOptions().exitOverride().parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = error instanceof Failure ? error.exitCode : error instanceof CommanderError ? error.exitCode : 1;
}
