/**
 * The envtest archive that kubernetes-sigs/controller-tools publishes: etcd, kube-apiserver and kubectl for one platform.
 * Checksums are those of its `envtest-releases.yaml`.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from './cache.ts';

const run = promisify(execFile);

export const ENVTEST_VERSION = '1.34.1';

/** What the archive holds. */
export const ENVTEST_BINARIES: readonly string[] = ['etcd', 'kube-apiserver', 'kubectl'];

/** Overrides where the archive is fetched from (its folder's URL); `off` skips it. */
export const ENVTEST_URL_VARIABLE = 'MODELWRIGHT_ENVTEST_URL';

const DEFAULT_URL = `https://github.com/kubernetes-sigs/controller-tools/releases/download/envtest-v${ENVTEST_VERSION}`;

/** SHA-512 by platform. */
const CHECKSUMS: Readonly<Record<string, string>> = {
  'linux-amd64':
    'c5e7c237ae18a8c65d0df1214b864ecd19aa9ff4f1383dbd477c202546d778c0f74efe15750ec38f57d8de26ba17cd62f404446cdd3c975399a5d4589de35cdd',
  'linux-arm64':
    'bf13d2456183e66d084e28e1c9eed6a408fb77a06d8d1fd0461a7d9bc0c90b63d29ea67870b28f80d1f992acb026007d6f43987753c859c81d6a78bc1ca2c903',
  'darwin-amd64':
    'd9e0464dc1708c36ab41147b5e364c8b8e201eafc14c299dcbe58ebeaa82c651b8e834647167a951ded8c6d08c616aadbae1673a54743f9c8fa15a278c78c0c0',
  'darwin-arm64':
    '43d7c10b74100d20044df7c73be03e26f8243a9cb7c1d3035e581ee7bb0c7ffcaf759b9e182186b5bb2f47d1608835414ca443181a02d9ecb6c9cf04b43e3809',
};

/** The folder of the unpacked archive in the cache. */
export function envtestFolder(root = cacheRoot()): string {
  return join(root, 'envtest', `${ENVTEST_VERSION}-${process.platform}-${process.arch}`);
}

export interface EnvtestOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly root?: string;
  /** How long the first byte may take, in milliseconds; default 5 s. */
  readonly connectTimeout?: number;
  /** Default: the published ones. */
  readonly checksums?: Readonly<Record<string, string>>;
}

/**
 * Downloads, verifies and unpacks the archive into the cache.
 * @returns undefined when that worked, or one sentence why not
 */
export async function fetchEnvtest(options: EnvtestOptions = {}): Promise<string | undefined> {
  const { env = process.env, root = cacheRoot(env), connectTimeout = 5_000, checksums = CHECKSUMS } = options;
  const base = env[ENVTEST_URL_VARIABLE] || DEFAULT_URL;
  if (base === 'off') return `the envtest archive is switched off by ${ENVTEST_URL_VARIABLE}`;
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const expected = checksums[platform];
  if (!expected) return `there is no envtest archive for ${platform}`;
  const url = `${base.replace(/\/$/, '')}/envtest-v${ENVTEST_VERSION}-${platform}.tar.gz`;
  const where = new URL(url).host;
  let archive: Buffer;
  try {
    archive = await download(url, connectTimeout);
  } catch (error) {
    return `the envtest archive cannot be fetched from ${where}: ${reasonOf(error)}`;
  }
  if (createHash('sha512').update(archive).digest('hex') !== expected) {
    return `the envtest archive from ${where} does not have the published checksum and is not used`;
  }
  await unpack(archive, envtestFolder(root));
  return undefined;
}

async function download(url: string, connectTimeout: number): Promise<Buffer> {
  const connecting = new AbortController();
  const timer = setTimeout(() => connecting.abort(new Error(`no answer within ${connectTimeout / 1000} s`)), connectTimeout);
  const response = await fetch(url, { signal: connecting.signal }).finally(() => clearTimeout(timer));
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** Unpacks beside the target and renames, so that no other process ever sees half of it. */
async function unpack(archive: Buffer, target: string): Promise<void> {
  const part = `${target}.${process.pid}.new`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const file = join(part, 'archive.tar.gz');
  writeFileSync(file, archive);
  await run('tar', ['-xzf', file, '-C', part, '--strip-components=2']);
  rmSync(file);
  rmSync(target, { recursive: true, force: true });
  renameSync(part, target);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
