import { Command, Option } from 'commander';
import { type ModelDeployment, modelDeployment } from '../api/model-deployment/index.ts';
import { frameworks } from '../api/model-deployment/model.ts';
import { runtimeTypes } from '../api/model-deployment/runtime.ts';
import type { KubeClient } from '../kube/client.ts';
import { isResourceAbsent } from '../kube/errors.ts';
import { type ConnectionOptions, withClient, withConnection } from './connection.ts';
import { Failure } from './failure.ts';
import { type LibraryFilter, libraryColumns, matches, sortRows } from './library.ts';
import { listOf, type OutputFormat, parseFormat, printJson, printYaml } from './output.ts';
import { printTable } from './table.ts';

interface GetOptions extends ConnectionOptions, Omit<LibraryFilter, 'ready'> {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly output?: string;
  readonly ready?: string | true;
}

export function getCommand(): Command {
  const command = new Command('get')
    .description('The library: models with task, framework, runtime, protocol, version, readiness and URL')
    .argument('[names...]', 'ModelDeployments to show (default: all)')
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .option('-A, --all-namespaces', 'all namespaces')
    .option('-l, --selector <labels>', 'label selector, for example team=vision')
    .option('--framework <framework>', `only models of this framework (${frameworks.join(', ')})`)
    .option('--task <task>', 'only models for this task')
    .option('--runtime <runtime>', `only models on this server (${runtimeTypes.join(', ')})`)
    .option('--dataset <dataset>', 'only models trained on this')
    .option('--architecture <architecture>', 'only models of this architecture')
    .option('--parent <family>', 'only models of this family')
    .addOption(new Option('--ready [state]', 'only models that are ready, or that are not').choices(['true', 'false']))
    .option('-o, --output <format>', 'wide, json, yaml or name')
    .action((names: string[], options: GetOptions) => withClient(options, (client) => get(client, names, options)));
  return withConnection(command);
}

async function get(client: KubeClient, names: readonly string[], options: GetOptions): Promise<void> {
  const format = parseFormat(options.output, ['wide', 'json', 'yaml', 'name']);
  if (options.allNamespaces && names.length > 0) throw new Failure('a resource cannot be retrieved by name across all namespaces');
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? client.namespace);
  const found = await read(client, names, namespace, options.selector);
  const { ready, ...filter } = options;
  const rows = sortRows(found).filter((row) => matches(row, { ...filter, ...(ready !== undefined && { ready: ready !== 'false' }) }));
  if (rows.length === 0 && (format === 'table' || format === 'wide')) {
    process.stderr.write(namespace === undefined ? 'No models found.\n' : `No models found in namespace ${namespace}.\n`);
    return;
  }
  process.stdout.write(print(rows, format, namespace === undefined, names.length === 1));
}

async function read(
  client: KubeClient,
  names: readonly string[],
  namespace: string | undefined,
  labelSelector: string | undefined,
): Promise<ModelDeployment[]> {
  try {
    if (names.length > 0)
      return await Promise.all(names.map((name) => client.get(modelDeployment, { name, namespace: namespace ?? client.namespace })));
    const rows: ModelDeployment[] = [];
    const options = { ...(namespace !== undefined && { namespace }), ...(labelSelector !== undefined && { labelSelector }) };
    for await (const page of client.listPages(modelDeployment, options)) rows.push(...page.items);
    return rows;
  } catch (error) {
    if (isResourceAbsent(error))
      throw new Failure('this cluster does not know ModelDeployments; install the CRDs of Modelwright, or choose another context');
    throw error;
  }
}

function print(rows: readonly ModelDeployment[], format: OutputFormat, namespaces: boolean, single: boolean): string {
  switch (format) {
    case 'json':
      return printJson(listOf(rows, single));
    case 'yaml':
      return printYaml(listOf(rows, single));
    case 'name':
      return rows.map(({ metadata }) => `${modelDeployment.singular}.${modelDeployment.group}/${metadata.name}\n`).join('');
    case 'table':
    case 'wide':
      return printTable(libraryColumns({ wide: format === 'wide', namespaces }), rows);
  }
}
