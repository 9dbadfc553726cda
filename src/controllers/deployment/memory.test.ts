import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../kube/clock.ts';
import { Memories } from './memory.ts';

describe('what is remembered of a deployment', () => {
  const key = { namespace: 'models', name: 'iris' };

  it('stays while it is the same one', () => {
    const memories = new Memories(systemClock);
    memories.begin(key, 'a');
    memories.note(key, { wanted: 'x', write: memories.write('7') });
    memories.begin(key, 'a');
    assert.deepEqual([memories.of(key).wanted, memories.of(key).write?.resourceVersion], ['x', '7']);
  });
  it('is not taken for that of another one under its name', () => {
    const memories = new Memories(systemClock);
    memories.begin(key, 'a');
    memories.note(key, { wanted: 'x', write: memories.write('7') });
    memories.begin(key, 'b');
    assert.deepEqual(memories.of(key), { uid: 'b' });
  });
});
