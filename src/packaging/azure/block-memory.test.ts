import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { blockMemory } from './block-memory.ts';

const slotBytes = 1000;
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

describe('the memory that blocks pass through', () => {
  for (const [name, blocks] of [
    ['of few blocks', 2],
    ['of many, hashed on another thread', 100],
  ] as const) {
    it(`${name}: gives the MD5 of what a slot holds, for all slots at once`, async () => {
      await using memory = blockMemory(slotBytes, 4, blocks);
      assert.deepEqual(
        memory.slots.map(({ length }) => length),
        [slotBytes, slotBytes, slotBytes, slotBytes],
      );
      // Long enough for a thread to come up in between.
      for (let round = 0; round < 200; round++) {
        await sleep(1);
        const lengths = round % 2 === 0 ? [1000, 1000, 999, 1] : [0, 17, 500, 1000];
        for (const [slot, bytes] of memory.slots.entries()) bytes.fill(slot + (lengths[0] ?? 0));
        const found = await Promise.all(lengths.map((length, slot) => memory.md5(slot, length)));
        assert.deepEqual(
          found.map((digest) => digest.toString('hex')),
          lengths.map((length, slot) => md5(Buffer.alloc(length, slot + (lengths[0] ?? 0)))),
        );
      }
    });
  }

  it('leaves nobody waiting when its thread has ended', async () => {
    const memory = blockMemory(slotBytes, 2, 100);
    const pending = memory.md5(0, slotBytes);
    const settled = Promise.allSettled([pending]);
    await memory[Symbol.asyncDispose]();
    assert.equal((await settled).length, 1);
    await assert.rejects(memory.md5(0, slotBytes), /thread ended/);
  });
});
