import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { releasePorts, reservePorts } from './ports.ts';

const root = mkdtempSync(join(tmpdir(), 'modelwright-ports-'));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const folder = () => join(root, String(count++));
/** The same place to begin for all, so that they meet. */
const sameStart = () => 0.5;

test('each name gets a port of its own, below the range of outgoing connections', async () => {
  const ports = await reservePorts(folder(), ['etcd', 'kube-apiserver', 'kwok'], process.pid);
  assert.equal(new Set(Object.values(ports)).size, 3);
  for (const port of Object.values(ports)) assert.ok(port >= 20_000 && port < 32_000);
});

test('starters that begin at the same place at the same time share nothing', async () => {
  const shared = folder();
  const several = await Promise.all([1, 2, 3].map(() => reservePorts(shared, ['a', 'b'], process.pid, sameStart)));
  assert.equal(new Set(several.flatMap((ports) => Object.values(ports))).size, 6);
});

test('a port that something listens on is passed over', async () => {
  const { a } = await reservePorts(folder(), ['a'], process.pid, sameStart);
  const server = createServer();
  await once(server.listen(a, '127.0.0.1'), 'listening');
  assert.equal((server.address() as AddressInfo).port, a);
  const { b } = await reservePorts(folder(), ['b'], process.pid, sameStart);
  server.close();
  assert.notEqual(b, a);
});

test('the ports of a process that is gone are free again', async () => {
  const shared = folder();
  const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(owner, 'spawn');
  const { a } = await reservePorts(shared, ['a'], owner.pid ?? 0, sameStart);
  const { b } = await reservePorts(shared, ['b'], process.pid, sameStart);
  assert.notEqual(b, a);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  const { c } = await reservePorts(shared, ['c'], process.pid, sameStart);
  assert.equal(c, a);
});

test('releasing takes away what one process holds and leaves the rest', async () => {
  const shared = folder();
  const { b } = await reservePorts(shared, ['b'], process.ppid);
  await reservePorts(shared, ['a'], process.pid);
  releasePorts(shared, process.pid);
  assert.deepEqual(readdirSync(shared), [String(b)]);
});
