import { Command } from 'commander';
import { passes } from '../../models/finding.ts';
import { lintPackage, printFindings } from '../../packaging/lint.ts';
import { Failure } from '../failure.ts';
import { addContextOptions, addCredentialOption, type ContextOptions, interruptSignal, readContext } from './options.ts';

export interface LintPackageOptions extends ContextOptions {
  readonly output?: string;
}

/** `lint` for folders, zips and URLs; the program's `lint` also takes manifests and calls {@link runLintPackage} for these. */
export function lintPackageCommand(): Command {
  return addLintPackageOptions(new Command('lint').description('Check a model folder, a package or its URL'))
    .argument('<target>', 'folder, zip file, or http(s) or az:// address')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(runLintPackage);
}

export function addLintPackageOptions(command: Command): Command {
  return addCredentialOption(addContextOptions(command));
}

/** Prints the findings; ends with exit code 1 when one is an error. */
export async function runLintPackage(target: string, options: LintPackageOptions): Promise<void> {
  const findings = await lintPackage(target, readContext(options), interruptSignal());
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(findings, undefined, 2)}\n` : printFindings(findings));
  if (!passes(findings)) throw new Failure('the model would not be served as it is');
}
