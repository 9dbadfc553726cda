import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packageCodes } from './codes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the codes of findings', () => {
  it('are those that the sources use, each with a meaning', () => {
    const used = new Set<string>();
    for (const file of globSync(['src/models/**/*.ts', 'src/packaging/**/*.ts'], { cwd: root })) {
      if (/\.(?:test|fixture)\.ts$|codes\.ts$/.test(file)) continue;
      for (const [code] of readFileSync(`${root}/${file}`, 'utf8').matchAll(/MW-L\d{4}/g)) used.add(code);
    }
    assert.deepEqual(Object.keys(packageCodes).toSorted(), [...used].sort());
  });
  it('stand in the documentation with the same words', () => {
    const page = readFileSync(`${root}/docs/packaging.md`, 'utf8');
    for (const [code, meaning] of Object.entries(packageCodes)) assert.ok(page.includes(`| \`${code}\` | ${meaning} |`), code);
  });
});
