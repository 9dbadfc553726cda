import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { lintCodes } from './codes.ts';

it('every code that a finding has is in the table, and none is there for nothing', () => {
  const sources = globSync('*.ts', { cwd: import.meta.dirname }).filter((file) => !/^codes\.|\.test\.ts$/.test(file));
  const used = sources.flatMap((file) => readFileSync(join(import.meta.dirname, file), 'utf8').match(/MW-L\d{4}/g) ?? []);
  assert.deepEqual([...new Set(used)].sort(), Object.keys(lintCodes).sort());
});
