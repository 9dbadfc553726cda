import assert from 'node:assert/strict';
import { it } from 'node:test';
import { declarationOf } from './images.ts';

const digest = `sha256:${'a'.repeat(64)}`;

it('reads an image as people write it', () => {
  assert.deepEqual(declarationOf('Triton', '20.10-py3'), { type: 'Triton', version: '20.10-py3' });
  assert.deepEqual(declarationOf('Triton', digest), { type: 'Triton', version: digest });
  assert.deepEqual(declarationOf('Triton', 'host:5000/triton:20.10-py3'), {
    type: 'Triton',
    image: 'host:5000/triton',
    version: '20.10-py3',
  });
  assert.deepEqual(declarationOf('Triton', `nvcr.io/triton:1@${digest}`), { type: 'Triton', image: 'nvcr.io/triton', version: digest });
  assert.throws(() => declarationOf('Triton', 'host:5000/triton'), /neither a tag nor a digest.*host:5000\/triton:1\.0/);
});
