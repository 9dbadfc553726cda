import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Applier } from './apply.ts';
import { isConflict, KubeError } from './errors.ts';
import type { Stored } from './object.ts';
import { ObjectStore } from './object-store.ts';
import { prune } from './prune.ts';
import { RestClient } from './rest-client.ts';
import { aWidget, type Widget, widgets } from './testing/builders.ts';
import { CannedServer } from './testing/canned-server.ts';

const desired = {
  apiVersion: 'test.modelwright.dev/v1',
  kind: 'Widget',
  metadata: { name: 'a', namespace: 'default', labels: { app: 'x' } },
  spec: { size: 1 },
};

/** The widget as the server would have it after `desired` was applied; `more` is what others did. */
function applied(
  resourceVersion: string,
  more: { readonly spec?: object; readonly metadata?: object; readonly status?: object } = {},
): Stored<Widget> {
  return aWidget('a', {
    ...more,
    spec: { size: 1, ...more.spec },
    metadata: {
      resourceVersion,
      labels: { app: 'x' },
      ...ownedBy({ 'f:size': {} }),
      ...more.metadata,
    } as object,
  });
}

/** managedFields of an object whose label and these fields of the specification we applied. */
function ownedBy(spec: object) {
  const fieldsV1 = { 'f:metadata': { 'f:labels': { 'f:app': {} } }, 'f:spec': spec };
  return { managedFields: [{ manager: 'modelwright', operation: 'Apply', apiVersion: 'test.modelwright.dev/v1', fieldsV1 }] };
}

async function aScene() {
  const server = await CannedServer.start();
  const client = new RestClient(server.config);
  const store = new ObjectStore<Widget>(widgets);
  store.replace([], '1');
  return {
    server,
    store,
    applier: new Applier({ client }),
    /** What the watch would do on hearing of `object`. */
    hear: (object: Stored<Widget>) => store.put(prune(structuredClone(object), 'modelwright')),
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('applying', () => {
  it('an object that is not there sends all of it, by force, under our name', async () => {
    await using scene = await aScene();
    const outcome = scene.applier.apply(scene.store, desired);
    const request = await scene.server.next();
    assert.equal(request.method, 'PATCH');
    assert.equal(request.url.pathname, '/apis/test.modelwright.dev/v1/namespaces/default/widgets/a');
    assert.deepEqual(Object.fromEntries(request.url.searchParams), { fieldManager: 'modelwright', force: 'true' });
    assert.equal(request.headers['content-type'], 'application/apply-patch+yaml');
    assert.deepEqual(JSON.parse(request.body), desired);
    request.json(applied('5'));
    assert.equal((await outcome).written, true);
  });

  it('an object that is as desired sends nothing, also in a new process', async () => {
    await using scene = await aScene();
    scene.hear(applied('5', { spec: { color: 'red' }, status: { ready: true } }));
    assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
  });

  for (const [what, live] of [
    ['a value was changed', applied('6', { spec: { size: 2 } })],
    ['a label was removed', applied('6', { metadata: { labels: {} } })],
    [
      'we own a field that is desired no more',
      applied('6', { spec: { color: 'red' }, metadata: ownedBy({ 'f:size': {}, 'f:color': {} }) }),
    ],
    ['nobody has applied it yet', applied('6', { metadata: { managedFields: [] } })],
  ] as const) {
    it(`writes where ${what}, to this very object`, async () => {
      await using scene = await aScene();
      scene.hear(live);
      const outcome = scene.applier.apply(scene.store, desired);
      const request = await scene.server.next();
      assert.equal(JSON.parse(request.body).metadata.uid, 'uid-a');
      request.json(applied('7'));
      assert.equal((await outcome).written, true);
    });
  }

  it('twice before the cache has heard of the first sends it once', async () => {
    await using scene = await aScene();
    const first = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).json(applied('5'));
    await first;
    assert.deepEqual(await scene.applier.apply(scene.store, desired), { written: false, object: undefined });
    scene.store.advance('4');
    assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
  });

  it('again after it was deleted behind our back writes it again', async () => {
    await using scene = await aScene();
    const first = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).json(applied('5'));
    await first;
    scene.hear(applied('5'));
    scene.store.remove({ namespace: 'default', name: 'a' }, applied('8'));
    const again = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).json(applied('9', { metadata: { uid: 'new' } }));
    assert.equal((await again).written, true);
  });

  it('something else before the cache has heard of the first is not held back, and means the object that was made', async () => {
    await using scene = await aScene();
    const first = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).json(applied('5'));
    await first;
    const second = scene.applier.apply(scene.store, { ...desired, spec: { size: 3 } });
    const request = await scene.server.next();
    assert.equal(JSON.parse(request.body).metadata.uid, 'uid-a');
    request.json(applied('6', { spec: { size: 3 } }));
    assert.equal((await second).written, true);
  });

  it('what a webhook rewrites is sent once, and again when somebody touches it', async () => {
    await using scene = await aScene();
    const rewritten = applied('5', { spec: { size: undefined, color: 'size-1' } });
    const first = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).json(rewritten);
    await first;
    scene.hear(rewritten);
    assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
    // Status alone moves the version, but not the generation.
    scene.hear({ ...rewritten, metadata: { ...rewritten.metadata, resourceVersion: '6' }, status: { ready: true } });
    assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
    scene.hear({ ...rewritten, metadata: { ...rewritten.metadata, resourceVersion: '7', generation: 2 } });
    const again = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).json({ ...rewritten, metadata: { ...rewritten.metadata, resourceVersion: '8', generation: 3 } });
    assert.equal((await again).written, true);
  });

  it('to an object that was replaced by another of its name is a conflict', async () => {
    await using scene = await aScene();
    scene.hear(applied('5', { spec: { size: 9 } }));
    const outcome = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).fail(
      409,
      'Conflict',
      'uid mismatch: the provided object specified uid uid-a, and the existing object has other',
    );
    await assert.rejects(outcome, isConflict);
  });

  it('to what is to be ours alone, and is not there, names a version that nothing has', async () => {
    await using scene = await aScene();
    const outcome = scene.applier.applyOwn(scene.store, desired);
    const request = await scene.server.next();
    assert.deepEqual(JSON.parse(request.body), { ...desired, metadata: { ...desired.metadata, resourceVersion: '1' } });
    request.json(applied('5'));
    assert.equal((await outcome).written, true);
    scene.hear(applied('5'));
    const changed = { ...desired, spec: { size: 2 } };
    const second = scene.applier.applyOwn(scene.store, changed);
    const next = await scene.server.next();
    assert.deepEqual(JSON.parse(next.body), { ...changed, metadata: { ...changed.metadata, uid: 'uid-a' } });
    next.json(applied('6', { spec: { size: 2 } }));
    assert.equal((await second).written, true);
  });

  it('that failed is not taken for done', async () => {
    await using scene = await aScene();
    const failed = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).fail(500, 'InternalError');
    await assert.rejects(failed, KubeError);
    const again = scene.applier.apply(scene.store, desired);
    (await scene.server.next()).json(applied('5'));
    assert.equal((await again).written, true);
  });
});

