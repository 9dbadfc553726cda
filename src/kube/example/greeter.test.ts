import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

it('the example stands in the README as it is', () => {
  const read = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8');
  assert.equal(/```ts\n([\s\S]*?)```/.exec(read('../README.md'))?.[1], read('greeter.ts'));
});
