import type { Readable } from 'node:stream';
import { Command, Option } from 'commander';
import { type DeploymentMode, deploymentModes } from '../../api/model-deployment/serving.ts';
import { passes } from '../../models/finding.ts';
import { parseKServeVersion } from '../../models/kserve-version.ts';
import { Failure } from '../failure.ts';
import { printJson } from '../output.ts';
import { lintManifests } from './lint-manifests.ts';
import { countFindings, printFinding } from './manifest-finding.ts';
import { platformRule } from './platform-rule.ts';
import { notDone } from './read-files.ts';

interface Options {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly output: 'text' | 'json';
  readonly kserveVersion?: string;
  readonly mode?: DeploymentMode;
}

/** What the command reads and writes: the process, or a test's stand-in for it. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  exitCode?: number | string | null | undefined;
}

/** Exit codes: 0 when nothing is wrong (remarks and warnings aside), 1 when an error was found, 2 when the lint could not be done. */
export function lintCommand(io: Io = process): Command {
  return new Command('lint')
    .description('Judge manifests as the API server would, with file, line and remedy, without a cluster')
    .option('-f, --filename <path...>', 'file, folder or - (standard input)')
    .option('-R, --recursive', 'folders with all below them')
    .addOption(new Option('-o, --output <format>', 'how to print the findings').choices(['text', 'json']).default('text'))
    .option('--kserve-version <version>', 'judge also what this KServe would make of them: 0.7 to 0.20, or kfserving-0.6')
    .addOption(new Option('--mode <mode>', 'with --kserve-version, the mode of deployments that name none').choices(deploymentModes))
    .addHelpText('after', '\nExit codes: 0 nothing wrong (warnings aside), 1 errors found, 2 the lint could not be done.')
    .action((options: Options) => lint(options, io));
}

async function lint({ filename = [], recursive = false, output, kserveVersion, mode }: Options, io: Io): Promise<void> {
  if (filename.length === 0) throw new Failure('nothing to lint: name a file or folder with -f, or - for standard input', notDone);
  const extraRules = kserveVersion === undefined ? [] : [platformRule(versionOf(kserveVersion), mode)];
  const { findings, objects } = await lintManifests(filename, { recursive, extraRules, stdin: io.stdin });

  if (output === 'json') io.stdout.write(printJson(findings));
  else io.stdout.write(findings.map((finding) => `${printFinding(finding)}\n`).join(''));

  if (objects === 0 && findings.length === 0) throw new Failure(`no ModelDeployment in ${filename.join(', ')}`, notDone);
  if (output === 'text') io.stderr.write(`${countFindings(findings)} in ${objects} ${objects === 1 ? 'object' : 'objects'}\n`);
  if (!passes(findings)) io.exitCode = 1;
}

function versionOf(text: string) {
  const version = parseKServeVersion(text);
  if (version === undefined) {
    throw new Failure(`--kserve-version: "${text}" is no version of KServe; give one such as 0.15, or kfserving-0.6`, notDone);
  }
  return version;
}
