import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { load } from 'js-yaml';
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type ConnectionOptions, withClient, withConnection } from '../connection.ts';
import { readFacts } from '../examine.ts';
import { Failure } from '../failure.ts';
import { kubectlYaml } from '../lint/kubectl-yaml.ts';
import { parseFormat, printJson } from '../output.ts';
import { printTable } from '../table.ts';
import { type PlatformDifference, platformDifference } from './difference.ts';
import { readPlatform } from './live.ts';

interface DiffOptions extends ConnectionOptions {
  readonly filename?: string;
  readonly kserveNamespace?: string;
  readonly output?: string;
}

/** `modelwright platform diff`. */
export function platformCommand(): Command {
  const command = new Command('platform').description('The ServingPlatform: what holds for every model of the cluster');
  const diff = new Command('diff')
    .description(
      'What differs from the ServingPlatform, who wrote it and since when, and which models a change would touch. Exits 1 if anything does',
    )
    .option('-f, --filename <file>', 'a ServingPlatform that is not applied yet (default: the one of the cluster)')
    .addOption(new Option('--kserve-namespace <namespace>', 'where KServe and its ConfigMap are (default: found out)'))
    .option('-o, --output <format>', 'json')
    .action((options: DiffOptions) => withClient(options, (client) => printDifference(client, options)));
  return command.addCommand(withConnection(diff));
}

async function printDifference(client: KubeClient, { filename, kserveNamespace, output }: DiffOptions): Promise<void> {
  const format = parseFormat(output, ['json']);
  const live = await readPlatform(client);
  const proposed = filename === undefined ? live : { ...live, ...proposedIn(filename) };
  if (proposed === undefined) {
    process.stdout.write('There is no ServingPlatform: what KServe and Knative ship holds.\n');
    return;
  }
  const found = await platformDifference(client, proposed, await readFacts(client, kserveNamespace ?? proposed.spec.kserve?.namespace));
  process.stdout.write(format === 'json' ? printJson(found) : text(found));
  if (found.differences.length > 0 || found.problems.length > 0) process.exitCode = 1;
}

function proposedIn(filename: string): Pick<ServingPlatform, 'apiVersion' | 'kind' | 'metadata' | 'spec'> {
  const object = load(readFileSync(filename === '-' ? 0 : filename, 'utf8'), { schema: kubectlYaml }) as
    | Partial<ServingPlatform>
    | undefined;
  if (object?.kind !== 'ServingPlatform' || object.spec === undefined || object.metadata === undefined)
    throw new Failure(`${filename} holds no ServingPlatform`);
  return { apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: object.metadata, spec: object.spec };
}

function text({ differences, affected, problems }: PlatformDifference): string {
  const table = printTable(
    [
      { heading: 'object', cell: ({ object }) => object },
      { heading: 'field', cell: ({ field }) => field },
      { heading: 'wanted', cell: ({ wanted }) => shortened(wanted) },
      { heading: 'found', cell: ({ found }) => shortened(found) },
      { heading: 'written by', cell: ({ manager = '' }) => manager },
      { heading: 'since', cell: ({ since = '' }) => since },
    ],
    differences,
  );
  return [
    differences.length === 0 ? 'Everything is as declared.\n' : table,
    affected.length === 0 ? '' : `\nModels that would come to another image: ${affected.join(', ')}\n`,
    ...problems.map((problem) => `\nNot possible: ${problem}\n`),
  ].join('');
}

/** `predictors` is some thousand characters of JSON; `-o json` has all of it. */
function shortened(value: string): string {
  return value.length <= 80 ? value : `${value.slice(0, 79)}…`;
}
