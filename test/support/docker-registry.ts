/**
 * A real container registry for tests: Debian's `docker-registry` (the reference implementation, github.com/distribution/distribution), on loopback, open,
 * with a password, or with a token server of our own; and what it needs to hold something.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { access, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createAuthority, issue, type KeyPair } from '../../hack/controlplane/x509.ts';
import { cacheFolder } from './python.ts';

const run = promisify(execFile);

/** Who may pull where a registry wants to know. */
export const account = { username: 'robot', password: 'correct-horse' } as const;
/** bcrypt of the password above, cost 5. */
const htpasswd = 'robot:$2y$05$abcdefghijklmnopqrstuuZ0Fx87Pb/Aqb0E90lfvCwzXnaFKUHpS\n';

/** The program, from PATH or unpacked from Debian's package into the cache; or the reason why it cannot be had. */
export async function registryProgram(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const unpacked = join(cacheFolder(), 'docker-registry', 'usr/bin/docker-registry');
  const candidates = [...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'docker-registry')), unpacked];
  for (const candidate of candidates) if (await isExecutable(candidate)) return { program: candidate };
  try {
    await unpack(join(cacheFolder(), 'docker-registry'));
    return { program: unpacked };
  } catch (error) {
    return { missing: `docker-registry is not on PATH, and Debian's package cannot be had: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** Unpacks the package without installing it: no service is started, and no right is needed but to read the package lists. */
async function unpack(folder: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'modelwright-registry-'));
  try {
    const download = () => run('apt-get', ['download', '-q', 'docker-registry'], { cwd: scratch });
    await download().catch(async () => {
      await run('apt-get', ['update', '-q']);
      return download();
    });
    const [archive = ''] = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['-x', archive, join(scratch, 'files')], { cwd: scratch });
    await mkdir(join(folder, '..'), { recursive: true });
    // Whoever comes second finds it there.
    await rename(join(scratch, 'files'), folder).catch(async (error) => {
      if (!(await isExecutable(join(folder, 'usr/bin/docker-registry')))) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const isExecutable = (file: string) =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

export interface RegistryOptions {
  /** Who may read and write. @default everybody */
  readonly auth?: 'Password' | 'Token';
  /** Serve https with a certificate of this authority. @default http */
  readonly authority?: KeyPair & { readonly commonName: string };
  /** Where its content is; give the folder of another to serve the same. @default its own */
  readonly root?: string;
  /** @default one that is free */
  readonly port?: number;
}

/** A registry in a process of its own. */
export class RegistryProcess implements AsyncDisposable {
  /** `127.0.0.1:PORT`, as image references name it. */
  readonly host: string;
  readonly port: number;
  readonly root: string;
  readonly tokens: TokenServer | undefined;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(parts: { port: number; root: string; folder: string; child: ChildProcess; tokens: TokenServer | undefined }) {
    this.port = parts.port;
    this.host = `127.0.0.1:${parts.port}`;
    this.root = parts.root;
    this.tokens = parts.tokens;
    this.#child = parts.child;
    this.#folder = parts.folder;
  }

  static async start(program: string, options: RegistryOptions = {}): Promise<RegistryProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'modelwright-registry-'));
    const root = options.root ?? join(folder, 'content');
    const port = options.port ?? (await freePort());
    const tokens = options.auth === 'Token' ? await TokenServer.start() : undefined;
    const file = async (name: string, text: string) => {
      await writeFile(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const server = options.authority && issue(options.authority, { commonName: 'registry', hosts: ['127.0.0.1', 'localhost'] });
    const configuration = {
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: root } },
      http: {
        addr: `127.0.0.1:${port}`,
        secret: 'for tests only',
        ...(server && { tls: { certificate: await file('tls.crt', server.cert), key: await file('tls.key', server.key) } }),
      },
      ...(options.auth === 'Password' && { auth: { htpasswd: { realm: 'registry', path: await file('htpasswd', htpasswd) } } }),
      ...(tokens && {
        auth: {
          token: {
            realm: tokens.realm,
            service: tokens.service,
            issuer: tokens.issuer,
            rootcertbundle: await file('tokens.crt', tokens.certificate),
          },
        },
      }),
    };
    // JSON is YAML.
    const child = spawn(program, ['serve', await file('config.yml', JSON.stringify(configuration))], { stdio: 'ignore' });
    // Also where a test file ends without its clean-up.
    process.once('exit', () => child.kill());
    const registry = new RegistryProcess({ port, root, folder, child, tokens });
    await registry.#listens();
    return registry;
  }

  async #listens(): Promise<void> {
    const probe = () =>
      fetch(`http://${this.host}/v2/`).then(
        () => true,
        () => false,
      );
    for (let tries = 0; tries < 300; tries++) {
      if (this.#child.exitCode !== null) throw new Error(`docker-registry ended with exit code ${this.#child.exitCode}`);
      if (await probe()) return;
      await sleep(100);
    }
    throw new Error('docker-registry does not listen');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await exit;
    }
    await this.tokens?.[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';

/** Puts images into an open registry, as `docker push` does. Each differs from every other by its configuration. */
export class Pusher {
  readonly #registry: RegistryProcess;
  readonly #repository: string;

  constructor(registry: RegistryProcess, repository: string) {
    this.#registry = registry;
    this.#repository = repository;
  }

  /** Pushes an image for one platform, and gives the digest of its manifest. */
  async image(tag: string | undefined, { architecture = 'amd64', mediaType = ociManifest } = {}): Promise<string> {
    const config = JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [] }, created: randomUUID() });
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: await this.#blob(config), size: config.length },
      layers: [],
    };
    return this.#manifest(tag, manifest, mediaType);
  }

  /** Pushes an index of images for these architectures, and an attestation as build tools add one. */
  async index(tag: string, architectures: readonly string[]): Promise<{ readonly index: string; readonly images: readonly string[] }> {
    const images: string[] = [];
    for (const architecture of architectures) images.push(await this.image(undefined, { architecture }));
    const attestation = await this.image(undefined, { architecture: 'unknown' });
    const manifests = [
      ...images.map((digest, at) => ({
        mediaType: ociManifest,
        digest,
        size: 1,
        platform: { os: 'linux', architecture: architectures[at] },
      })),
      { mediaType: ociManifest, digest: attestation, size: 1, platform: { os: 'unknown', architecture: 'unknown' } },
    ];
    return { index: await this.#manifest(tag, { schemaVersion: 2, mediaType: ociIndex, manifests }, ociIndex), images };
  }

  async #blob(text: string): Promise<string> {
    const base = `http://${this.#registry.host}`;
    const begun = await this.#request('POST', `${base}/v2/${this.#repository}/blobs/uploads/`);
    const url = new URL(begun.headers.get('location') ?? '', base);
    const digest = digestOf(text);
    url.searchParams.set('digest', digest);
    await this.#request('PUT', url.href, text, 'application/octet-stream');
    return digest;
  }

  async #manifest(tag: string | undefined, manifest: object, mediaType: string): Promise<string> {
    const text = JSON.stringify(manifest);
    const digest = digestOf(text);
    await this.#request('PUT', `http://${this.#registry.host}/v2/${this.#repository}/manifests/${tag ?? digest}`, text, mediaType);
    return digest;
  }

  async #request(method: string, url: string, body?: string, contentType?: string): Promise<Response> {
    const response = await fetch(url, {
      method,
      ...(body !== undefined && { body }),
      ...(contentType !== undefined && { headers: { 'content-type': contentType } }),
    });
    if (!response.ok) throw new Error(`${method} ${url}: HTTP status ${response.status}: ${await response.text()}`);
    return response;
  }
}

