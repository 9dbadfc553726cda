import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { passes, sortFindings } from '../../models/finding.ts';
import { suggestName } from '../../models/names.ts';
import { printFindings } from '../../packaging/lint.ts';
import { printManifest } from '../../packaging/manifest.ts';
import { type PackageFile, writePackageFile } from '../../packaging/package-file.ts';
import { type Prepared, prepareFolder } from '../../packaging/prepare.ts';
import { Failure } from '../failure.ts';
import { addContextOptions, type ContextOptions, interruptSignal, printBytes, readContext } from './options.ts';

interface PackageOptions extends ContextOptions {
  readonly output?: string;
  readonly generate?: boolean;
  readonly manifest?: string;
  readonly force?: boolean;
}

/** `modelwright package DIR`: a folder (or one artefact) becomes a zip that its server reads, the same bytes on every machine. */
export function packageCommand(): Command {
  return addContextOptions(new Command('package').description('Make a package of a model folder or file'))
    .argument('<dir>', 'the folder, or a single .onnx, .mar, .joblib … file')
    .option('-o, --output <zip>', 'the package (default: NAME.zip in the current folder)')
    .option('--generate', 'generate what is missing and can be derived: config.pbtxt, config.properties')
    .option('--manifest <json>', 'also write the manifest: SHA-256 and size of each file')
    .option('--force', 'package although lint finds errors')
    .action(async (dir: string, options: PackageOptions) => {
      const prepared = await prepareFolder(dir, { ...readContext(options), generate: options.generate === true });
      stopOnErrors(prepared, options.force === true);
      const output = options.output ?? `${options.name ?? suggestName(basename(resolve(dir)).replace(/\.\w+$/, ''))}.zip`;
      const packaged = await writePackageFile(prepared.entries, output, prepared.layout, interruptSignal());
      if (options.manifest !== undefined) await writeFile(options.manifest, printManifest(packaged.manifest));
      process.stdout.write(describePackage(packaged, prepared));
    });
}

/** Prints what was moved and found; errors end the command unless they are overridden. */
export function stopOnErrors(prepared: Prepared, force: boolean): void {
  for (const note of prepared.notes) process.stderr.write(`${note}\n`);
  const findings = sortFindings(prepared.findings);
  if (findings.length > 0) process.stderr.write(printFindings(findings));
  if (!passes(findings) && !force) throw new Failure('the model would not be served; correct the errors above, or add --force');
}

function describePackage({ path, manifest, effect }: PackageFile, { layout }: Prepared): string {
  const names = layout.models.length > 0 ? ` ${layout.models.join(', ')}` : '';
  const lines = [
    `${path}  ${printBytes(manifest.sizeBytes)}  ${layout.runtime}${names}, ${manifest.files.length} file(s)`,
    `sha256 ${manifest.sha256}`,
    `stored ${effect.storedFiles} file(s), ${printBytes(effect.storedBytes)}; deflated ${effect.deflatedFiles}, ${printBytes(effect.deflatedBytes)} to ${printBytes(effect.packedBytes)}`,
  ];
  return `${lines.join('\n')}\n`;
}