describe('writing status', () => {
  const status = { ready: true };

  it('goes to the subresource, names uid and version of what was judged, and nothing of the specification', async () => {
    await using scene = await aScene();
    const outcome = scene.applier.applyStatus(widgets, aWidget('a', { spec: { size: 1 } }), status);
    const request = await scene.server.next();
    assert.equal(request.url.pathname, '/apis/test.modelwright.dev/v1/namespaces/default/widgets/a/status');
    assert.deepEqual(JSON.parse(request.body), {
      apiVersion: 'test.modelwright.dev/v1',
      kind: 'Widget',
      metadata: { name: 'a', namespace: 'default', uid: 'uid-a', resourceVersion: '1' },
      status,
    });
    request.json(aWidget('a', { status, metadata: { resourceVersion: '2' } }));
    assert.equal((await outcome).written, true);
  });

  it('that is the same sends nothing, whatever the order of its fields', async () => {
    await using scene = await aScene();
    const live = aWidget('a', { status: { ready: true, other: undefined } as object });
    assert.equal((await scene.applier.applyStatus(widgets, live, status)).written, false);
  });

  it('drawn from before our own last write is held back: that write brings the object here again', async () => {
    await using scene = await aScene();
    const old = aWidget('a');
    const first = scene.applier.applyStatus(widgets, old, status);
    (await scene.server.next()).json(aWidget('a', { status, metadata: { resourceVersion: '2' } }));
    await first;
    assert.equal((await scene.applier.applyStatus(widgets, old, { ready: false })).written, false);
  });

  it('that the server keeps differently is sent once', async () => {
    await using scene = await aScene();
    const kept = aWidget('a', { status: { ready: true }, metadata: { resourceVersion: '2' } });
    const more = { ready: true, pruned: 'by the schema' };
    const first = scene.applier.applyStatus(widgets, aWidget('a'), more);
    (await scene.server.next()).json(kept);
    await first;
    assert.equal((await scene.applier.applyStatus(widgets, kept, more)).written, false);
  });

  it('of an object that has changed since is a conflict', async () => {
    await using scene = await aScene();
    const outcome = scene.applier.applyStatus(widgets, aWidget('a'), status);
    (await scene.server.next()).fail(409, 'Conflict', 'the object has been modified');
    await assert.rejects(outcome, isConflict);
  });
});

describe('removing', () => {
  it('deletes this very object and what it owns', async () => {
    await using scene = await aScene();
    const removed = scene.applier.remove(widgets, aWidget('a'));
    const request = await scene.server.next();
    assert.equal(request.method, 'DELETE');
    assert.deepEqual(JSON.parse(request.body), {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'uid-a' },
      propagationPolicy: 'Background',
    });
    request.json({ kind: 'Status', status: 'Success' });
    assert.equal(await removed, true);
  });

  for (const [what, status, reason] of [
    ['is gone', 404, 'NotFound'],
    ['was replaced by another', 409, 'Conflict'],
  ] as const) {
    it(`one that ${what} is done`, async () => {
      await using scene = await aScene();
      const removed = scene.applier.remove(widgets, aWidget('a'));
      (await scene.server.next()).fail(status, reason);
      assert.equal(await removed, true);
    });
  }

  it('one that is being deleted sends nothing', async () => {
    await using scene = await aScene();
    const dying = aWidget('a', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    assert.equal(await scene.applier.remove(widgets, dying), false);
  });

  it('that is refused is an error', async () => {
    await using scene = await aScene();
    const removed = scene.applier.remove(widgets, aWidget('a'));
    (await scene.server.next()).fail(403, 'Forbidden');
    await assert.rejects(removed, { code: 'FORBIDDEN' });
  });
});
