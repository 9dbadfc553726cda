import { Command } from 'commander';
import { withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { writeWhole } from '../write-whole.ts';
import { writeFullReport } from './full-report.ts';
import { type NamespaceOptions, readAnywhere } from './profiles.ts';
import { patchText } from './recommendation.ts';
import { redacted } from './redact.ts';
import { type ProfileFormat, rendered } from './show.ts';

type FileFormat = Exclude<ProfileFormat, 'table'>;
type ExportOptions = NamespaceOptions & { readonly redact?: boolean; readonly patch?: string; readonly full?: string } & Partial<
    Record<FileFormat, string>
  >;

const files: Readonly<Record<FileFormat, string>> = {
  json: 'spec and status; `profile show` and `profile diff` read it',
  yaml: 'the same as YAML',
  csv: 'one line a point',
  markdown: 'table and findings',
  html: 'self-contained page with plots',
  llmd: "llm-d's Benchmark Report, one for each point",
};

/** `modelwright profile export`. */
export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write the results of a ModelProfile to files; JSON to stdout where no file is named')
    .argument('<name>', 'ModelProfile, or a file that was exported (.json, .yaml)')
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .option('--redact', 'without what names the machines: nodes, GPU UUIDs, hosts, registries, storage addresses, namespaces');
  for (const [format, description] of Object.entries(files)) command.option(`--${format} <file>`, description);
  command.option('--patch <file>', 'what spec.apply recommends, as a patch for kustomize or kubectl patch --patch-file; - is stdout');
  command.option('--full <folder>', 'the full report of the run, from where spec.report has put it');
  return withConnection(command.action(exportProfile));
}

async function exportProfile(name: string, options: ExportOptions): Promise<void> {
  if (options.full !== undefined && options.redact)
    throw new Failure('--full and --redact exclude each other: a full report names the machines it was measured on', 2);
  const read = await readAnywhere(name, options);
  const profile = options.redact ? redacted(read) : read;
  const wanted = (Object.keys(files) as FileFormat[]).flatMap((format) => {
    const file = options[format];
    return file === undefined ? [] : [{ file, text: rendered(profile, format) }];
  });
  if (options.patch === '-') process.stdout.write(patchText(profile));
  else if (options.patch !== undefined) wanted.push({ file: options.patch, text: patchText(profile) });
  if (wanted.length === 0 && options.patch === undefined && options.full === undefined) process.stdout.write(rendered(profile, 'json'));
  for (const { file, text } of wanted) {
    await writeWhole(file, text).catch((error: Error) => {
      throw new Failure(`${file} could not be written: ${error.message}`);
    });
    process.stderr.write(`${file} written\n`);
  }
  if (options.full === undefined) return;
  for (const file of await writeFullReport(read, options.full, options)) process.stderr.write(`${file} written\n`);
}
