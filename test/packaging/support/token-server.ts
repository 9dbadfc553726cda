/** Stands for Microsoft Entra ID: gives tokens that Azurite takes, and keeps what it was asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export const tenant = '11111111-2222-3333-4444-555555555555';
export const client = '66666666-7777-8888-9999-000000000000';

export interface TokenServer extends AsyncDisposable {
  /** What AZURE_AUTHORITY_HOST is to be. */
  readonly authority: string;
  /** Every request, in order. */
  asked: { readonly path: string; readonly body: URLSearchParams }[];
  /** What it answers: seconds that its tokens live, and the status. */
  answer: { status: number; lifetime: number };
}

export async function startTokenServer(): Promise<TokenServer> {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    tokens.asked.push({ path: request.url ?? '', body: new URLSearchParams(text) });
    const { status, lifetime } = tokens.answer;
    response.writeHead(status, { 'content-type': 'application/json' });
    const token = { access_token: jwt(lifetime), expires_in: lifetime };
    response.end(JSON.stringify(status === 200 ? token : { error: 'invalid_client' }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const tokens: TokenServer = {
    authority: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    asked: [],
    answer: { status: 200, lifetime: 3600 },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return tokens;
}

/** A token that Azurite takes: it checks audience, issuer and times, and not the signature. */
function jwt(lifetime: number): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    aud: 'https://storage.azure.com',
    iss: `https://sts.windows.net/${tenant}/`,
    iat: now,
    nbf: now - 60,
    exp: now + lifetime,
    oid: client,
    tid: tenant,
  };
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.from('unsigned').toString('base64url')}`;
}
