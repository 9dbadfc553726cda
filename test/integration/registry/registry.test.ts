/** The registry client against Debian's docker-registry: open, with a password, with a token server, over TLS; and against a server that does what that one never does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createAuthority } from '../../../hack/controlplane/x509.ts';
import type { RegistryCause } from '../../../src/api/serving-platform/registry-cause.ts';
import { RegistryClient, type RegistryClientOptions } from '../../../src/registry/client.ts';
import { credentialsFor, readPullSecret } from '../../../src/registry/credentials.ts';
import { RegistryError } from '../../../src/registry/error.ts';
import { account, dockerManifest, Pusher, pullSecretData, RegistryProcess, registryProgram } from '../../support/docker-registry.ts';

const found = await registryProgram();
const program = 'program' in found ? found.program : '';
const skip = 'missing' in found ? found.missing : false;

const failsWith =
  (code: RegistryCause, words = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof RegistryError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    assert.doesNotMatch(error.message, new RegExp(account.password));
    return true;
  };

/** A client whose administrator named these hosts. */
const clientFor = (hosts: readonly string[], options: RegistryClientOptions = {}) =>
  new RegistryClient({ registries: hosts.map((host) => ({ host })), environment: {}, ...options });

const credentialsIn = (
  host: string,
  who: { username: string; password: string } = account,
): NonNullable<RegistryClientOptions['credentials']> => {
  const secret = readPullSecret(pullSecretData(host, who));
  assert.ok(secret);
  return (asked, repository) => credentialsFor(secret, asked, repository);
};

