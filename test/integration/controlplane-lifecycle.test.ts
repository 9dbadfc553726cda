/** Instances of one's own: side by side, restarted, and gone with whoever started them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { start, sweep } from '../../hack/controlplane/instance.ts';
import { layoutOf } from '../../hack/controlplane/layout.ts';
import { attach } from '../../hack/controlplane/plane.ts';
import { isAlive } from '../../hack/controlplane/process.ts';
import { eventually } from '../support/cluster.ts';

const root = mkdtempSync(join(tmpdir(), 'modelwright-planes-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A process that starts an instance, says which processes it has, and then waits for ever. */
const STARTER = `
  import { start } from ${JSON.stringify(resolve(import.meta.dirname, '../../hack/controlplane/instance.ts'))};
  const plane = await start({ name: 'orphan', root: ${JSON.stringify(root)} });
  const pids = (await plane.processes()).map(({ pid }) => pid);
  console.log(JSON.stringify({ pids, dir: plane.dir }));
  setInterval(() => {}, 1000);
`;

async function allGone(pids: readonly number[]): Promise<void> {
  await eventually(
    async () => pids.filter(isAlive),
    (alive) => alive.length === 0,
  );
}

test('two instances run side by side and know nothing of each other', async () => {
  const [one, two] = await Promise.all([start({ name: 'one', root }), start({ name: 'two', root })]);
  assert.notEqual(one.url, two.url);
  await one.kubectl(['create', 'namespace', 'only-in-one']);
  await assert.rejects(two.kubectl(['get', 'namespace', 'only-in-one']), /NotFound/);
  const pids = (await Promise.all([one.processes(), two.processes()])).flat().map(({ pid }) => pid);
  assert.equal(pids.length, 4);
  await one.stop();
  assert.match(await two.kubectl(['get', 'namespaces']), /kube-system/);
  await two.stop();
  await allGone(pids);
  assert.deepEqual(readdirSync(root), []);
});

test('a name that is taken by a running instance is refused, and the instance goes on', async () => {
  await using plane = await start({ name: 'taken', root });
  await assert.rejects(start({ name: 'taken', root }), /instance taken is running already/);
  assert.equal(await plane.ready(), true);
});

test('SIGKILL of the starter takes all processes and files of its instance along', async () => {
  const starter = spawn(process.execPath, ['--input-type=module', '-e', STARTER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string];
  const { pids, dir } = JSON.parse(line) as { pids: number[]; dir: string };
  assert.equal(pids.length, 2);
  assert.ok(pids.every(isAlive));
  starter.kill('SIGKILL');
  await allGone(pids);
  await eventually(
    async () => existsSync(dir),
    (there) => !there,
  );
});

test('what a killed supervisor left behind is cleared by the next start', async () => {
  const plane = await start({ name: 'headless', root });
  const pids = (await plane.processes()).map(({ pid }) => pid);
  const { supervisor } = await plane.table();
  process.kill(supervisor.pid, 'SIGKILL');
  await allGone([supervisor.pid]);
  assert.ok(pids.every(isAlive));
  sweep(root);
  await allGone(pids);
  assert.equal(existsSync(plane.dir), false);
});

test('an API server that another handle killed comes back with its data', async () => {
  await using owner = await start({ name: 'restarted', root });
  const plane = attach(layoutOf('restarted', root));
  assert.ok(plane);
  assert.equal(plane.url, owner.url);
  await plane.kubectl(['create', 'namespace', 'kept']);
  await plane.kill('kube-apiserver');
  assert.equal(await plane.ready(), false);
  assert.match((await plane.processes()).find(({ name }) => name === 'kube-apiserver')?.ending ?? '', /SIGKILL/);
  await plane.restartApiserver();
  assert.match(await plane.kubectl(['get', 'namespace', 'kept']), /Active/);
});

test('after a compaction and a restart, a list and a watch from before get 410 Gone', async () => {
  await using plane = await start({ name: 'compacted', root });
  const old = await plane.kubectl(['get', 'namespace', 'default', '-o', 'jsonpath={.metadata.resourceVersion}']);
  for (const name of ['a', 'b', 'c']) await plane.kubectl(['create', 'namespace', name]);
  await plane.compactEtcd();
  await plane.restartApiserver();
  const list = plane.kubectl(['get', '--raw', `/api/v1/namespaces?resourceVersion=${old}&resourceVersionMatch=Exact`]);
  await assert.rejects(list, /too old/);
  const watch = await plane.kubectl(['get', '--raw', `/api/v1/namespaces?watch=1&resourceVersion=${old}&timeoutSeconds=20`]);
  assert.match(watch, /"code":410/);
});
