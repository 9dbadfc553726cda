import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createAuthority, issue } from '../../hack/controlplane/x509.ts';
import type { ClusterConfig, TlsIdentity } from './cluster-config.ts';
import { isNotFound, isTooLargeResourceVersion, isTooManyRequests, isTransient, KubeError } from './errors.ts';
import { restRequests } from './metrics.ts';
import { CannedServer } from './testing/canned-server.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { Transport } from './transport.ts';

const get = { method: 'GET', verb: 'GET', path: '/version' } as const;
const create = { method: 'POST', verb: 'CREATE', path: '/api/v1/pods', body: { kind: 'Pod' } } as const;

describe('a request', () => {
  it('names product, system and machine as Kubernetes clients do', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config, { product: 'modelwright/1.2.3' });
    const answer = transport.json(get);
    const request = await server.next();
    request.json({ major: '1' });
    assert.deepEqual(await answer, { major: '1' });
    assert.match(request.headers['user-agent'] ?? '', /^modelwright\/1\.2\.3 \((linux|darwin|win32)\/(amd64|arm64)\)$/);
    await transport.close();
  });

  it('goes below the path of the server URL', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport({ ...server.config, server: `${server.url}/k8s/clusters/c-1/` });
    const answer = transport.json(get);
    const request = await server.next();
    request.json({});
    await answer;
    assert.equal(request.url.pathname, '/k8s/clusters/c-1/version');
    await transport.close();
  });

  it('shares connections: a hundred requests, eight at a time, use at most eight', async () => {
    let connections = 0;
    const server = createHttpServer((_, response) => response.end('{}'));
    server.on('connection', () => connections++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const transport = new Transport(plain(`http://127.0.0.1:${port}`), { connections: 8 });
    await Promise.all(Array.from({ length: 100 }, () => transport.json(get)));
    assert.ok(connections <= 8, `${connections} connections`);
    await transport.close();
    server.close();
  });

  it('that had to wait for a connection is not written once writes are refused; reads go on', async () => {
    await using server = await CannedServer.start();
    let leads = true;
    const transport = new Transport(server.config, { connections: 1, mayWrite: () => leads });
    const first = transport.json(create);
    const held = await server.next();
    const queued = transport.json(create);
    const read = transport.json(get);
    leads = false;
    held.json({ kind: 'Pod' });
    assert.deepEqual(await first, { kind: 'Pod' });
    await assert.rejects(queued, { code: 'NOT_LEADER' });
    const next = await server.next();
    assert.equal(next.method, 'GET');
    next.json({ major: '1' });
    assert.deepEqual(await read, { major: '1' });
    leads = true;
    const again = transport.json(create);
    (await server.next()).json({});
    assert.deepEqual(await again, {});
    await transport.close();
  });

  it('is counted by code, method and host', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const answer = transport.json(get);
    (await server.next()).fail(404, 'NotFound');
    await assert.rejects(answer, isNotFound);
    const { values } = await restRequests.get();
    const counted = values.find(({ labels }) => labels.host === new URL(server.url).host);
    assert.deepEqual(counted, { labels: { code: '404', method: 'GET', host: new URL(server.url).host }, value: 1 });
    await transport.close();
  });

  it('ends with the reason of its signal', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const controller = new AbortController();
    const answer = transport.json({ ...get, signal: controller.signal });
    await server.next();
    controller.abort(new Error('enough'));
    await assert.rejects(answer, { message: 'enough' });
    await transport.close();
  });

  it('that is not answered in time fails as TIMEOUT, which is transient', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config, { timeoutMilliseconds: 50 });
    const answer = transport.json(create);
    await server.next();
    const error = await answer.catch((thrown) => thrown);
    assert.ok(error instanceof KubeError && isTransient(error));
    assert.equal(error.code, 'TIMEOUT');
    await transport.close();
  });

  it('whose answer is cut short fails as NETWORK or MALFORMED, never as half an object', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const answer = transport.json(create);
    const stream = (await server.next()).stream();
    stream.write('{"kind":"Pod","metadata":{');
    stream.destroy();
    await assert.rejects(answer, (error) => error instanceof KubeError && isTransient(error) && error.code === 'NETWORK');
    await transport.close();
  });

  it('says where and what failed, but no header, body or token', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport({
      ...server.config,
      credentials: async () => ({ headers: { authorization: 'Bearer canary' }, tls: {} }),
    });
    const answer = transport.json(create);
    const stream = (await server.next()).stream();
    stream.write('<html>canary</html>');
    stream.end();
    await assert.rejects(answer, { code: 'MALFORMED', message: /CREATE \/api\/v1\/pods is no JSON/ });
    await answer.catch((error) => assert.doesNotMatch(String(error), /canary/));
    await transport.close();
  });
});

