import type { Command } from 'commander';
import { type AzureCloud, azureHost, blobSuffix } from '../../models/azure-host.ts';
import { type KServeVersion, newestKServe, parseKServeVersion, printVersion } from '../../models/kserve-version.ts';
import { parseRuntimeType, type RuntimeType, runtimeTypes } from '../../models/names.ts';
import { settingsFrom } from '../../packaging/azure/credentials.ts';
import { type ArchiveLimits, readLimits } from '../../packaging/limits.ts';
import type { LintOptions } from '../../packaging/lint.ts';
import { Failure } from '../failure.ts';

/** What `package`, `push` and `lint` ask about the deployment that the package is for. */
export interface ContextOptions {
  readonly runtime?: string;
  readonly runtimeVersion?: string;
  readonly name?: string;
  readonly kserveVersion: string;
  readonly gpu?: string;
  readonly sklearnVersion?: string;
  readonly credentials?: string;
  readonly limit?: readonly string[];
}

export function addContextOptions(command: Command): Command {
  return addLimitOption(command)
    .option('--runtime <type>', `layout to use where several fit: ${runtimeTypes.join(', ')}`)
    .option('--runtime-version <tag>', "the serving image's tag, to compare with --gpu")
    .option('--name <name>', "the deployment's name, to compare with the names in the package")
    .option(
      '--kserve-version <version>',
      'KServe to check for: 0.7 to 0.20, or kfserving-0.6',
      printVersion(newestKServe).replace('KServe ', ''),
    )
    .option('--gpu <count>', 'GPUs that the deployment asks for')
    .option('--sklearn-version <version>', "scikit-learn of the serving image (default: that of the KServe's own image)");
}

export function addCredentialOption(command: Command): Command {
  return command.option(
    '--credentials <folder>',
    'folder with one file per setting (a mounted Secret), used where the environment has none',
  );
}

/** Repeatable, one word each, so that it cannot swallow what stands behind it. */
export function addLimitOption(command: Command): Command {
  return command.option(
    '--limit <name=value>',
    'raise or lower a cap on archives: size (100Gi), files (100000), ratio (200), depth (32); may be repeated. MODELWRIGHT_LIMITS has the same, between commas',
    (word: string, words: readonly string[] = []) => [...words, word],
  );
}

/** Caps of the environment, and over them those of the command line. */
export function limitsOf({ limit = [] }: { readonly limit?: readonly string[] }, env: NodeJS.ProcessEnv = process.env): ArchiveLimits {
  return readLimits([...(env['MODELWRIGHT_LIMITS'] ?? '').split(',').filter((word) => word.trim() !== ''), ...limit]);
}

export function addCloudOption(command: Command): Command {
  return command.option('--cloud <cloud>', 'cloud of an az:// address: Public, China or USGovernment', 'Public');
}

/** An `az://` address in full, for the cloud that its account is in; anything else as it is. */
export function inCloud(target: string, cloud: string | undefined): string {
  const known = readCloud(cloud);
  const [, account = '', path = ''] = /^az:\/\/([a-z0-9]{3,24})\/(.+)$/.exec(target.trim()) ?? [];
  return account === '' ? target : `https://${azureHost(account, known)}/${path}`;
}

export function readContext(options: ContextOptions): LintOptions & { readonly runtime?: RuntimeType } {
  const kserve: KServeVersion | undefined = parseKServeVersion(options.kserveVersion);
  if (kserve === undefined)
    throw new Failure(`--kserve-version: "${options.kserveVersion}" is no version of KServe; write 0.7 to 0.20, or kfserving-0.6`, 2);
  const runtime = options.runtime === undefined ? undefined : parseRuntimeType(options.runtime);
  if (options.runtime !== undefined && runtime === undefined) {
    throw new Failure(`--runtime: there is no runtime "${options.runtime}"; write one of ${runtimeTypes.join(', ')}`, 2);
  }
  return {
    kserve,
    settings: settingsFrom(process.env, options.credentials),
    limits: limitsOf(options),
    ...(runtime === undefined ? {} : { runtime }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.runtimeVersion === undefined ? {} : { runtimeVersion: options.runtimeVersion }),
    ...(options.sklearnVersion === undefined ? {} : { sklearnVersion: options.sklearnVersion }),
    ...(options.gpu === undefined ? {} : { gpuCount: wholeNumber('--gpu', options.gpu) }),
  };
}

export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new Failure(`${option}: "${text}" is no whole number`, 2);
  return Number(text);
}

export function readCloud(text: string | undefined): AzureCloud {
  const cloud = (Object.keys(blobSuffix) as AzureCloud[]).find((name) => name.toLowerCase() === (text ?? 'Public').toLowerCase());
  if (cloud === undefined) throw new Failure(`--cloud: there is no cloud "${text ?? ''}"; write Public, China or USGovernment`, 2);
  return cloud;
}

/** `1.5 GiB`; for people, three digits. */
export function printBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit] ?? ''}`;
}

/** Writes one line that is replaced, on a terminal; nothing elsewhere. */
export function progressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** A signal that ends with Ctrl-C or SIGTERM, so that half-written files are removed. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(new Failure('stopped', 130)));
  return controller.signal;
}
