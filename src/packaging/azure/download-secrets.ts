/** What KServe gives to the download of a model of the Secrets that a service account names, and the same for our own reading of it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAtLeast, type KServeVersion } from '../../models/kserve-version.ts';
import type { Settings } from './credentials.ts';

/** Who downloads a model for its Pods: our own program, KServe's reader of Azure Blob, or its plain download over http and https. */
export const downloaders = ['modelwright', 'kserve-azure', 'kserve-http'] as const;
export type Downloader = (typeof downloaders)[number];

const accessKey = 'AZURE_STORAGE_ACCESS_KEY';
/** Each by the name that downloads know it by, and by the one that Secrets had before KServe 0.10. */
const identityKeys = [
  ['AZURE_TENANT_ID', 'AZ_TENANT_ID'],
  ['AZURE_CLIENT_ID', 'AZ_CLIENT_ID'],
  ['AZURE_CLIENT_SECRET', 'AZ_CLIENT_SECRET'],
] as const;
const [hostKey, headersKey] = ['https-host', 'headers'] as const;

/** What Azure's workload identity sets in the containers of Pods that ask for it. */
const identityVariables = ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_FEDERATED_TOKEN_FILE', 'AZURE_AUTHORITY_HOST'] as const;

/** The keys of a Secret that this download uses under this KServe (pkg/credentials and storage.py, 0.7 to 0.20); there is need of no others. */
export function secretKeysOf(downloader: Downloader, version: KServeVersion): readonly string[] {
  if (downloader === 'kserve-http') return [hostKey, headersKey];
  return [
    ...identityKeys.map(([, legacy]) => legacy),
    ...(isAtLeast(version, 0, 9) ? [accessKey] : []),
    ...(isAtLeast(version, 0, 10) ? identityKeys.map(([name]) => name) : []),
  ];
}

export interface DownloadSettings {
  readonly settings: Settings;
  /** What there is to prove who asks, in words that hold no secret; undefined: nothing. */
  readonly means: string | undefined;
}

/**
 * Settings as the download of a model has them.
 *
 * @param folder one folder for each Secret, called 0, 1, 2 … in the order of the service account, with a file for each of its keys;
 *   undefined where there is no Secret
 * @param environment of which only what workload identity sets is used
 */
export async function downloadSettings(
  downloader: Downloader,
  folder: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<DownloadSettings> {
  const values = new Map<string, string>();
  // Of two Secrets that give the same variable, the later counts in a Pod.
  for (const secret of await secretsIn(folder)) for (const [name, value] of given(secret)) values.set(name, value);
  if (downloader !== 'kserve-http') {
    for (const name of identityVariables) {
      const value = environment[name]?.trim();
      if (value && !values.has(name)) values.set(name, value);
    }
  }
  if (downloader === 'kserve-azure') asKServeChooses(values);
  if (downloader === 'kserve-http') for (const name of [...values.keys()]) if (!name.endsWith('-headers')) values.delete(name);
  return { settings: async (name) => values.get(name), means: meansOf(values) };
}

/** With a client id KServe asks for tokens, whatever else there is; and of two ways to them, DefaultAzureCredential takes the secret. */
function asKServeChooses(values: Map<string, string>): void {
  if (!values.has('AZURE_CLIENT_ID')) return;
  values.delete(accessKey);
  if (values.has('AZURE_CLIENT_SECRET')) values.delete('AZURE_FEDERATED_TOKEN_FILE');
}

/** The variables that KServe makes of one Secret: what it is for is told by the first key of this order that it has. */
function given(secret: ReadonlyMap<string, string>): (readonly [string, string])[] {
  const key = secret.get(accessKey);
  const byKey = key === undefined ? [] : [[accessKey, key] as const];
  if (secret.has('AZ_CLIENT_ID') || secret.has('AZURE_CLIENT_ID')) {
    const identity = identityKeys.flatMap(([name, legacy]) => {
      const value = secret.get(legacy) ?? secret.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return [...identity, ...byKey];
  }
  if (key !== undefined) return byKey;
  const [host, headers] = [secret.get(hostKey), secret.get(headersKey)];
  return host === undefined || headers === undefined ? [] : [[`${host}-headers`, headers]];
}

async function secretsIn(folder: string | undefined): Promise<ReadonlyMap<string, string>[]> {
  if (folder === undefined) return [];
  const names = (await readdir(folder)).filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
  return Promise.all(names.map((name) => keysIn(join(folder, name))));
}

async function keysIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>();
  for (const name of await readdir(folder)) {
    const value = (await readFile(join(folder, name), 'utf8')).trim();
    if (value !== '') keys.set(name, value);
  }
  return keys;
}

function meansOf(values: ReadonlyMap<string, string>): string | undefined {
  const means = [
    ...(values.has(accessKey) ? [accessKey] : []),
    ...(values.has('AZURE_CLIENT_ID') ? [`the client id ${values.get('AZURE_CLIENT_ID')}`] : []),
    ...[...values.keys()].filter((name) => name.endsWith('-headers')).map((name) => `headers for ${name.slice(0, -'-headers'.length)}`),
  ];
  return means.length === 0 ? undefined : means.join(', ');
}
