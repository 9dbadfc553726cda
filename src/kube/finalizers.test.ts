import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isConflict } from './errors.ts';
import { addFinalizer, isBeingDeleted, removeFinalizer } from './finalizers.ts';
import { RestClient } from './rest-client.ts';
import { aWidget, widgets } from './testing/builders.ts';
import { CannedServer } from './testing/canned-server.ts';

const ours = 'modelwright.dev/cleanup';
const withFinalizers = (...finalizers: string[]) => aWidget('a', { metadata: { finalizers } });

describe('a finalizer', () => {
  for (const [what, change, object, expected] of [
    ['is added beside those of others', addFinalizer, withFinalizers('other'), ['other', ours]],
    ['is added where there is none', addFinalizer, aWidget('a'), [ours]],
    ['is removed, leaving those of others', removeFinalizer, withFinalizers('other', ours), ['other']],
  ] as const) {
    it(`${what}, on the very version that was read`, async () => {
      await using server = await CannedServer.start();
      const client = new RestClient(server.config);
      const changed = change(client, widgets, object, ours);
      const request = await server.next();
      assert.equal(request.headers['content-type'], 'application/merge-patch+json');
      assert.deepEqual(JSON.parse(request.body), { metadata: { uid: 'uid-a', resourceVersion: '1', finalizers: expected } });
      request.json(withFinalizers(...expected));
      assert.deepEqual((await changed)?.metadata.finalizers, expected);
      await client.close();
    });
  }

  it('that is there, or not there, already needs no request', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    assert.equal(await addFinalizer(client, widgets, withFinalizers(ours), ours), undefined);
    assert.equal(await removeFinalizer(client, widgets, withFinalizers('other'), ours), undefined);
    assert.equal(server.untaken, 0);
    await client.close();
  });

  it('of an object that changed meanwhile is a conflict', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    const changed = addFinalizer(client, widgets, aWidget('a'), ours);
    (await server.next()).fail(409, 'Conflict');
    await assert.rejects(changed, isConflict);
    await client.close();
  });

  it('matters once a deletion has begun', () => {
    assert.equal(isBeingDeleted(aWidget('a')), false);
    assert.equal(isBeingDeleted(aWidget('a', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })), true);
  });
});
