import { Command } from 'commander';
import { exitCodes } from '../bench/command.ts';
import { withClient, withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { narrator, untilEnded } from './follow.ts';
import { type NamespaceOptions, readProfile } from './profiles.ts';

/** `modelwright profile watch`: each point as it comes in, until the run has ended. */
export function watchCommand(): Command {
  const command = new Command('watch')
    .description('Follow the run of a ModelProfile: each point as it comes in, until the end')
    .argument('<name>', 'ModelProfile')
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .action((name: string, options: NamespaceOptions) =>
      withClient(options, async (client) => {
        const { metadata } = await readProfile(client, name, options.namespace);
        const stop = new AbortController();
        process.once('SIGINT', () => stop.abort(new Failure('interrupted; the run goes on', exitCodes.interrupted)));
        const key = { name, namespace: metadata.namespace ?? client.namespace };
        const { outcome } = await untilEnded(client, key, narrator(process.stdout), stop.signal);
        if (outcome.kind === 'missed') process.exitCode = exitCodes.nothingQualifies;
        if (outcome.kind === 'failed') throw new Failure(outcome.message);
      }),
    );
  return withConnection(command);
}
