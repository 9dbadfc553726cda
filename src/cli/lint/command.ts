import type { Readable } from 'node:stream';
import { Command, Option } from 'commander';
import { type DeploymentMode, deploymentModes } from '../../api/model-deployment/serving.ts';
import { passes } from '../../models/finding.ts';
import { type KServeVersion, parseKServeVersion } from '../../models/kserve-version.ts';
import { Failure } from '../failure.ts';
import { printJson } from '../output.ts';
import type { LintPackageOptions } from '../package/lint.ts';
import { addCloudOption, addContextOptions, addCredentialOption } from '../package/options.ts';
import { lintManifests } from './lint-manifests.ts';
import { countFindings, printFinding } from './manifest-finding.ts';
import { platformRule, servingPlatformRule } from './platform-rule.ts';
import { notDone } from './read-files.ts';

interface Options extends LintPackageOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly output: 'text' | 'json';
  readonly mode?: DeploymentMode;
}

/** What the command reads and writes: the process, or a test's stand-in for it. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  exitCode?: number | string | null | undefined;
}

/**
 * One word for two subjects: manifests by -f, or a package by its place. Exit codes: 0 when nothing is wrong (remarks and warnings aside),
 * 1 when an error was found, 2 when the lint could not be done.
 */
export function lintCommand(io: Io = process): Command {
  const command = new Command('lint')
    .description('Judge manifests as the API server would (-f), or a model folder, package or URL, without a cluster')
    .argument('[target]', 'model folder, zip file, or http(s) or az:// address')
    .option('-f, --filename <path...>', 'manifests: file, folder or - (standard input)')
    .option('-R, --recursive', 'with -f, folders with all below them')
    .addOption(new Option('-o, --output <format>', 'how to print the findings').choices(['text', 'json']).default('text'))
    .addOption(new Option('--mode <mode>', 'with -f and --kserve-version, the mode of deployments that name none').choices(deploymentModes))
    .addHelpText(
      'after',
      '\nManifests are judged for a KServe only where --kserve-version is given.\nExit codes: 0 nothing wrong (warnings aside), 1 errors found, 2 the lint could not be done.',
    )
    .action(lint);
  return addCloudOption(addCredentialOption(addContextOptions(command)));

  async function lint(target: string | undefined, options: Options): Promise<void> {
    const { filename = [] } = options;
    if (target !== undefined && filename.length === 0) return (await import('../package/lint.ts')).runLintPackage(target, options);
    if (target !== undefined) throw new Failure(`name either manifests (-f) or a package, not both: "${target}" stands alone`, notDone);
    if (filename.length === 0) {
      throw new Failure('nothing to lint: name manifests with -f, or a model folder, zip file or URL', notDone);
    }
    const version = command.getOptionValueSource('kserveVersion') === 'default' ? undefined : versionOf(options.kserveVersion);
    await lintFiles(filename, version, options, io);
  }
}

async function lintFiles(paths: readonly string[], version: KServeVersion | undefined, options: Options, io: Io): Promise<void> {
  const { recursive = false, output, mode } = options;
  const extraRules = version === undefined ? [] : [platformRule(version, mode)];
  const platformRules = version === undefined ? [] : [servingPlatformRule(version)];
  const { findings, objects } = await lintManifests(paths, { recursive, extraRules, platformRules, stdin: io.stdin });

  if (output === 'json') io.stdout.write(printJson(findings));
  else io.stdout.write(findings.map((finding) => `${printFinding(finding)}\n`).join(''));

  if (objects === 0 && findings.length === 0) throw new Failure(`no ModelDeployment in ${paths.join(', ')}`, notDone);
  if (output === 'text') io.stderr.write(`${countFindings(findings)} in ${objects} ${objects === 1 ? 'object' : 'objects'}\n`);
  if (!passes(findings)) io.exitCode = 1;
}

function versionOf(text: string): KServeVersion {
  const version = parseKServeVersion(text);
  if (version === undefined) {
    throw new Failure(`--kserve-version: "${text}" is no version of KServe; give one such as 0.15, or kfserving-0.6`, notDone);
  }
  return version;
}
