import assert from 'node:assert/strict';
import { it } from 'node:test';
import { writerIn } from './last-writer.ts';

const owning = (manager: string, time: string, ...keys: string[]) => ({
  manager,
  time,
  fieldsV1: { 'f:data': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) },
});

it('finds who wrote a key last, and who wrote the object last where nobody has the key any more', () => {
  const entries = [
    owning('modelwright', '2026-01-03', 'key'),
    owning('kubectl-edit', '2026-01-01', 'key'),
    owning('argocd', '2026-01-02', 'other'),
  ];
  assert.deepEqual(writerIn(entries, 'key', 'modelwright'), { manager: 'kubectl-edit', since: '2026-01-01' });
  assert.deepEqual(writerIn(entries, 'gone', 'modelwright'), { manager: 'argocd', since: '2026-01-02' });
  assert.deepEqual(writerIn([], 'key', 'modelwright'), { manager: 'unknown' });
});
