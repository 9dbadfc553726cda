import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf } from './layout.ts';

test('everything of an instance is below its folder', () => {
  const { dir, ...files } = layoutOf('demo-2', '/somewhere/.controlplane');
  assert.equal(dir, '/somewhere/.controlplane/demo-2');
  for (const [key, path] of Object.entries(files)) if (key !== 'name') assert.ok(path.startsWith(`${dir}/`), path);
});

test('a name that cannot be a folder and a cluster name is refused with the rule', () => {
  for (const name of ['', 'Demo', '../x', '-a', 'a-', 'a'.repeat(43)])
    assert.throws(() => layoutOf(name), /1 to 42 lower-case letters, digits and dashes/);
});

test('a path too long for a socket is refused before anything starts', () => {
  assert.throws(() => layoutOf('demo', `/${'x'.repeat(100)}`), /too long for a socket/);
});
