import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { withLock } from './lock.ts';

const root = mkdtempSync(join(tmpdir(), 'modelwright-lock-'));
after(() => rmSync(root, { recursive: true, force: true }));
const silent = () => {};

/** Another process that takes the lock, says so, and keeps it until it reads something. */
async function otherHolder(file: string) {
  const script = `
    import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    await withLock(${JSON.stringify(file)}, () => {}, async () => {
      console.log('held');
      await new Promise((done) => process.stdin.once('data', done));
    });
    process.exit(0);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(createInterface({ input: child.stdout }), 'line');
  return child;
}

test('work waits for the process that holds the lock, says for whom, and leaves nothing behind', async () => {
  const file = join(root, 'a', 'build.lock');
  const holder = await otherHolder(file);
  const said: string[] = [];
  const order: string[] = [];
  const waiting = withLock(
    file,
    (line) => {
      said.push(line);
      order.push('waits');
      holder.stdin.write('go\n');
    },
    async () => order.push('works'),
  );
  await waiting;
  assert.deepEqual(order, ['waits', 'works']);
  assert.match(said[0] ?? '', new RegExp(`waiting for process ${holder.pid},`));
  assert.deepEqual(readdirSync(join(root, 'a')), []);
});

test('a lock whose holder was killed is void', async () => {
  const file = join(root, 'b', 'build.lock');
  const holder = await otherHolder(file);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  assert.equal(await withLock(file, silent, async () => 'done'), 'done');
});

test('the lock is free again after work that failed', async () => {
  const file = join(root, 'c', 'build.lock');
  await assert.rejects(
    withLock(file, silent, () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await withLock(file, silent, async () => 1), 1);
});
