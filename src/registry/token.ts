import { jsonOf, rateLimited, smallBytes } from './answer.ts';
import type { Challenge } from './challenge.ts';
import type { RegistryAnswer, RegistryConnection } from './connection.ts';
import type { RegistryCredentials } from './credentials.ts';
import { RegistryError } from './error.ts';

interface TokenRequest {
  readonly host: string;
  readonly repository: string;
  readonly credentials: RegistryCredentials | undefined;
  readonly connection: RegistryConnection;
}

/** The token flow (distribution/spec/auth): with a refresh token by POST, else by GET with or without name and password. */
export async function bearerToken(
  { parameters }: Challenge,
  { host, repository, credentials, connection }: TokenRequest,
  signal?: AbortSignal,
): Promise<string> {
  const realm = connection.realm(parameters['realm'] ?? '');
  const scope = parameters['scope'] ?? `repository:${repository}:pull`;
  const service = parameters['service'];
  const fields = new URLSearchParams({ ...(service !== undefined && { service }), scope });
  const refreshToken = credentials?.identityToken;
  if (refreshToken === undefined) for (const [name, value] of fields) realm.searchParams.append(name, value);
  else
    for (const [name, value] of Object.entries({ grant_type: 'refresh_token', client_id: 'modelwright', refresh_token: refreshToken }))
      fields.set(name, value);
  const answer = await connection.send(
    refreshToken === undefined
      ? { method: 'GET', url: realm, headers: credentials === undefined ? {} : { authorization: basic(credentials) }, maxBytes: smallBytes }
      : {
          method: 'POST',
          url: realm,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: fields.toString(),
          maxBytes: smallBytes,
        },
    signal,
  );
  if (answer.status === 429) {
    throw rateLimited(answer, `the token server of ${host} limits how often it may be asked`);
  }
  if (answer.status >= 500) throw new RegistryError('Unreachable', `the token server of ${host} answers with HTTP status ${answer.status}`);
  const given = tokenIn(answer);
  if (given !== undefined) return given;
  throw new RegistryError(
    'Unauthorized',
    credentials === undefined
      ? `${host} wants credentials for ${repository}`
      : `the token server of ${host} does not take the given credentials`,
  );
}

function tokenIn({ status, body }: RegistryAnswer): string | undefined {
  if (status !== 200) return undefined;
  const { token: plain, access_token: oauth } = jsonOf(body) as { readonly token?: unknown; readonly access_token?: unknown };
  return [plain, oauth].find((text): text is string => typeof text === 'string' && /^[\x21-\x7e]+$/.test(text));
}

/** The header for a name and a password (RFC 7617). */
export function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
