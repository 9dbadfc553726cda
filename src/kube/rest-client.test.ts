import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';
import type { ResourceType } from './object.ts';
import { collectionPath, objectPath, RestClient } from './rest-client.ts';
import { aWidget, type Widget, widgets } from './testing/builders.ts';
import { type CannedRequest, CannedServer } from './testing/canned-server.ts';

const nodes: ResourceType = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
const key = { namespace: 'default', name: 'a' };
const base = '/apis/test.modelwright.dev/v1/namespaces/default/widgets';

/** Sends one request and gives it back, with what came of it when it is answered with `answer`. */
async function exchange<V>(
  use: (client: KubeClient) => Promise<V>,
  answer: unknown = aWidget('a'),
): Promise<{ readonly request: CannedRequest; readonly result: V }> {
  await using server = await CannedServer.start();
  const client = new RestClient(server.config);
  const result = use(client);
  const request = await server.next();
  request.json(answer);
  const settled = await result;
  await client.close();
  return { request, result: settled };
}

const queryOf = ({ url }: CannedRequest) => Object.fromEntries(url.searchParams);

describe('paths', () => {
  it('tell core from other groups, and cluster-scoped from namespaced types', () => {
    assert.equal(collectionPath(nodes), '/api/v1/nodes');
    assert.equal(collectionPath(widgets), '/apis/test.modelwright.dev/v1/widgets');
    assert.equal(collectionPath(widgets, 'team'), '/apis/test.modelwright.dev/v1/namespaces/team/widgets');
    assert.equal(objectPath(nodes, { name: 'n', namespace: 'ignored' }), '/api/v1/nodes/n');
    assert.equal(objectPath(widgets, key, 'status'), `${base}/a/status`);
  });

  it('encode names as they are, upper case and special characters too', () => {
    assert.equal(objectPath(nodes, { name: 'system:Node/x' }), '/api/v1/nodes/system%3ANode%2Fx');
  });

  it('of a namespaced object need its namespace', () => {
    assert.throws(() => objectPath(widgets, { name: 'a' }), /Widget "a" is namespaced, but no namespace is given/);
  });
});

describe('reading', () => {
  it('an object gives it as it is, unknown fields included', async () => {
    const odd = { ...aWidget('a'), spec: { size: 1, fieldOfTheFuture: { x: [1] } } };
    const { request, result } = await exchange((client) => client.get(widgets, key), odd);
    assert.equal(`${request.method} ${request.url.pathname}`, `GET ${base}/a`);
    assert.deepEqual(result, odd);
  });

  it('an object that is not there is NotFound', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    const result = client.get(widgets, key);
    (await server.next()).fail(404, 'NotFound', 'widgets "a" not found');
    await assert.rejects(result, (error) => isNotFound(error) && error.message === 'widgets "a" not found');
    await client.close();
  });

  it('a list fills in what items of built-in types leave out', async () => {
    const item = { metadata: { name: 'n' } };
    const { request, result } = await exchange(
      (client) =>
        client.list(nodes, {
          labelSelector: 'a=b',
          fieldSelector: 'x=y',
          limit: 5,
          resourceVersion: '7',
          resourceVersionMatch: 'NotOlderThan',
        }),
      { metadata: { resourceVersion: '9', continue: 'more' }, items: [item] },
    );
    assert.deepEqual(queryOf(request), {
      labelSelector: 'a=b',
      fieldSelector: 'x=y',
      limit: '5',
      resourceVersion: '7',
      resourceVersionMatch: 'NotOlderThan',
    });
    assert.deepEqual(result, { items: [{ ...item, apiVersion: 'v1', kind: 'Node' }], resourceVersion: '9', continueToken: 'more' });
  });

  it('pages one after the other, 500 objects each, naming the version in the first only', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    const names: string[] = [];
    const reading = (async () => {
      for await (const { items } of client.listPages(widgets, { resourceVersion: '3', namespace: 'team' }))
        names.push(...items.map(({ metadata }) => metadata.name));
    })();
    const first = await server.next();
    assert.deepEqual(queryOf(first), { limit: '500', resourceVersion: '3' });
    first.json({ metadata: { resourceVersion: '9', continue: 'more' }, items: [aWidget('a')] });
    const second = await server.next();
    assert.deepEqual(queryOf(second), { limit: '500', continue: 'more' });
    second.json({ metadata: { resourceVersion: '9' }, items: [aWidget('b')] });
    await reading;
    assert.deepEqual(names, ['a', 'b']);
    await client.close();
  });

  it('metadata asks for it alone', async () => {
    const one = await exchange((client) => client.getMetadata(widgets, key));
    assert.equal(one.request.headers.accept, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
    const many = await exchange((client) => client.listMetadata(widgets), { metadata: {}, items: [{ metadata: { name: 'a' } }] });
    assert.equal(many.request.headers.accept, 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1');
    assert.equal(many.result.items[0]?.kind, 'PartialObjectMetadata');
  });

  it('logs of a pod, of a container, the last lines, of its previous run', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    const logs = client.podLogs(key, { container: 'main', tailLines: 20, previous: true });
    const request = await server.next();
    assert.equal(request.url.pathname, '/api/v1/namespaces/default/pods/a/log');
    assert.deepEqual(queryOf(request), { container: 'main', tailLines: '20', previous: 'true' });
    const stream = request.stream();
    stream.write('line 1\nline 2\n');
    stream.end();
    assert.equal(await logs, 'line 1\nline 2\n');
    await client.close();
  });
});