describe('a registry', { skip }, () => {
  let open: RegistryProcess;
  let single = '';
  let docker = '';
  let several: { readonly index: string; readonly images: readonly string[] };

  before(async () => {
    open = await RegistryProcess.start(program);
    const pusher = new Pusher(open, 'team/server');
    single = await pusher.image('1.0');
    docker = await pusher.image('docker', { architecture: 'arm64', mediaType: dockerManifest });
    several = await pusher.index('2.0', ['amd64', 'arm64']);
  });
  after(() => open?.[Symbol.asyncDispose]());

  it('gives the digest of an image, and the platform in its configuration', async () => {
    const client = clientFor([open.host]);
    assert.deepEqual(await client.resolve(`${open.host}/team/server:1.0`), { digest: single, platforms: ['linux/amd64'] });
    assert.deepEqual(await client.resolve(`${open.host}/team/server:docker`), { digest: docker, platforms: ['linux/arm64'] });
    assert.deepEqual(await client.resolve(`${open.host}/team/server@${single}`), { digest: single, platforms: ['linux/amd64'] });
    await client.probe(`${open.host}/team/server:1.0`);
    await client.close();
  });

  it('gives the index of an image for several platforms, or the image for one of them', async () => {
    const client = clientFor([open.host]);
    const image = `${open.host}/team/server:2.0`;
    assert.deepEqual(await client.resolve(image), { digest: several.index, platforms: ['linux/amd64', 'linux/arm64'] });
    assert.deepEqual(await client.resolve(image, { platform: 'linux/arm64' }), { digest: several.images[1], platforms: ['linux/arm64'] });
    await assert.rejects(
      client.resolve(image, { platform: 'linux/s390x' }),
      failsWith('NoSuchPlatform', /not for linux\/s390x, only for linux\/amd64, linux\/arm64/),
    );
    await assert.rejects(client.resolve(`${open.host}/team/server:1.0`, { platform: 'linux/arm64' }), failsWith('NoSuchPlatform'));
    await client.close();
  });

  it('says which of tag and repository is not there', async () => {
    const client = clientFor([open.host]);
    for (const ask of [client.resolve.bind(client), client.probe.bind(client)]) {
      await assert.rejects(ask(`${open.host}/team/server:9.9`), failsWith('NoSuchTag', /has no tag 9\.9 in team\/server/));
      await assert.rejects(ask(`${open.host}/team/nothing:1.0`), failsWith('NoSuchRepository', /has no repository team\/nothing/));
      await assert.rejects(ask(`${open.host}/team/server@sha256:${'0'.repeat(64)}`), failsWith('NoSuchTag', /has no digest/));
    }
    await assert.rejects(client.tags(`${open.host}/team/nothing`), failsWith('NoSuchRepository'));
    await client.close();
  });

  it('lists every tag, over as many pages as it takes', async () => {
    const pusher = new Pusher(open, 'team/many');
    const digest = await pusher.image('0');
    const manifest = await (
      await fetch(`http://${open.host}/v2/team/many/manifests/${digest}`, {
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      })
    ).text();
    const names = Array.from({ length: 1100 }, (_, at) => String(at));
    for (let at = 1; at < names.length; at += 50) {
      const put = (tag: string) =>
        fetch(`http://${open.host}/v2/team/many/manifests/${tag}`, {
          method: 'PUT',
          body: manifest,
          headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
        });
      await Promise.all(names.slice(at, at + 50).map(put));
    }
    const client = clientFor([open.host]);
    const tags = await client.tags(`${open.host}/team/many`);
    assert.deepEqual(tags.toSorted(), names.toSorted());
    await client.close();
  });

  it('is not asked at a loopback address that no administrator named', async () => {
    const client = clientFor([]);
    await assert.rejects(client.resolve(`${open.host}/team/server:1.0`), failsWith('HostRefused', /spec\.registries/));
    await assert.rejects(client.resolve(`localhost:${open.port}/team/server:1.0`), failsWith('HostRefused'));
    await client.close();
  });

  it('is asked for a token, with and without a password', async () => {
    await using guarded = await RegistryProcess.start(program, { auth: 'Token', root: open.root });
    const image = `${guarded.host}/team/server:1.0`;
    const known = clientFor([guarded.host], { credentials: credentialsIn(guarded.host) });
    assert.equal((await known.resolve(image)).digest, single);
    assert.deepEqual((await known.tags(image)).toSorted(), ['1.0', '2.0', 'docker']);
    const [asked, ...others] = guarded.tokens?.requests ?? [];
    assert.equal(asked?.fields.get('scope'), 'repository:team/server:pull');
    assert.equal(asked.fields.get('service'), 'test-registry');
    assert.equal(others.length, 0, 'one token does for one repository');

    const nobody = clientFor([guarded.host]);
    await assert.rejects(nobody.resolve(image), failsWith('Unauthorized', /wants credentials for team\/server/));
    const stranger = clientFor([guarded.host], { credentials: credentialsIn(guarded.host, { username: 'robot', password: 'wrong' }) });
    await assert.rejects(stranger.resolve(image), failsWith('Unauthorized', /token server .* does not take/));
    const refreshing = clientFor([guarded.host], {
      credentials: () => ({ username: '<token>', password: '', identityToken: account.password }),
    });
    assert.equal((await refreshing.resolve(image)).digest, single);
    assert.equal(guarded.tokens?.requests.at(-1)?.method, 'POST');
    assert.ok(guarded.tokens);
    guarded.tokens.status = 429;
    const limited = clientFor([guarded.host], { credentials: credentialsIn(guarded.host) });
    await assert.rejects(
      limited.resolve(image),
      (error) => failsWith('RateLimited')(error) && (error as RegistryError).retryAfterMilliseconds === 7000,
    );
    await Promise.all([known, nobody, stranger, refreshing, limited].map((client) => client.close()));
  });

  it('is shown a password where it wants one', async () => {
    await using guarded = await RegistryProcess.start(program, { auth: 'Password', root: open.root });
    const image = `${guarded.host}/team/server:1.0`;
    const known = clientFor([guarded.host], { credentials: credentialsIn(guarded.host) });
    assert.equal((await known.resolve(image)).digest, single);
    const nobody = clientFor([guarded.host]);
    await assert.rejects(nobody.resolve(image), failsWith('Unauthorized', /wants credentials/));
    await assert.rejects(nobody.probe(image), failsWith('Unauthorized'));
    const stranger = clientFor([guarded.host], { credentials: credentialsIn(guarded.host, { username: 'robot', password: 'wrong' }) });
    await assert.rejects(stranger.tags(image), failsWith('Unauthorized', /does not let the given credentials/));
    await Promise.all([known, nobody, stranger].map((client) => client.close()));
  });

  it('is believed over TLS only with an authority that is trusted', async () => {
    const authority = { commonName: 'registry-authority', ...createAuthority('registry-authority') };
    await using secure = await RegistryProcess.start(program, { authority, root: open.root });
    const image = `${secure.host}/team/server:1.0`;
    const named = (settings: object) => new RegistryClient({ registries: [{ host: secure.host, ...settings }], environment: {} });
    const trusting = named({ authorities: authority.cert });
    assert.equal((await trusting.resolve(image)).digest, single);
    const strict = named({ plainHttp: false });
    await assert.rejects(strict.resolve(image), failsWith('TLS', /certificate .* is not trusted \((UNABLE|SELF|DEPTH)/));
    const other = named({ authorities: createAuthority('somebody-else').cert });
    await assert.rejects(other.resolve(image), failsWith('TLS'));
    await Promise.all([trusting, strict, other].map((client) => client.close()));
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers as the test says, for what a well-behaved registry does not show. */
async function server(answer: Answer) {
  const listening = createServer(answer).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    host: `127.0.0.1:${(listening.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections();
      await new Promise((done) => listening.close(done));
    },
  };
}

describe('what a registry may not do', () => {
  const asked = async (answer: Answer, options: RegistryClientOptions = {}) => {
    await using one = await server(answer);
    const client = clientFor([one.host], options);
    try {
      return await client.resolve(`${one.host}/a/b:1`);
    } finally {
      await client.close();
    }
  };

  it('have credentials carried to where it redirects', async () => {
    const seen: (string | undefined)[] = [];
    await using elsewhere = await server((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    const answer: Answer = ({ headers }, response) => {
      if (headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      else response.writeHead(307, { location: `http://${elsewhere.host}/there` }).end();
    };
    await assert.rejects(asked(answer, { credentials: () => account }), failsWith('NoSuchRepository'));
    assert.ok(seen.length > 0);
    assert.ok(seen.every((authorization) => authorization === undefined));
  });

  it('lead to a metadata service, by redirect or by token server', async () => {
    const redirect: Answer = (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    await assert.rejects(asked(redirect), failsWith('HostRefused', /169\.254\.169\.254/));
    const challenge: Answer = (_, response) =>
      void response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://10.0.0.1/token",service="s"' }).end();
    await assert.rejects(asked(challenge), failsWith('HostRefused', /10\.0\.0\.1/));
  });

  it('redirect without end, or to another protocol', async () => {
    await assert.rejects(
      asked((request, response) => void response.writeHead(302, { location: `${request.url}x` }).end()),
      failsWith('Malformed', /without end/),
    );
    await assert.rejects(
      asked((_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end()),
      failsWith('Malformed', /not https/),
    );
  });

  it('answer with other content than its digest says, with too much, or with none', async () => {
    const manifest = JSON.stringify({ schemaVersion: 2, config: { digest: `sha256:${'0'.repeat(64)}` }, layers: [] });
    const digest = `sha256:${'1'.repeat(64)}`;
    const forged: Answer = (_, response) => void response.writeHead(200, { 'docker-content-digest': digest }).end(manifest);
    await assert.rejects(asked(forged), failsWith('Malformed', /another digest/));
    await assert.rejects(
      asked((_, response) => void response.writeHead(200).end(Buffer.alloc(5 << 20))),
      failsWith('Malformed', /more than/),
    );
    await assert.rejects(
      asked((_, response) => void response.writeHead(200).end('<html>')),
      failsWith('Malformed', /no JSON/),
    );
    const old: Answer = (_, response) => void response.writeHead(200).end(JSON.stringify({ schemaVersion: 1, fsLayers: [] }));
    await assert.rejects(asked(old), failsWith('Malformed', /schema 1/));
  });

  it('keep us waiting', async () => {
    await assert.rejects(
      asked(() => undefined, { timeoutMilliseconds: 200 }),
      failsWith('Timeout', /did not answer in time/),
    );
  });

  it('hide that it limits, or that it is ill', async () => {
    const limiting: Answer = (_, response) =>
      void response.writeHead(429, { 'retry-after': '30' }).end('{"errors":[{"code":"TOOMANYREQUESTS"}]}');
    await assert.rejects(
      asked(limiting),
      (error) => failsWith('RateLimited')(error) && (error as RegistryError).retryAfterMilliseconds === 30_000,
    );
    await assert.rejects(
      asked((_, response) => void response.writeHead(503).end()),
      failsWith('Unreachable', /503/),
    );
  });

  it('be a name that nobody knows, or a port that nobody listens at', async () => {
    const closed = createTcpServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    const client = clientFor([`127.0.0.1:${port}`, 'no-such-registry.invalid']);
    await assert.rejects(client.resolve(`127.0.0.1:${port}/a:1`), failsWith('Unreachable', /ECONNREFUSED/));
    await assert.rejects(client.resolve('no-such-registry.invalid/a:1'), failsWith('DNS', /not known to DNS/));
    await client.close();
  });

  it('outlast the caller: who stops waiting is not told of a time-out', async () => {
    const stop = new AbortController();
    await using silent = await server(() => stop.abort(new Error('enough')));
    const client = clientFor([silent.host]);
    await assert.rejects(client.resolve(`${silent.host}/a/b:1`, {}, stop.signal), /enough/);
    await client.close();
  });
});
