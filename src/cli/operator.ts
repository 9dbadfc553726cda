import { Command, InvalidArgumentError, Option } from 'commander';
import { deploymentModes } from '../api/model-deployment/serving.ts';
import { type ConnectionOptions, withConnection } from './connection.ts';
import type { OperatorOptions } from './run-operator.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;

/** Each option may also be given by the environment, as a container likes it: the flag wins. */
export function operatorCommand(): Command {
  const option = (flags: string, description: string) => new Option(flags, description).env(variableOf(flags));
  const command = new Command('operator')
    .description('Run the controllers: turns ModelDeployments into InferenceServices and keeps them so')
    .addOption(option('--namespaces <names>', 'only these namespaces, separated by commas (default: all)').argParser(names))
    .addOption(
      option('--allowed-service-accounts <names>', 'service accounts that spec.serviceAccountName may name, besides "default"').argParser(
        names,
      ),
    )
    .addOption(
      option(
        '--allowed-image-registries <prefixes>',
        'where spec.transformer.image may come from: registry or registry/path (default: nowhere)',
      ).argParser(names),
    )
    .addOption(
      option('--default-deployment-mode <mode>', "mode of new models that name none (default: KServe's own default)").choices(
        deploymentModes,
      ),
    )
    .addOption(
      option('--manage-platform [enabled]', 'act on the ServingPlatform (default: true without --namespaces)')
        .preset('true')
        .argParser(enabled),
    )
    .addOption(option('--image <reference>', 'image with this program, for packaging Jobs, the storage container and load pods'))
    .addOption(
      option('--system-namespace <namespace>', 'where the Secrets of model repositories are (default: that of the pod or context)'),
    )
    .addOption(option('--kserve-namespace <namespace>', 'where KServe and its ConfigMap are (default: found out)'))
    .addOption(option('--workers <count>', 'models worked on at once').default(10).argParser(positive))
    .addOption(
      option('--leader-elect [enabled]', 'let one of several replicas act, by a lease').preset('true').default(false).argParser(enabled),
    )
    .addOption(option('--leader-election-namespace <namespace>', 'namespace of the lease (default: that of the pod or context)'))
    .addOption(option('--leader-election-id <name>', 'name of the lease').default('modelwright-operator'))
    .addOption(
      option('--metrics-bind-address <address>', 'where /metrics, /healthz and /readyz are served; 0 is nowhere, port 0 any free port')
        .default(':8080')
        .argParser(address),
    )
    .addOption(option('--log-level <level>', 'least important line to print').choices(levels).default('info'))
    .action(async (options: OperatorOptions & ConnectionOptions) => {
      const { runOperator } = await import('./run-operator.ts');
      try {
        await runOperator(options);
      } finally {
        // With the exit code that the caller gives: a late timer or socket must not keep a replica alive that has stopped, or lost its lease.
        setImmediate(() => process.exit());
      }
    });
  return withConnection(command);
}

/** `--log-level` is MODELWRIGHT_LOG_LEVEL. */
function variableOf(flags: string): string {
  const [name = ''] = flags.replace(/^--/, '').split(' ');
  return `MODELWRIGHT_${name.toUpperCase().replaceAll('-', '_')}`;
}

function names(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

/** A value is possible because an environment variable has one: `false` there must not mean true. */
function enabled(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('It must be true or false.');
}

function positive(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return count;
}

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`; checked here, so that a mistake ends the program before it starts. */
function address(text: string): string {
  if (text === '0' || parseAddress(text) !== undefined) return text;
  throw new InvalidArgumentError('It must be host:port, :port, or 0.');
}

/** Host and port of a bind address; undefined when it is none. No host is all of them. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? (match[2] || '::'), port };
}
