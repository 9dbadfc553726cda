import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowsImage, allowsRuntimeImage, allowsServiceAccount } from './policy.ts';

describe('the policy', () => {
  const images: readonly [string, string, boolean][] = [
    ['ghcr.io/acme', 'ghcr.io/acme/x:1', true],
    ['ghcr.io/acme', 'ghcr.io/acme-evil/x:1', false],
    ['ghcr.io', 'ghcr.io.evil.example/x', false],
    ['ghcr.io', 'ghcr.io/anything/x@sha256:abc', true],
    ['docker.io', 'nginx', true],
    ['docker.io/library', 'nginx:1', true],
    ['docker.io/acme', 'acme/x', true],
    ['index.docker.io', 'docker.io/acme/x', true],
    ['docker.io', 'ghcr.io/docker.io/x', false],
    ['registry:5000', 'registry:5000/x:1', true],
    ['registry:5000', 'registry:5001/x:1', false],
    ['registry', 'registry:5000/x', false],
    ['localhost/x', 'localhost/x:1', true],
    ['', 'nginx', false],
    ['ghcr.io/acme/', 'ghcr.io/acme/x', true],
    ['ghcr.io/acme', 'user@ghcr.io/acme/x', false],
  ];
  for (const [registry, image, allowed] of images) {
    it(`${JSON.stringify(registry)} ${allowed ? 'allows' : 'refuses'} ${image}`, () => {
      assert.equal(allowsImage({ imageRegistries: [registry] }, image), allowed);
    });
  }
  it('on model servers allows any image where it is empty, and otherwise what it lists', () => {
    assert.equal(allowsRuntimeImage({}, 'nvcr.io/nvidia/tritonserver'), true);
    assert.equal(allowsRuntimeImage({ runtimeRegistries: ['nvcr.io'] }, 'nvcr.io/nvidia/tritonserver'), true);
    assert.equal(allowsRuntimeImage({ runtimeRegistries: ['nvcr.io'] }, 'tensorflow/serving'), false);
  });
  it('that is empty allows no image and the default service account only', () => {
    assert.equal(allowsImage({}, 'nginx'), false);
    assert.equal(allowsServiceAccount({}, 'default'), true);
    assert.equal(allowsServiceAccount({}, 'admin'), false);
    assert.equal(allowsServiceAccount({ serviceAccounts: ['models'] }, 'models'), true);
  });
});
