import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KubeError } from './errors.ts';
import { fenced } from './fence.ts';
import { keyOf } from './object.ts';
import { RestClient } from './rest-client.ts';
import { aWidget, widgets } from './testing/builders.ts';
import { CannedServer } from './testing/canned-server.ts';

describe('a fence', () => {
  it('lets reads through and stops writes of a replica that does not lead', async () => {
    await using server = await CannedServer.start();
    const client = new RestClient(server.config);
    let leads = false;
    const guarded = fenced(client, () => leads);
    const object = aWidget('a');
    const key = keyOf(object);
    const writes = [
      () => guarded.create(widgets, object),
      () => guarded.apply(widgets, object, { fieldManager: 'x' }),
      () => guarded.patch(widgets, key, {}, { kind: 'merge' }),
      () => guarded.update(widgets, object),
      () => guarded.delete(widgets, key),
    ];
    for (const write of writes) await assert.rejects(write(), (error) => error instanceof KubeError && error.code === 'NOT_LEADER');
    assert.equal(server.untaken, 0);
    const read = guarded.get(widgets, key);
    (await server.next()).json(object);
    await read;
    leads = true;
    for (const write of writes) {
      const written = write();
      (await server.next()).json(object);
      await written;
    }
    await client.close();
  });
});
