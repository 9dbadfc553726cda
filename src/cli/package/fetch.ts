import { open } from 'node:fs/promises';
import { Command } from 'commander';
import { settingsFrom } from '../../packaging/azure/credentials.ts';
import { PackagingError } from '../../packaging/errors.ts';
import type { FetchResult } from '../../packaging/fetch.ts';
import { fetchAgain } from '../../packaging/fetch-again.ts';
import { Failure } from '../failure.ts';
import { trustBundleOfKServe } from './ca-bundle.ts';
import { addLimitOption, interruptSignal, limitsOf, printBytes } from './options.ts';

interface FetchCommandOptions {
  readonly sha256?: string;
  readonly credentials?: string;
  readonly terminationLog: string;
  readonly limit?: readonly string[];
}

/** The kubelet keeps at most this much of a termination message. */
const messageBytes = 4096;

/**
 * `modelwright fetch URI DESTINATION …`: the program of the ClusterStorageContainer. KServe calls it with pairs of a storageUri and a
 * folder, and with the credentials in the environment; the outcome goes into the termination message, from where KServe shows it.
 */
export function fetchCommand(): Command {
  return addLimitOption(new Command('fetch'))
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
      const report = terminationLog(options.terminationLog);
      try {
        trustBundleOfKServe();
        const results: FetchResult[] = [];
        for (let index = 0; index < pairs.length; index += 2)
          results.push(await fetchPair(pairs[index] ?? '', pairs[index + 1] ?? '', options, report));
        await report(JSON.stringify({ seconds: (Date.now() - started) / 1000, models: results }));
      } catch (error) {
        const sentence = error instanceof PackagingError || error instanceof Failure ? error.message : 'unexpected failure';
        await report(sentence);
        throw error;
      }
    });
}

async function fetchPair(
  uri: string,
  destination: string,
  options: FetchCommandOptions,
  report: (text: string) => Promise<void>,
): Promise<FetchResult> {
  let printed = Date.now();
  const result = await fetchAgain(
    uri,
    destination,
    {
      settings: settingsFrom(process.env, options.credentials),
      limits: limitsOf(options),
      ...(options.sha256 === undefined ? {} : { sha256: options.sha256 }),
      onProgress(received, total) {
        if (Date.now() - printed < 5000) return;
        printed = Date.now();
        const progress = `${printBytes(received)} of ${printBytes(total)}`;
        process.stdout.write(`${progress}\n`);
        // Should it be killed, for memory or time, this is what is left to be seen of it.
        void report(`${progress} of the model were there`);
      },
    },
    interruptSignal(),
  );
  process.stdout.write(
    `${destination}: ${result.files} file(s), ${printBytes(result.sizeBytes)}${result.verified ? ', digest verified' : ''}${result.again ? ', there already' : ''}\n`,
  );
  return result;
}

/**
 * The kubelet's termination log, of which the last word counts. Outside a container there is none, and nothing is lost: the outcome is printed
 * as well.
 */
function terminationLog(path: string): (text: string) => Promise<void> {
  let before: Promise<void> = Promise.resolve();
  return (text) => {
    before = before.then(() => write(path, Buffer.from(text).subarray(0, messageBytes))).catch(() => undefined);
    return before;
  };
}

async function write(path: string, bytes: Buffer): Promise<void> {
  // What is under /dev belongs to the kubelet: it is there, or is not to be made.
  await using file = await open(path, path.startsWith('/dev/') ? 'r+' : 'w');
  if (path.startsWith('/dev/')) await file.truncate();
  await file.write(bytes, 0, bytes.length, 0);
}
