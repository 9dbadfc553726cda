import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { it } from 'node:test';
import { licenseList, productionPackages, unacceptable } from './packages.ts';

const packages = productionPackages(resolve(import.meta.dirname, '../..'));

it('knows the packages that are given on, and none that only tests need', () => {
  const names = packages.map(({ name }) => name);
  assert.ok(names.includes('undici') && names.includes('@azure/storage-blob'));
  assert.ok(!names.includes('fast-check') && !names.includes('typescript'));
});

it('every one of them has a licence that lets it be given on', () => assert.deepEqual(unacceptable(packages), []));

it('would notice one that has not', () => {
  const of = (license: string) => ({ name: 'x', version: '1', license });
  assert.equal(unacceptable([of('GPL-3.0'), of('unknown'), of('(MIT AND GPL-2.0)'), of('(MIT OR GPL-2.0)'), of('ISC')]).length, 3);
});

it('lists every package with its version', () => {
  const text = licenseList(packages);
  for (const { name, version } of packages) assert.ok(text.includes(`${name} ${version}\n`), name);
});
