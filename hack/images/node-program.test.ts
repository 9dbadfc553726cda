/** The programs of the test servers' images, as one file each, without the images around them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { eventually } from '../../test/support/cluster.ts';
import { bundled } from './node-program.ts';

const work = mkdtempSync(join(tmpdir(), 'modelwright-programs-'));
const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
});

async function program(name: string): Promise<string> {
  const file = join(work, name);
  writeFileSync(file, await bundled(join(import.meta.dirname, 'programs', `${name}.ts`)), { mode: 0o755 });
  return file;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

const asked = (url: string) =>
  eventually(
    () =>
      fetch(url).then(
        (answer) => answer.json() as Promise<{ model_spec: object }>,
        () => undefined,
      ),
    (answer) => answer !== undefined,
  );

describe('the test server for the protocols of TensorFlow Serving', () => {
  it('is one file, the same wherever it is made', async () => {
    const entry = join(import.meta.dirname, 'programs/tfserving-protocol-server.ts');
    const here = process.cwd();
    const one = await bundled(entry);
    process.chdir(work);
    const two = await bundled(entry).finally(() => process.chdir(here));
    assert.equal(one, two);
    assert.ok(one.startsWith('#!/usr/bin/node\n') && !one.includes(here), 'the text names a folder of this machine');
  });

  it('takes the arguments of the real one, and serves the highest version there is', async () => {
    for (const version of ['2', '10', 'not-one']) {
      mkdirSync(join(work, 'models', version), { recursive: true });
      writeFileSync(join(work, 'models', version, 'saved_model.pb'), '');
    }
    mkdirSync(join(work, 'models', '11'));
    const [rest, grpc] = [await freePort(), await freePort()];
    const args = ['--model_name=iris', `--port=${grpc}`, `--rest_api_port=${rest}`, `--model_base_path=${join(work, 'models')}`];
    running.push(
      spawn(process.execPath, [await program('tfserving-protocol-server'), ...args, '--rest_api_timeout_in_ms=60000'], { stdio: 'ignore' }),
    );
    const { model_spec } = (await asked(`http://127.0.0.1:${rest}/v1/models/iris/metadata`)) ?? {};
    assert.deepEqual(model_spec, { name: 'iris', signature_name: '', version: '10' });
  });

  it('does not start without a SavedModel', async () => {
    const empty = join(work, 'empty');
    mkdirSync(empty);
    const { status, stderr } = spawnSync(process.execPath, [await program('tfserving-protocol-server'), `--model_base_path=${empty}`], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr.includes(`found under base path ${empty}`)], [1, true]);
  });
});
