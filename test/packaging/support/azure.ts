/**
 * Azure Blob as the SDK and KServe see it: Azurite behind a TLS front that listens on port 443 of a loopback address, and names of
 * accounts (`modelwright.blob.core.windows.net` …) that resolve to it. The front can be told to misbehave.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import dns from 'node:dns';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer, request as requestTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { freePort } from './free-port.ts';

const run = promisify(execFile);

export const account = 'modelwright';
export const hosts = {
  Public: `${account}.blob.core.windows.net`,
  China: `${account}.blob.core.chinacloudapi.cn`,
  USGovernment: `${account}.blob.core.usgovcloudapi.net`,
} as const;

/** Decides about a request before it is forwarded: true when it was answered (or its connection destroyed). */
export type Misbehave = (incoming: IncomingMessage, response: ServerResponse, body: Buffer, forward: Forward) => boolean | Promise<boolean>;
/** Sends the request on, with another body if given, and returns Azurite's answer. */
export type Forward = (body?: Buffer) => Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>;

export interface Azure extends AsyncDisposable {
  readonly key: string;
  /** Certificate authority of the front, PEM. */
  readonly caFile: string;
  /** Folder with the certificate and a `sitecustomize.py` that resolves the account names, for Python. */
  readonly folder: string;
  /** Address that the account names resolve to. */
  readonly address: string;
  /** Azurite itself, plain HTTP with the account in the path. */
  readonly plainUrl: string;
  misbehave: Misbehave | undefined;
  /** Environment for a child process that is to see the account names. */
  environment(): NodeJS.ProcessEnv;
  container(name: string): ContainerClient;
}

/**
 * Starts Azurite and the front, and makes this process resolve and trust the account names.
 *
 * @param tls Azurite speaks TLS itself, as it must for signatures that hold for https only, and takes bearer tokens (whose issuer, audience
 *   and times it checks, not their signature); `plainUrl` is of no use then.
 */
export async function startAzure({ tls: overTls = false }: { readonly tls?: boolean } = {}): Promise<Azure> {
  const folder = await mkdtemp(join(tmpdir(), 'modelwright-azure-'));
  const key = Buffer.alloc(64, 7).toString('base64');
  const caFile = await makeCertificate(folder);
  const blobPort = await freePort();
  const azurite = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('../../../node_modules/azurite/dist/src/blob/main.js', import.meta.url)),
      '--location',
      folder,
      '--blobHost',
      '127.0.0.1',
      '--blobPort',
      String(blobPort),
      '--silent',
      '--skipApiVersionCheck',
      '--disableTelemetry',
      ...(overTls ? ['--cert', join(folder, 'server.crt'), '--key', join(folder, 'server.key'), '--oauth', 'basic'] : []),
    ],
    { env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await listening(blobPort, azurite, overTls);

  // Every test process takes an address of its own: port 443 cannot be chosen freely.
  const address = `127.${1 + (process.pid % 200)}.${Math.floor(Math.random() * 250)}.77`;
  const azure: Azure = {
    key,
    caFile,
    folder,
    address,
    plainUrl: `http://127.0.0.1:${blobPort}/${account}`,
    misbehave: undefined,
    environment: () => ({
      ...process.env,
      NODE_EXTRA_CA_CERTS: caFile,
      SSL_CERT_FILE: caFile,
      REQUESTS_CA_BUNDLE: caFile,
      MODELWRIGHT_TEST_ADDRESS: address,
      PYTHONPATH: folder,
      NODE_OPTIONS: `--import=${new URL('./resolve-accounts.mjs', import.meta.url).href}`,
    }),
    container: (name) => new ContainerClient(`https://${hosts.Public}/${name}`, new StorageSharedKeyCredential(account, key)),
    async [Symbol.asyncDispose]() {
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
      await stop(azurite);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await writeFile(join(folder, 'sitecustomize.py'), pythonResolver);
  const front = createServer(
    { cert: await readFile(join(folder, 'server.crt')), key: await readFile(join(folder, 'server.key')) },
    (incoming, response) => {
      serve(azure, blobPort, overTls, incoming, response).catch(() => response.destroy());
    },
  );
  await new Promise<void>((resolve, reject) => front.once('error', reject).listen(443, address, resolve));
  resolveHere(address);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), await readFile(caFile, 'utf8')]);
  return azure;
}

async function serve(azure: Azure, port: number, overTls: boolean, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const original = Buffer.concat(chunks);
  const forward: Forward = (body = original) =>
    new Promise((resolve, reject) => {
      const outgoing = (overTls ? requestTls : request)(
        {
          rejectUnauthorized: false,
          host: '127.0.0.1',
          port,
          method: incoming.method,
          path: incoming.url,
          headers: { ...incoming.headers, 'content-length': body.length },
        },
        async (answer) => {
          const parts: Buffer[] = [];
          for await (const part of answer) parts.push(part as Buffer);
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) });
        },
      );
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  if (azure.misbehave !== undefined && (await azure.misbehave(incoming, response, original, forward))) return;
  const answer = await forward();
  delete answer.headers['transfer-encoding'];
  // For HEAD the length describes a body that is not sent.
  response.writeHead(
    answer.status,
    incoming.method === 'HEAD' ? answer.headers : { ...answer.headers, 'content-length': answer.body.length },
  );
  response.end(answer.body);
}

/** Makes `dns.lookup` of this process answer the account names with the front's address. */
function resolveHere(address: string): void {
  const real = dns.lookup;
  const lookup = (host: string, options: unknown, callback?: unknown) => {
    const done = (typeof options === 'function' ? options : callback) as (error: null, found: unknown, family?: number) => void;
    if (!/\.blob\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/.test(host)) {
      return (real as unknown as (...values: unknown[]) => void)(host, options, callback);
    }
    const all = typeof options === 'object' && options !== null && 'all' in options && options.all === true;
    process.nextTick(() => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)));
  };
  dns.lookup = lookup as unknown as typeof dns.lookup;
}

async function makeCertificate(folder: string): Promise<string> {
  const file = (name: string) => join(folder, name);
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=modelwright test CA',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
  ]);
  await run('openssl', [
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=blob',
    '-keyout',
    file('server.key'),
    '-out',
    file('server.csr'),
  ]);
  await writeFile(
    file('names'),
    `subjectAltName=${Object.values(hosts)
      .map((host) => `DNS:${host}`)
      .join(',')}\n`,
  );
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    file('server.csr'),
    '-CA',
    file('ca.crt'),
    '-CAkey',
    file('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    file('names'),
    '-out',
    file('server.crt'),
  ]);
  return file('ca.crt');
}

async function listening(port: number, child: ChildProcess, overTls: boolean): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 100) {
    if (child.exitCode !== null) throw new Error('Azurite ended');
    const up = await new Promise<boolean>((resolve) => {
      const probe = (overTls ? requestTls : request)({ host: '127.0.0.1', port, rejectUnauthorized: false }, (answer) => {
        answer.resume();
        resolve(true);
      });
      probe.once('error', () => resolve(false)).end();
    });
    if (up) return;
    await sleep(100);
  }
  throw new Error('Azurite does not answer');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

const pythonResolver = `import os, socket
_real = socket.getaddrinfo
def _getaddrinfo(host, port, *rest, **named):
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and ".blob.core." in name:
        host = os.environ["MODELWRIGHT_TEST_ADDRESS"]
    return _real(host, port, *rest, **named)
socket.getaddrinfo = _getaddrinfo
`;
