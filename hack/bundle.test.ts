import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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

  it('packages on threads of its own, and makes the same bytes as the sources do', async () => {
    const model = join(folder, 'model');
    await mkdir(join(model, 'net/1'), { recursive: true });
    await writeFile(join(model, 'net/config.pbtxt'), 'name: "net"\nplatform: "tensorrt_plan"\nmax_batch_size: 0\n');
    await writeFile(join(model, 'net/1/model.plan'), randomBytes(10 << 20));
    await writeFile(join(model, 'net/1/words.txt'), Array.from({ length: 1 << 20 }, (_, index) => `word ${index % 50_021}`).join('\n'));
    const packaged = async (program: string, name: string) => {
      const zip = join(folder, name);
      await promisify(execFile)(process.execPath, [program, 'package', model, '--runtime', 'Triton', '-o', zip], { cwd: folder });
      return readFile(zip);
    };
    const bundled = await packaged(join(folder, 'modelwright.js'), 'bundled.zip');
    assert.ok(bundled.equals(await packaged(resolve(import.meta.dirname, '../src/cli/main.ts'), 'sources.zip')));
  });

  it('hashes the blocks of an upload on a thread', async () => {
    await build({ ...bundleOptions('1.2.3', folder), entryPoints: { memory: 'src/packaging/azure/block-memory.ts' } });
    const printed = await run(`
      const { blockMemory } = await import('./memory.js');
      await using memory = blockMemory(4096, 2, 1000);
      memory.slots[1].fill('x');
      // The first ones are hashed here, until the thread has started.
      for (let round = 0; round < 40; round += 1) {
        await new Promise((done) => setTimeout(done, 25));
        console.log((await memory.md5(1, 4096)).toString('hex'));
      }`);
    assert.deepEqual([...new Set(printed.trim().split('\n'))], [hash('md5', 'x'.repeat(4096))]);
  });

  it('runs an operator that holds neither a second undici nor HTTP/2', async () => {
    const loaded = await run(`await import(${JSON.stringify(await operatorChunk())}); console.log(process.moduleLoadList.join('\\n'))`);
    assert.match(loaded, /NativeModule tls/);
    for (const module of ['internal/deps/undici/undici', 'http2', 'sqlite'])
      assert.doesNotMatch(loaded, new RegExp(`NativeModule ${module}$`, 'm'));
  });
});