describe('an answer that asks to come back later', () => {
  for (const [status, reason] of [
    [429, 'TooManyRequests'],
    [503, 'ServiceUnavailable'],
  ] as const) {
    it(`${status} with Retry-After waits that long and tries again, a create as well`, async () => {
      await using server = await CannedServer.start();
      const clock = new FakeClock();
      const transport = new Transport(server.config, { clock });
      const answer = transport.json(create);
      (await server.next()).fail(status, reason, reason, { 'retry-after': '7' });
      await clock.timer(7000);
      await clock.advance(7000);
      const second = await server.next();
      assert.equal(second.body, '{"kind":"Pod"}');
      second.json({ kind: 'Pod' });
      assert.deepEqual(await answer, { kind: 'Pod' });
      await transport.close();
    });
  }

  it('six times in a row is an error that carries the wait', async () => {
    await using server = await CannedServer.start();
    const clock = new FakeClock();
    const transport = new Transport(server.config, { clock });
    const answer = transport.json(get).catch((thrown) => thrown);
    for (let attempt = 1; attempt <= 6; attempt++) {
      (await server.next()).fail(429, 'TooManyRequests', 'slow down', { 'retry-after': '1' });
      if (attempt < 6) await clock.timer(1000);
      await clock.advance(1000);
    }
    const error = await answer;
    assert.ok(isTooManyRequests(error));
    assert.equal(error.retryAfterMilliseconds, 1000);
    assert.equal(server.untaken, 0);
    await transport.close();
  });

  it('because of a version that is yet to come is an error at once', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const answer = transport.json(get);
    (await server.next()).fail(504, 'Timeout', 'Too large resource version: 9, current: 5', { 'retry-after': '1' });
    await assert.rejects(answer, isTooLargeResourceVersion);
    await transport.close();
  });

  it('without Retry-After is an error at once', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const answer = transport.json(get);
    (await server.next()).fail(429, 'TooManyRequests');
    await assert.rejects(answer, isTooManyRequests);
    await transport.close();
  });

  it('stops waiting when the signal aborts', async () => {
    await using server = await CannedServer.start();
    const clock = new FakeClock();
    const transport = new Transport(server.config, { clock });
    const controller = new AbortController();
    const answer = transport.json({ ...get, signal: controller.signal });
    (await server.next()).fail(429, 'TooManyRequests', '', { 'retry-after': '9' });
    await clock.timer(9000);
    controller.abort(new Error('shutting down'));
    await assert.rejects(answer, { message: 'shutting down' });
    await transport.close();
  });
});

describe('a connection that breaks before the answer', () => {
  it('is tried once more for a read', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const answer = transport.json(get);
    (await server.next()).destroy();
    (await server.next()).json({ ok: true });
    assert.deepEqual(await answer, { ok: true });
    await transport.close();
  });

  it('is an error for a write, which may have happened', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const answer = transport.json(create);
    (await server.next()).destroy();
    await assert.rejects(answer, (error) => error instanceof KubeError && error.code === 'NETWORK');
    assert.equal(server.untaken, 0);
    await transport.close();
  });
});

