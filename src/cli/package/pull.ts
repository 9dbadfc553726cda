import { Command } from 'commander';
import { settingsFrom } from '../../packaging/azure/credentials.ts';
import { fetchModel } from '../../packaging/fetch.ts';
import { pullPackage } from '../../packaging/pull.ts';
import {
  addCloudOption,
  addCredentialOption,
  addLimitOption,
  inCloud,
  interruptSignal,
  limitsOf,
  printBytes,
  progressLine,
} from './options.ts';

interface PullOptions {
  readonly output?: string;
  readonly extract?: string;
  readonly credentials?: string;
  readonly cloud?: string;
  readonly limit?: readonly string[];
}

/** `modelwright pull URI`: downloads a package and checks it against its digest and manifest. */
export function pullCommand(): Command {
  return addCloudOption(addLimitOption(addCredentialOption(new Command('pull').description('Download a package and verify it'))))
    .argument('<uri>', 'the storageUri, or the address of the zip')
    .option('-o, --output <zip>', 'where to put the zip', 'model.zip')
    .option('--extract <folder>', 'unpack it into this (empty or new) folder instead')
    .action(async (target: string, options: PullOptions) => {
      const uri = inCloud(target, options.cloud);
      const limits = limitsOf(options);
      const settings = settingsFrom(process.env, options.credentials);
      const onProgress = (received: number, total: number) => progressLine(`${printBytes(received)} of ${printBytes(total)}`);
      if (options.extract !== undefined) {
        const result = await fetchModel(uri, options.extract, { settings, limits, onProgress }, interruptSignal());
        progressLine('');
        process.stdout.write(
          `${options.extract}  ${result.files} file(s), ${printBytes(result.sizeBytes)}${result.verified ? ', digest verified' : ''}\n`,
        );
        return;
      }
      const result = await pullPackage(uri, options.output ?? 'model.zip', { settings, limits, onProgress }, interruptSignal());
      progressLine('');
      const verified = { manifest: 'verified against its manifest', digest: 'digest verified', nothing: 'nothing to verify it against' }[
        result.verifiedBy
      ];
      process.stdout.write(`${result.path}  ${printBytes(result.sizeBytes)}  sha256 ${result.sha256}, ${verified}\n`);
    });
}