/** Gives tokens to whoever has the password, as registries' token servers do (distribution/spec/auth/token). */
export class TokenServer implements AsyncDisposable {
  readonly service = 'test-registry';
  readonly issuer = 'test-tokens';
  readonly realm: string;
  readonly certificate: string;
  /** What was asked for, newest last: the query, or the form, and whether a password came with it. */
  readonly requests: { readonly method: string; readonly fields: URLSearchParams; readonly authorization: string | undefined }[] = [];
  /** Where set, the status of every answer, with Retry-After 7. */
  status: number | undefined;
  readonly #server: Server;
  readonly #keys: KeyPair;

  private constructor(server: Server, keys: KeyPair) {
    this.#server = server;
    this.#keys = keys;
    this.certificate = keys.cert;
    this.realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  }

  static async start(): Promise<TokenServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tokens = new TokenServer(server, createAuthority('test-tokens'));
    server.on('request', async (request: IncomingMessage, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const fields = request.method === 'POST' ? new URLSearchParams(body) : new URL(request.url ?? '', tokens.realm).searchParams;
      const { authorization } = request.headers;
      tokens.requests.push({ method: request.method ?? '', fields, authorization });
      const expected = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`;
      const isKnown = authorization === expected || fields.get('refresh_token') === account.password;
      const status = tokens.status ?? (isKnown || authorization === undefined ? 200 : 401);
      response.writeHead(status, { 'content-type': 'application/json', ...(status === 429 && { 'retry-after': '7' }) });
      // Somebody without a name gets a token that opens nothing, as Docker Hub does.
      response.end(
        JSON.stringify(status === 200 ? { token: tokens.#token(isKnown ? (fields.get('scope') ?? '') : '') } : { details: 'no' }),
      );
    });
    return tokens;
  }

  #token(scope: string): string {
    const [type, name, actions = ''] = scope.split(':');
    const now = Math.floor(Date.now() / 1000);
    const chain = [new X509Certificate(this.#keys.cert).raw.toString('base64')];
    const parts = [
      { typ: 'JWT', alg: 'ES256', x5c: chain },
      {
        iss: this.issuer,
        sub: account.username,
        aud: this.service,
        iat: now - 10,
        nbf: now - 10,
        exp: now + 300,
        jti: randomUUID(),
        access: scope === '' ? [] : [{ type, name, actions: actions.split(',') }],
      },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const signature = sign('sha256', Buffer.from(parts.join('.')), { key: createPrivateKey(this.#keys.key), dsaEncoding: 'ieee-p1363' });
    return `${parts.join('.')}.${signature.toString('base64url')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

/** The data of a pull secret for a registry, as the API server gives it. */
export function pullSecretData(host: string, { username, password }: typeof account | { username: string; password: string } = account) {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  return { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { [host]: { auth } } })).toString('base64') };
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
