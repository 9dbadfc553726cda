import { Command } from 'commander';
import type { KubeClient } from '../kube/client.ts';
import { type ConnectionOptions, withClient, withConnection } from './connection.ts';
import { parseFormat, printJson, printYaml } from './output.ts';
import { printTable } from './table.ts';

/** One thing that was looked at. `missing`: the operator, or the models, cannot work without it. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'missing';
  readonly message: string;
}

interface DoctorOptions extends ConnectionOptions {
  readonly namespace?: string;
  readonly operator?: boolean;
  readonly kserveNamespace?: string;
  readonly output?: string;
}

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Say what is installed, how it will be spoken to, and what is missing; exit code 1 when something needed is')
    .option('-n, --namespace <namespace>', 'where you mean to deploy models (default: that of the context)')
    .option('--operator', 'check the permissions of the operator instead of those of a person who deploys models')
    .option('--kserve-namespace <namespace>', 'where KServe is (default: found out)')
    .option('-o, --output <format>', 'json or yaml')
    .action((options: DoctorOptions) => withClient(options, (client) => doctor(client, options)));
  return withConnection(command);
}

async function doctor(client: KubeClient, options: DoctorOptions): Promise<void> {
  const format = parseFormat(options.output, ['json', 'yaml']);
  const { examine } = await import('./examine.ts');
  const checks = await examine(client, {
    namespace: options.namespace ?? client.namespace,
    asOperator: options.operator === true,
    ...(options.kserveNamespace !== undefined && { kserveNamespace: options.kserveNamespace }),
  });
  const missing = checks.filter(({ state }) => state === 'missing').length;
  const report = { healthy: missing === 0, checks };
  if (format === 'json') process.stdout.write(printJson(report));
  else if (format === 'yaml') process.stdout.write(printYaml(report));
  else {
    process.stdout.write(
      printTable(
        [
          { heading: 'Check', cell: ({ name }: Check) => name },
          { heading: 'State', cell: ({ state }) => state },
          { heading: 'Detail', cell: ({ message }) => message },
        ],
        checks,
      ),
    );
    if (missing > 0) process.stderr.write(`${missing} of ${checks.length} checks found something missing.\n`);
  }
  if (missing > 0) process.exitCode = 1;
}
