/** Commands about packages; the program's main adds them. */
export { fetchCommand } from './fetch.ts';
export { inspectCommand } from './inspect.ts';
export { addLintPackageOptions, type LintPackageOptions, lintPackageCommand, runLintPackage } from './lint.ts';
export { packageCommand } from './package.ts';
export { pullCommand } from './pull.ts';
export { pushCommand } from './push.ts';
