import { Command } from 'commander';
import { modelProfile } from '../../api/model-profile/index.ts';
import { withClient, withConnection } from '../connection.ts';
import { type NamespaceOptions, readProfile } from './profiles.ts';

/** `modelwright profile cancel`: what is measured already stays. */
export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('End the run of a ModelProfile, by spec.suspend; what was measured stays')
    .argument('<name>', 'ModelProfile')
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .action((name: string, options: NamespaceOptions) =>
      withClient(options, async (client) => {
        const { metadata, spec } = await readProfile(client, name, options.namespace);
        const namespace = metadata.namespace ?? client.namespace;
        if (spec.suspend === true) process.stdout.write(`ModelProfile ${name} is suspended already\n`);
        else {
          await client.patch(
            modelProfile,
            { name, namespace },
            { spec: { suspend: true } },
            { kind: 'merge', fieldManager: 'modelwright-cli' },
          );
          process.stdout.write(`ModelProfile ${name} is cancelled; to run it again: modelwright profile run ${name} -n ${namespace}\n`);
        }
      }),
    );
  return withConnection(command);
}