describe('writing', () => {
  it('creates in the namespace of the object', async () => {
    const { request } = await exchange((client) => client.create(widgets, aWidget('a'), { fieldManager: 'me', dryRun: true }));
    assert.equal(`${request.method} ${request.url.pathname}`, `POST ${base}`);
    assert.deepEqual(queryOf(request), { fieldManager: 'me', dryRun: 'All' });
    assert.deepEqual(JSON.parse(request.body), aWidget('a'));
  });

  it('applies with its own media type, forced or not, to the object or its status', async () => {
    const { request } = await exchange((client) =>
      client.apply(widgets, aWidget('a'), { fieldManager: 'me', force: true, subresource: 'status' }),
    );
    assert.equal(`${request.method} ${request.url.pathname}`, `PATCH ${base}/a/status`);
    assert.deepEqual(queryOf(request), { fieldManager: 'me', force: 'true' });
    assert.equal(request.headers['content-type'], 'application/apply-patch+yaml');
  });

  for (const [kind, type] of [
    ['merge', 'application/merge-patch+json'],
    ['json', 'application/json-patch+json'],
    ['strategic', 'application/strategic-merge-patch+json'],
  ] as const) {
    it(`patches by ${type}`, async () => {
      const { request } = await exchange((client) => client.patch<Widget>(widgets, key, { spec: { size: 2 } }, { kind }));
      assert.equal(`${request.method} ${request.url.pathname}`, `PATCH ${base}/a`);
      assert.equal(request.headers['content-type'], type);
      assert.equal(request.body, '{"spec":{"size":2}}');
    });
  }

  it('replaces', async () => {
    const { request } = await exchange((client) => client.update(widgets, aWidget('a'), { subresource: 'status' }));
    assert.equal(`${request.method} ${request.url.pathname}`, `PUT ${base}/a/status`);
  });

  it('deletes with preconditions', async () => {
    const { request } = await exchange((client) =>
      client.delete(widgets, key, { uid: 'u', resourceVersion: '7', propagationPolicy: 'Foreground', gracePeriodSeconds: 0, dryRun: true }),
    );
    assert.equal(`${request.method} ${request.url.pathname}`, `DELETE ${base}/a`);
    assert.deepEqual(JSON.parse(request.body), {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'u', resourceVersion: '7' },
      propagationPolicy: 'Foreground',
      gracePeriodSeconds: 0,
      dryRun: ['All'],
    });
  });

  it('of a namespaced object needs its namespace', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    const homeless = { ...aWidget('a'), metadata: { name: 'a' } };
    await assert.rejects(client.create(widgets, homeless), /Widget "a" is namespaced, but has no metadata.namespace/);
    await assert.rejects(client.apply(widgets, homeless, { fieldManager: 'me' }), TypeError);
    assert.equal(server.untaken, 0);
    await client.close();
  });
});

describe('watching', () => {
  it('gives events until the server ends it, and closes the connection when nobody listens any more', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    const types: string[] = [];
    const watching = (async () => {
      for await (const event of client.watch(widgets, { resourceVersion: '5', namespace: 'default' })) {
        types.push(event.type);
        if (types.length === 2) break;
      }
    })();
    const request = await server.next();
    assert.deepEqual(queryOf(request), { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '5' });
    const stream = request.stream();
    stream.send({ type: 'ADDED', object: aWidget('a') }, { type: 'BOOKMARK', object: aWidget('') });
    await watching;
    await stream.closed;
    assert.deepEqual(types, ['ADDED', 'BOOKMARK']);
    await client.close();
  });

  for (const [what, line] of [
    ['no JSON', '<html>'],
    ['no event', '{"kind":"Status"}'],
  ] as const) {
    it(`fails on a line that is ${what}`, async () => {
      await using server = await CannedServer.start();
      const client = new RestClient(server.config);
      const watching = (async () => {
        for await (const _ of client.watch(widgets, { resourceVersion: '5' })) assert.fail('there was no event');
      })();
      (await server.next()).stream().write(`${line}\n`);
      await assert.rejects(watching, { code: 'MALFORMED' });
      await client.close();
    });
  }
});
