import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  await build(bundleOptions('1.2.3', folder));
});

after(() => rm(folder, { recursive: true, force: true }));

/** Runs a script in a process of its own, beside the bundle, and returns what it prints. */
async function run(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder });
  return stdout;
}

async function operatorChunk(): Promise<string> {
  const name = (await readdir(folder)).find((file) => /^run-operator-.*\.js$/.test(file));
  assert.ok(name !== undefined);
  return pathToFileURL(join(folder, name)).href;
}

describe('the bundle', () => {
  it('is a program that needs nothing beside it', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'modelwright.js'), '--version'], { cwd: folder });
    assert.equal(stdout.trim(), '1.2.3');
  });

  it('runs an operator that holds neither a second undici nor HTTP/2', async () => {
    const loaded = await run(`await import(${JSON.stringify(await operatorChunk())}); console.log(process.moduleLoadList.join('\\n'))`);
    assert.match(loaded, /NativeModule tls/);
    for (const module of ['internal/deps/undici/undici', 'http2', 'sqlite'])
      assert.doesNotMatch(loaded, new RegExp(`NativeModule ${module}$`, 'm'));
  });
});
