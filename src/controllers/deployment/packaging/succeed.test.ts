import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PackageStatus } from './outcome.ts';
import { maxFormer, succeed } from './succeed.ts';

const aPackage = (name: string, over: Partial<PackageStatus> = {}): PackageStatus => ({
  storageUri: `https://models.blob.core.windows.net/models/${name}`,
  sha256: name,
  sizeBytes: 1,
  files: 1,
  layout: 'SKLearn',
  repository: 'default',
  source: `source of ${name}`,
  ...over,
});
const former = ({ former: list }: PackageStatus) => (list ?? []).map(({ sha256 }) => sha256);

describe('a package that takes the place of another', () => {
  it('remembers it, and the Secret that opens it', () => {
    const access = { secretName: 'read-a', scope: 'Blob', expirationTime: '2026-01-03T00:00:00Z' } as const;
    const next = succeed(aPackage('a', { access }), aPackage('b'));
    assert.deepEqual(next.former, [{ sha256: 'a', repository: 'default', secretName: 'read-a' }]);
    assert.equal(next.access, undefined);
  });

  it('remembers nothing where it is the same, but what that one did', () => {
    assert.equal(succeed(undefined, aPackage('a')).former, undefined);
    const before = succeed(aPackage('a'), aPackage('b'));
    assert.deepEqual(former(succeed(before, aPackage('b', { source: 'another' }))), ['a']);
  });

  it('is no earlier one of itself when it comes back', () => {
    assert.deepEqual(former(succeed(succeed(aPackage('a'), aPackage('b')), aPackage('a'))), ['b']);
  });

  it('never forgets the one that serves, however many after it never did', () => {
    let now = aPackage('serves');
    const names = Array.from({ length: maxFormer * 3 }, (_, index) => `failed-${index}`);
    for (const name of names) {
      now = succeed(now, aPackage(name));
      assert.equal(former(now).at(-1), 'serves');
      assert.ok(former(now).length <= maxFormer);
    }
    assert.deepEqual(former(now).slice(0, -1), names.slice(-maxFormer, -1).reverse());
  });
});