describe('credentials', () => {
  it('are taken up within half a minute after they rotate', async () => {
    await using server = await CannedServer.start();
    const clock = new FakeClock();
    let token = 'one';
    const transport = new Transport({ ...server.config, credentials: async () => bearer(token) }, { clock });
    assert.equal(await authorizationOf(transport, server), 'Bearer one');
    token = 'two';
    assert.equal(await authorizationOf(transport, server), 'Bearer one');
    await clock.advance(30_000);
    assert.equal(await authorizationOf(transport, server), 'Bearer two');
    await transport.close();
  });

  it('are read once for all requests that wait for them', async () => {
    await using server = await CannedServer.start();
    let reads = 0;
    const credentials = async () => {
      reads += 1;
      return bearer('shared');
    };
    const transport = new Transport({ ...server.config, credentials });
    const answers = [1, 2, 3].map(() => transport.json(get));
    for (const _ of answers) (await server.next()).json({});
    await Promise.all(answers);
    assert.equal(reads, 1);
    await transport.close();
  });

  it('that are refused are renewed, and the request is sent again with the new ones', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport({ ...server.config, credentials: async (renew) => bearer(renew ? 'new' : 'old') });
    const answer = transport.json(create);
    (await server.next()).fail(401, 'Unauthorized');
    const second = await server.next();
    assert.equal(second.headers.authorization, 'Bearer new');
    second.json({});
    await answer;
    await transport.close();
  });

  it('that are refused for several requests at once are renewed once', async () => {
    await using server = await CannedServer.start();
    let renewals = 0;
    const credentials = async (renew?: boolean) => bearer(renew ? `new-${++renewals}` : 'old');
    const transport = new Transport({ ...server.config, credentials });
    const answers = [1, 2, 3].map(() => transport.json(get));
    const refused = [await server.next(), await server.next(), await server.next()];
    for (const request of refused) request.fail(401, 'Unauthorized');
    for (const _ of answers) {
      const again = await server.next();
      assert.equal(again.headers.authorization, 'Bearer new-1');
      again.json({});
    }
    await Promise.all(answers);
    await transport.close();
  });

  it('that stay refused are an error after one more try', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(server.config);
    const answer = transport.json(get);
    (await server.next()).fail(401, 'Unauthorized');
    (await server.next()).fail(401, 'Unauthorized');
    await assert.rejects(answer, (error) => error instanceof KubeError && error.status === 401);
    await transport.close();
  });

  it('that cannot be read fail the request and are read again by the next one', async () => {
    await using server = await CannedServer.start();
    let broken = true;
    const credentials = async () => {
      if (broken) throw new Error('the exec plugin failed');
      return bearer('fine');
    };
    const transport = new Transport({ ...server.config, credentials });
    await assert.rejects(transport.json(create), { code: 'CREDENTIALS', message: /the exec plugin failed/ });
    broken = false;
    assert.equal(await authorizationOf(transport, server), 'Bearer fine');
    await transport.close();
  });
});

