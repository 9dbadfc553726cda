import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { type HostRules, hostRules } from '../../models/host-list.ts';
import { settingsFrom } from '../../packaging/azure/credentials.ts';
import { type Downloader, type DownloadSettings, downloaders, downloadSettings } from '../../packaging/azure/download-secrets.ts';
import { type JobResult, printJobMessage } from '../../packaging/job-message.ts';
import { failureOf, type PackSource, pack, verifyPackage } from '../../packaging/pack.ts';
import { Failure } from '../failure.ts';
import { addLimitOption, interruptSignal, limitsOf, readContext } from './options.ts';

interface JobOptions {
  readonly run: string;
  readonly runtime: string;
  readonly sha256?: string;
  readonly allowHost?: readonly string[];
  readonly workDir: string;
  readonly terminationLog: string;
  readonly limit?: readonly string[];
}

interface VerifyOptions extends JobOptions {
  readonly downloader: Downloader;
  readonly serviceAccount: string;
  readonly credentials?: string;
}

interface PackOptions extends JobOptions {
  readonly source?: string;
  readonly path?: string;
  readonly url?: string;
  readonly destination: string;
  readonly manifestDestination: string;
  readonly credentials: string;
  readonly name: string;
  readonly kserveVersion: string;
  readonly gpu?: string;
  readonly runtimeVersion?: string;
  readonly known?: readonly string[];
}

/** Exit code of a Job that failed: the operator decides by its message what comes next. */
const failed = 1;

function jobCommand(name: string, description: string): Command {
  return addLimitOption(new Command(name))
    .description(description)
    .requiredOption('--run <name>', 'name of the run, repeated in the message')
    .requiredOption('--runtime <type>', 'runtime whose layout the package has')
    .option('--sha256 <digest>', 'the SHA-256 that is expected of what is read')
    .option('--allow-host <host...>', 'hosts that may be read from, also by redirects')
    .option('--work-dir <folder>', 'empty folder with room for the package', '/work')
    .option('--termination-log <file>', 'where the outcome is written', '/dev/termination-log');
}

/** `modelwright pack`: what the operator's packaging Job runs. People use `package` and `push`. */
export function packCommand(): Command {
  return jobCommand('pack', 'Package a model and upload it, as a Job of the operator')
    .option('--source <folder>', 'root of the mounted volume')
    .option('--path <path>', 'folder or file of the model in it', '')
    .option('--url <url>', 'archive to package the content of; needs --sha256')
    .requiredOption('--destination <url>', 'address of the blob to make')
    .requiredOption('--manifest-destination <url>', 'address of the blob to make for its manifest')
    .requiredOption('--credentials <folder>', 'folder with the signatures for them: AZURE_STORAGE_SAS_TOKEN and MANIFEST_SAS_TOKEN')
    .requiredOption('--name <name>', "the deployment's name")
    .option('--kserve-version <version>', 'KServe to check for', '0.20')
    .option('--gpu <count>', 'GPUs that the deployment asks for')
    .option('--runtime-version <tag>', "the serving image's tag")
    .option('--known <digest...>', 'packages that need not be sent again')
    .action((options: PackOptions) =>
      runJob(options, (signal) => {
        const { runtime, name = options.name, settings: _, ...context } = readContext(options);
        if (runtime === undefined) throw new Failure('--runtime is missing', 2);
        return pack(
          {
            source: sourceOf(options),
            context: { ...context, runtime, name },
            work: options.workDir,
            destination: options.destination,
            manifestDestination: options.manifestDestination,
            // Never from the environment: what is there belongs to the image, or to somebody else's webhook.
            settings: settingsFrom({}, options.credentials),
            known: new Set(options.known),
            limits: limitsOf(options),
          },
          signal,
        );
      }),
    );
}

/** `modelwright verify URI`: what the operator's verifying Job runs. */
export function verifyCommand(): Command {
  return jobCommand('verify', 'Read a package and compare its SHA-256 and layout, as a Job of the operator')
    .argument('<uri>', 'the storageUri')
    .addOption(
      new Option('--downloader <name>', "who downloads it for the model's Pods, and with which credentials therefore")
        .choices(downloaders)
        .default('kserve-http'),
    )
    .option('--service-account <name>', "the service account of the model's Pods, to be named when access is denied", 'default')
    .option('--credentials <folder>', 'folder with one folder for each Secret of the service account, and in it one file for each key')
    .action((uri: string, options: VerifyOptions) =>
      runJob(options, async (signal) => {
        const { runtime } = readContext({ runtime: options.runtime, kserveVersion: '0.20' });
        const { sha256, workDir, downloader, credentials } = options;
        if (runtime === undefined || sha256 === undefined) throw new Failure('verify: --runtime and --sha256 are needed', 2);
        const given = await downloadSettings(downloader, credentials, process.env);
        const readAs = readAsOf(options, given);
        const request = {
          uri,
          sha256,
          runtime,
          work: workDir,
          settings: given.settings,
          limits: limitsOf(options),
          readAs,
          ...hostsOf(options),
        };
        return verifyPackage(request, signal);
      }),
    );
}

/** What somebody who has to mend the access needs to know: whose credentials they are, and which were found. */
function readAsOf({ downloader, serviceAccount }: VerifyOptions, { means }: DownloadSettings): string {
  const account = `service account "${serviceAccount}"`;
  if (means !== undefined) return `It was read as the model's Pods would read it: with ${means}, by ${account}.`;
  const wanted =
    downloader === 'kserve-http'
      ? 'https-host and headers, for this host'
      : 'AZURE_STORAGE_ACCESS_KEY, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET';
  return `It was read as the model's Pods would read it: without credentials, since no Secret that ${account} lists under secrets has any that KServe uses here (${wanted}).`;
}

function sourceOf({ source, path = '', url, sha256, ...options }: PackOptions): PackSource {
  if (source !== undefined && url === undefined) return { kind: 'Folder', folder: source, path };
  if (url === undefined || source !== undefined || sha256 === undefined) throw new Failure('pack: give --source, or --url and --sha256', 2);
  return { kind: 'Archive', url, sha256, hosts: hostRules(options.allowHost ?? []) };
}

function hostsOf({ allowHost }: JobOptions): { readonly hosts?: HostRules } {
  return allowHost === undefined ? {} : { hosts: hostRules(allowHost) };
}

async function runJob(options: JobOptions, work: (signal: AbortSignal) => Promise<JobResult>): Promise<void> {
  const { run, terminationLog } = options;
  const tell = (text: string) => writeFile(terminationLog, text, { flag: terminationLog.startsWith('/dev/') ? 'r+' : 'w' });
  try {
    const result = await work(interruptSignal());
    await tell(printJobMessage(run, { result }));
    process.stdout.write(`sha256 ${result.sha256}: ${result.files} file(s), ${result.sizeBytes} bytes\n`);
  } catch (error) {
    if (error instanceof Failure && error.exitCode === 2) throw error;
    const failure = failureOf(error);
    await tell(printJobMessage(run, { failure })).catch(() => undefined);
    throw new Failure(`${failure.code}: ${failure.message}`, failed);
  }
}
