import { Command, Option } from 'commander';
import { settingsFrom } from '../../packaging/azure/credentials.ts';
import { type Inspection, inspectArchive } from '../../packaging/inspect.ts';
import { Failure } from '../failure.ts';
import { addCloudOption, addCredentialOption, addLimitOption, inCloud, interruptSignal, limitsOf, printBytes } from './options.ts';

interface InspectOptions {
  readonly verify?: boolean;
  readonly output?: string;
  readonly credentials?: string;
  readonly cloud?: string;
  readonly limit?: readonly string[];
}

/** `modelwright inspect ZIP|URL`: what is in a package, from its central directory; over HTTP only that part is read. */
export function inspectCommand(): Command {
  return addCloudOption(addLimitOption(addCredentialOption(new Command('inspect').description('List what is in a package'))))
    .argument('<target>', 'zip file, storageUri, or http(s) or az:// address')
    .option('--verify', 'read all of it: check every entry and print digests')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async (target: string, options: InspectOptions) => {
      const settings = settingsFrom(process.env, options.credentials);
      const inspection = await inspectArchive(
        inCloud(target, options.cloud),
        { settings, limits: limitsOf(options), verify: options.verify === true },
        interruptSignal(),
      );
      process.stdout.write(options.output === 'json' ? `${JSON.stringify(printable(inspection), undefined, 2)}\n` : describe(inspection));
      if (inspection.sha256 !== undefined && inspection.expectedSha256 !== undefined && inspection.sha256 !== inspection.expectedSha256) {
        throw new Failure(`the content has the SHA-256 ${inspection.sha256}, and its address says ${inspection.expectedSha256}`);
      }
    });
}

function printable({ layout, ...rest }: Inspection) {
  return {
    ...rest,
    ...(layout === undefined ? {} : { layout: { runtime: layout.runtime, models: layout.models, versions: layout.versions } }),
  };
}

function describe({ shown, sizeBytes, readBytes, layout, entries, sha256 }: Inspection): string {
  const width = Math.max(4, ...entries.map(({ sizeBytes: bytes }) => printBytes(bytes).length));
  const lines = entries.map(
    (entry) => `${printBytes(entry.sizeBytes).padStart(width)}  ${entry.sha256 === undefined ? '' : `${entry.sha256}  `}${entry.path}`,
  );
  const kind =
    layout === undefined
      ? 'unknown layout'
      : [layout.runtime, layout.models.join(', '), layout.versions.length > 0 ? `version ${layout.versions.join(', ')}` : '']
          .filter(Boolean)
          .join(' ');
  const read = readBytes < sizeBytes ? ` (${printBytes(readBytes)} read)` : '';
  return `${[...lines, `${shown}  ${printBytes(sizeBytes)}${read}  ${kind}, ${entries.length} entries`, ...(sha256 === undefined ? [] : [`sha256 ${sha256}, every entry verified`])].join('\n')}\n`;
}