describe('credentials that never come', () => {
  const hanging = (server: CannedServer) => ({ ...server.config, credentials: () => new Promise<never>(() => {}) });

  it('fail the request when its time is up, and are asked for again by the next', async () => {
    await using server = await CannedServer.start();
    const clock = new FakeClock();
    let asked = 0;
    const credentials = () => (++asked === 1 ? new Promise<never>(() => {}) : Promise.resolve(bearer('late')));
    const transport = new Transport({ ...server.config, credentials }, { clock });
    const answer = transport.json(create);
    await clock.timer(30_000);
    await Promise.all([assert.rejects(answer, { code: 'CREDENTIALS', message: /longer than 30000 ms/ }), clock.advance(30_000)]);
    assert.equal(await authorizationOf(transport, server), 'Bearer late');
    await transport.close();
  });

  it('do not hold up one that is aborted', async () => {
    await using server = await CannedServer.start();
    const transport = new Transport(hanging(server), { clock: new FakeClock() });
    const controller = new AbortController();
    const answer = transport.json({ ...create, signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(answer, { message: 'enough' });
    await transport.close();
  });
});

describe('TLS', () => {
  const commonName = 'test authority';
  const authority = { ...createAuthority(commonName), commonName };
  const clientOf = (name: string) => issue(authority, { commonName: name });

  it('shows the client certificate, and the new one after it changed', async () => {
    await using server = await tlsServer(authority);
    const clock = new FakeClock();
    let identity: TlsIdentity = { ca: authority.cert, ...clientOf('first') };
    const transport = new Transport(
      { server: server.url, namespace: 'default', credentials: async () => ({ headers: {}, tls: identity }) },
      { clock },
    );
    assert.deepEqual(await transport.json(get), { client: 'first' });
    identity = { ca: authority.cert, ...clientOf('second') };
    await clock.advance(30_000);
    assert.deepEqual(await transport.json(get), { client: 'second' });
    await transport.close();
  });

  it('refuses a server that another authority vouches for', async () => {
    await using server = await tlsServer(authority);
    const stranger = createAuthority('somebody else');
    const transport = new Transport({
      server: server.url,
      namespace: 'default',
      credentials: async () => ({ headers: {}, tls: { ca: stranger.cert } }),
    });
    await assert.rejects(transport.json(create), (error) => error instanceof KubeError && error.code === 'NETWORK');
    await transport.close();
  });

  it('goes through the proxy that the environment names, as a tunnel', async () => {
    await using server = await tlsServer(authority);
    const tunnels: string[] = [];
    await using proxy = await connectProxy(tunnels, new URL(server.url).port);
    const target = `https://api.example.com:${new URL(server.url).port}`;
    const tls = { ca: authority.cert, ...clientOf('tunnelled') };
    const transport = new Transport(
      { server: target, namespace: 'default', credentials: async () => ({ headers: {}, tls }) },
      { environment: { HTTPS_PROXY: proxy.url } },
    );
    assert.deepEqual(await transport.json(get), { client: 'tunnelled' });
    assert.deepEqual(tunnels, [new URL(target).host]);
    await transport.close();
  });
});

describe('a client-side rate limit', () => {
  it('lets the burst through and spaces out the rest', async () => {
    await using server = await CannedServer.start();
    const clock = new FakeClock();
    const transport = new Transport(server.config, { clock, rateLimit: { perSecond: 10, burst: 2 } });
    const answers = [1, 2, 3].map(() => transport.json(get));
    (await server.next()).json({});
    (await server.next()).json({});
    await clock.timer(100);
    assert.equal(server.untaken, 0);
    await clock.advance(100);
    (await server.next()).json({});
    await Promise.all(answers);
    await transport.close();
  });
});

function plain(server: string): ClusterConfig {
  return { server, namespace: 'default', credentials: async () => ({ headers: {}, tls: {} }) };
}

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` }, tls: {} };
}

async function authorizationOf(transport: Transport, server: CannedServer): Promise<string | undefined> {
  const answer = transport.json(get);
  const request = await server.next();
  request.json({});
  await answer;
  return request.headers.authorization;
}

/** An HTTPS server for localhost and api.example.com that says whose certificate it was shown. */
async function tlsServer(authority: { cert: string; key: string; commonName: string }) {
  const { cert, key } = issue(authority, { commonName: 'server', hosts: ['127.0.0.1', 'localhost', 'api.example.com'] });
  const server: Server = createServer(
    { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      response.end(JSON.stringify({ client: (request.socket as TLSSocket).getPeerCertificate().subject?.CN }));
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An HTTP proxy that notes each CONNECT and leads it to `port` on loopback. */
async function connectProxy(tunnels: string[], port: string) {
  const server = createHttpServer();
  const sockets = new Set<{ destroy(): void }>();
  server.on('connect', (request, client) => {
    tunnels.push(request.url ?? '');
    const upstream = connectSocket(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => socket.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
