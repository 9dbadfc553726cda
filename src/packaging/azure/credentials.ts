import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AnonymousCredential, StorageSharedKeyCredential } from '@azure/storage-blob';
import { type AzureCloud, authorityHost } from '../../models/azure-host.ts';
import { PackagingError } from '../errors.ts';

/** What the SDK asks for a bearer token (the interface of @azure/core-auth). */
interface TokenCredential {
  getToken(scopes: string | string[], options?: { readonly abortSignal?: unknown }): Promise<{ token: string; expiresOnTimestamp: number }>;
}

/** How to prove who asks. `sas` is a token without the question mark. */
export type AzureCredential =
  | { readonly kind: 'key'; readonly credential: StorageSharedKeyCredential }
  | { readonly kind: 'sas'; readonly token: string }
  | { readonly kind: 'token'; readonly credential: TokenCredential }
  | { readonly kind: 'anonymous'; readonly credential: AnonymousCredential };

/** Gives the value of a setting by its name, as an environment variable or a file of a mounted Secret. */
export type Settings = (name: string) => Promise<string | undefined>;

/**
 * Settings from the environment, and from the files of a folder (a Secret mounted as a volume) where the environment has none. Headers for a
 * host are there as KServe's Secrets have them, too: in `headers`, for the host in `https-host`.
 */
export function settingsFrom(environment: NodeJS.ProcessEnv, folder?: string): Settings {
  return async (name) => {
    const value = environment[name]?.trim();
    if (value !== undefined && value !== '') return value;
    if (folder === undefined) return undefined;
    const own = await textOf(join(folder, name));
    if (own !== undefined || !name.endsWith('-headers')) return own;
    const host = await textOf(join(folder, 'https-host'));
    return `${host}-headers` === name ? textOf(join(folder, 'headers')) : undefined;
  };
}

/** Undefined for a file that is empty, or cannot be read. */
async function textOf(path: string): Promise<string | undefined> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return text === '' ? undefined : text;
}

/**
 * Picks the credential for an account, in the order: connection string, account key or SAS in AZURE_STORAGE_ACCESS_KEY (as KServe has it)
 * or AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, workload identity (AZURE_FEDERATED_TOKEN_FILE), service principal (AZURE_* or AZ_*),
 * nobody.
 */
export async function findCredential(account: string, cloud: AzureCloud, settings: Settings): Promise<AzureCredential> {
  const connection = parseConnectionString(await settings('AZURE_STORAGE_CONNECTION_STRING'));
  if (connection !== undefined && (connection.account === undefined || connection.account === account)) {
    if (connection.key !== undefined) return { kind: 'key', credential: new StorageSharedKeyCredential(account, connection.key) };
    if (connection.sas !== undefined) return sasCredential(connection.sas);
  }
  const key = (await settings('AZURE_STORAGE_ACCESS_KEY')) ?? (await settings('AZURE_STORAGE_KEY'));
  if (key !== undefined) return isSas(key) ? sasCredential(key) : { kind: 'key', credential: new StorageSharedKeyCredential(account, key) };
  const sas = await settings('AZURE_STORAGE_SAS_TOKEN');
  if (sas !== undefined) return sasCredential(sas);

  const tenant = (await settings('AZURE_TENANT_ID')) ?? (await settings('AZ_TENANT_ID'));
  const client = (await settings('AZURE_CLIENT_ID')) ?? (await settings('AZ_CLIENT_ID'));
  if (tenant === undefined || client === undefined) return { kind: 'anonymous', credential: new AnonymousCredential() };
  const authority = (await settings('AZURE_AUTHORITY_HOST')) ?? `https://${authorityHost[cloud]}`;
  const endpoint = `${authority.replace(/\/+$/, '')}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`;
  const tokenFile = await settings('AZURE_FEDERATED_TOKEN_FILE');
  if (tokenFile !== undefined) {
    return {
      kind: 'token',
      credential: tokenCredential(endpoint, client, async () => ({
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: (await readFile(tokenFile, 'utf8')).trim(),
      })),
    };
  }
  const secret = (await settings('AZURE_CLIENT_SECRET')) ?? (await settings('AZ_CLIENT_SECRET'));
  if (secret !== undefined)
    return { kind: 'token', credential: tokenCredential(endpoint, client, async () => ({ client_secret: secret })) };
  return { kind: 'anonymous', credential: new AnonymousCredential() };
}

function sasCredential(text: string): AzureCredential {
  return { kind: 'sas', token: text.replace(/^\?/, '') };
}

/** A SAS has a signature and a version; an account key is base64. */
function isSas(text: string): boolean {
  return /(?:^|[?&])sig=/.test(text);
}

interface ConnectionString {
  readonly account: string | undefined;
  readonly key: string | undefined;
  readonly sas: string | undefined;
}

function parseConnectionString(text: string | undefined): ConnectionString | undefined {
  if (text === undefined) return undefined;
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) parts.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  return { account: parts.get('accountname'), key: parts.get('accountkey'), sas: parts.get('sharedaccesssignature') };
}

/** An OAuth 2 token by client credentials, kept until five minutes before it expires. */
function tokenCredential(endpoint: string, client: string, proof: () => Promise<Record<string, string>>): TokenCredential {
  let held: { token: string; expiresOnTimestamp: number } | undefined;
  return {
    async getToken(scopes, options) {
      if (held !== undefined && held.expiresOnTimestamp - Date.now() > 300_000) return held;
      const scope = Array.isArray(scopes) ? scopes.join(' ') : scopes;
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: client, scope, ...(await proof()) });
      const response = await fetch(endpoint, {
        method: 'POST',
        body,
        redirect: 'error',
        ...(options?.abortSignal === undefined ? {} : { signal: options.abortSignal as AbortSignal }),
      });
      const answer = (await response.json().catch(() => undefined)) as
        | { access_token?: unknown; expires_in?: unknown; error?: unknown }
        | undefined;
      if (!response.ok || typeof answer?.access_token !== 'string') {
        const reason = typeof answer?.error === 'string' ? answer.error : `status ${response.status}`;
        throw new PackagingError(
          'AccessDenied',
          `No token for the service principal ${client}: ${reason}. Check AZURE_TENANT_ID, AZURE_CLIENT_ID and its secret or federated token.`,
        );
      }
      held = { token: answer.access_token, expiresOnTimestamp: Date.now() + Number(answer.expires_in ?? 300) * 1000 };
      return held;
    },
  };
}
