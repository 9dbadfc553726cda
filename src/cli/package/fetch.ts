import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { settingsFrom } from '../../packaging/azure/credentials.ts';
import { PackagingError } from '../../packaging/errors.ts';
import type { FetchResult } from '../../packaging/fetch.ts';
import { fetchAgain } from '../../packaging/fetch-again.ts';
import { Failure } from '../failure.ts';
import { trustBundleOfKServe } from './ca-bundle.ts';
import { interruptSignal, printBytes } from './options.ts';

interface FetchCommandOptions {
  readonly sha256?: string;
  readonly credentials?: string;
  readonly terminationLog: string;
}

/** The kubelet keeps at most this much of a termination message. */
const messageBytes = 4096;

/**
 * `modelwright fetch URI DESTINATION …`: the program of the ClusterStorageContainer. KServe calls it with pairs of a storageUri and a
 * folder, and with the credentials in the environment; the outcome goes into the termination message, from where KServe shows it.
 */
export function fetchCommand(): Command {
  return new Command('fetch')
    .description('Download models into folders, as an init container of a serving Pod')
    .argument('<uri-and-destination...>', 'one or more pairs of a storageUri and a folder')
    .option('--sha256 <digest>', 'the SHA-256 that the content must have')
    .option('--credentials <folder>', 'folder with one file per setting (a mounted Secret)')
    .option('--termination-log <file>', 'where the outcome is written', '/dev/termination-log')
    .action(async (pairs: string[], options: FetchCommandOptions) => {
      if (pairs.length % 2 !== 0) throw new Failure('fetch: give pairs of a storageUri and a folder', 2);
      if (options.sha256 !== undefined && !/^[0-9a-f]{64}$/.test(options.sha256))
        throw new Failure('--sha256: write 64 hexadecimal digits, in lower case', 2);
      const started = Date.now();
      try {
        trustBundleOfKServe();
        const results: FetchResult[] = [];
        for (let index = 0; index < pairs.length; index += 2)
          results.push(await fetchPair(pairs[index] ?? '', pairs[index + 1] ?? '', options));
        await report(options.terminationLog, JSON.stringify({ seconds: (Date.now() - started) / 1000, models: results }));
      } catch (error) {
        const sentence = error instanceof PackagingError || error instanceof Failure ? error.message : 'unexpected failure';
        await report(options.terminationLog, sentence);
        throw error;
      }
    });
}

async function fetchPair(uri: string, destination: string, options: FetchCommandOptions): Promise<FetchResult> {
  let printed = Date.now();
  const result = await fetchAgain(
    uri,
    destination,
    {
      settings: settingsFrom(process.env, options.credentials),
      ...(options.sha256 === undefined ? {} : { sha256: options.sha256 }),
      onProgress(received, total) {
        if (Date.now() - printed < 5000) return;
        printed = Date.now();
        process.stdout.write(`${printBytes(received)} of ${printBytes(total)}\n`);
      },
    },
    interruptSignal(),
  );
  process.stdout.write(
    `${destination}: ${result.files} file(s), ${printBytes(result.sizeBytes)}${result.verified ? ', digest verified' : ''}${result.again ? ', there already' : ''}\n`,
  );
  return result;
}

/** Outside a container there is no termination log, and nothing is lost: the outcome is printed as well. */
async function report(path: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  await writeFile(path, bytes.length > messageBytes ? bytes.subarray(0, messageBytes) : bytes, {
    flag: path.startsWith('/dev/') ? 'r+' : 'w',
  }).catch(() => undefined);
}
