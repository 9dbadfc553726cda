import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namedRegistry, parseImage, registryOf } from './image-reference.ts';

describe('an image reference', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const table: readonly [string, object, string][] = [
    ['nginx', { repository: 'nginx' }, 'docker.io'],
    ['nginx:1.2', { repository: 'nginx', tag: '1.2' }, 'docker.io'],
    ['kserve/sklearnserver:v0.20.0', { repository: 'kserve/sklearnserver', tag: 'v0.20.0' }, 'docker.io'],
    ['host:5000/a/b', { repository: 'host:5000/a/b' }, 'host:5000'],
    ['host:5000/a/b:c', { repository: 'host:5000/a/b', tag: 'c' }, 'host:5000'],
    [`nvcr.io/nvidia/tritonserver@${digest}`, { repository: 'nvcr.io/nvidia/tritonserver', digest }, 'nvcr.io'],
    [`nvcr.io/x:1@${digest}`, { repository: 'nvcr.io/x', tag: '1', digest }, 'nvcr.io'],
    ['localhost/x', { repository: 'localhost/x' }, 'localhost'],
  ];
  for (const [image, parts, registry] of table) {
    it(image, () => {
      assert.deepEqual(parseImage(image), parts);
      assert.equal(registryOf(image), registry);
    });
  }
  it('names a registry or leaves it to Docker Hub', () => {
    assert.deepEqual(['nginx', 'a/b:1', 'docker.io/a/b', 'r.io/a', ''].map(namedRegistry), [
      undefined,
      undefined,
      'docker.io',
      'r.io',
      undefined,
    ]);
  });
});
