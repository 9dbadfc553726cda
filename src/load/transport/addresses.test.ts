import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guardedLookup } from './addresses.ts';

describe('name resolution for the load', () => {
  const resolve = (rules: readonly string[], all: boolean) =>
    new Promise<unknown>((done, fail) => {
      guardedLookup(rules)('localhost', { all }, (error, address) => (error === null ? done(address) : fail(error)));
    });

  it('gives addresses that are allowed, alone or all of them, as the caller asks', async () => {
    assert.ok(['127.0.0.1', '::1'].includes((await resolve(['127.0.0.0/8', '::1'], false)) as string));
    assert.ok(((await resolve(['127.0.0.0/8', '::1'], true)) as unknown[]).length > 0);
  });

  it('fails where a name points to what may not be loaded, and says what it points to', async () => {
    await assert.rejects(resolve(['public', 'private'], true), /localhost is (127\.0\.0\.1|::1).*may not be loaded/);
  });
});
