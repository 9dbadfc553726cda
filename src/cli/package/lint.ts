import { passes } from '../../models/finding.ts';
import { lintPackage, printFindings } from '../../packaging/lint.ts';
import { Failure } from '../failure.ts';
import { type ContextOptions, inCloud, interruptSignal, readContext } from './options.ts';

export interface LintPackageOptions extends ContextOptions {
  readonly output?: string;
  readonly cloud?: string;
}

/** `modelwright lint` of a folder, a zip or a URL: prints the findings; ends with exit code 1 when one is an error. */
export async function runLintPackage(target: string, options: LintPackageOptions): Promise<void> {
  const findings = await lintPackage(inCloud(target, options.cloud), readContext(options), interruptSignal());
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(findings, undefined, 2)}\n` : printFindings(findings));
  if (!passes(findings)) throw new Failure('the model would not be served as it is');
}
