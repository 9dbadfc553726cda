import { Command } from 'commander';
import type { ServingPlatformSpec } from '../../api/serving-platform/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type ConnectionOptions, withClient, withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { printTable } from '../table.ts';
import { changeSpec, readPlatform } from './live.ts';

/** `modelwright tag-resolution show|add|remove`. */
export function tagResolutionCommand(): Command {
  const command = new Command('tag-resolution').description('Registries whose image tags Knative does not resolve to digests');
  const show = new Command('show')
    .description('What is skipped, by whom, what needs it, and which Revisions failed')
    .action((options: ConnectionOptions) => withClient(options, showRegistries));
  const add = new Command('add')
    .description('Have Knative skip registries')
    .argument('<registries...>', 'hosts, as in nvcr.io or index.docker.io (Docker Hub)')
    .action((registries: string[], options: ConnectionOptions) =>
      withClient(options, (client) => change(client, (present) => [...present, ...registries.filter((one) => !present.includes(one))])),
    );
  const remove = new Command('remove')
    .description('Take registries away again; entries of others stay')
    .argument('<registries...>', 'hosts')
    .action((registries: string[], options: ConnectionOptions) =>
      withClient(options, (client) =>
        change(client, (present) => {
          const missing = registries.filter((one) => !present.includes(one));
          if (missing.length > 0)
            throw new Failure(`${missing.join(', ')}: not in spec.tagResolution.skipRegistries, so not ours to remove`);
          return present.filter((one) => !registries.includes(one));
        }),
      ),
    );
  for (const child of [show, add, remove]) command.addCommand(withConnection(child));
  return command;
}

async function change(client: KubeClient, edit: (present: readonly string[]) => string[]): Promise<void> {
  const { spec } = await changeSpec(client, (before: ServingPlatformSpec) => ({
    ...before,
    tagResolution: { ...before.tagResolution, skipRegistries: edit(before.tagResolution?.skipRegistries ?? []) },
  }));
  process.stdout.write(`declared: ${spec.tagResolution?.skipRegistries?.join(', ') || 'none'}\n`);
}

async function showRegistries(client: KubeClient): Promise<void> {
  const status = (await readPlatform(client))?.status?.tagResolution;
  if (status === undefined) {
    process.stdout.write('No registry is declared. Declare one with: modelwright tag-resolution add REGISTRY\n');
    return;
  }
  const { key, skipped, ours, needed, failedRevisions, notices } = status;
  const users = new Map(needed.map((one) => [one.registry, one]));
  const registries = printTable(
    [
      { heading: 'registry', cell: (registry) => registry },
      { heading: 'added by', cell: (registry) => (ours.includes(registry) ? 'ServingPlatform' : 'others') },
      { heading: 'models', cell: (registry) => String(users.get(registry)?.models ?? '') },
      { heading: 'for example', cell: (registry) => users.get(registry)?.examples.join(', ') ?? '' },
    ],
    skipped,
  );
  const failed =
    failedRevisions.length === 0
      ? ''
      : `\n${printTable(
          [
            { heading: 'failed revision', cell: ({ namespace, name }) => `${namespace}/${name}` },
            { heading: 'since', cell: ({ since }) => since },
            { heading: 'next try', cell: ({ nextTryTime = '' }) => nextTryTime },
            { heading: 'cause', cell: ({ cause }) => cause },
          ],
          failedRevisions,
        )}`;
  process.stdout.write(
    `${key} of ConfigMap knative-serving/config-deployment\n\n${registries}${failed}\n${notices.map((notice) => `Note: ${notice}.\n`).join('')}`,
  );
}
