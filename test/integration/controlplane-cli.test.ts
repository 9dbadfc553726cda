/** `npm run controlplane` as a person types it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { isAlive } from '../../hack/controlplane/process.ts';

const run = promisify(execFile);
const MAIN = resolve(import.meta.dirname, '../../hack/controlplane/main.ts');
const name = `cli-${process.pid}`;

interface Failure {
  readonly code: number;
  readonly stderr: string;
}

function controlplane(...args: string[]) {
  return run(process.execPath, [MAIN, ...args]);
}

async function status(): Promise<{ name: string; state: string; processes: { name: string; pid: number }[] } | undefined> {
  const { stdout } = await controlplane('status', '-o', 'json');
  return (JSON.parse(stdout) as { name: string; state: string; processes: { name: string; pid: number }[] }[]).find(
    (one) => one.name === name,
  );
}

after(() => controlplane('down', '--name', name));

test('up outlives its command, env points a shell at it, down ends it', async () => {
  const { stderr } = await controlplane('up', '--name', name);
  assert.match(stderr, new RegExp(`instance ${name} is up after \\d+\\.\\d s: kubernetes `));
  const up = await status();
  assert.equal(up?.state, 'ready');
  assert.deepEqual(
    up.processes.map((process) => process.name),
    ['etcd', 'kube-apiserver'],
  );

  const { stdout: lines } = await controlplane('env', '--name', name);
  const { stdout } = await run('/bin/sh', ['-c', `${lines}kubectl version && kubectl get namespaces -o name`]);
  assert.match(stdout, /Server Version: v1\./);
  assert.match(stdout, /namespace\/kube-system/);

  await controlplane('down', '--name', name);
  assert.equal(await status(), undefined);
  assert.deepEqual(
    up.processes.filter(({ pid }) => isAlive(pid)),
    [],
  );
});

test('up --kubeconfig takes a cluster that is there already, and down leaves it as it is', async () => {
  const own = `${name}-own`;
  await controlplane('up', '--name', name);
  try {
    const { stdout: theirs } = await controlplane('env', '--name', name);
    const kubeconfig = /KUBECONFIG='([^']+)'/.exec(theirs)?.[1] ?? '';
    const { stderr } = await controlplane('up', '--name', own, '--kubeconfig', kubeconfig);
    assert.match(stderr, /instance \S+-own is up after .*: kubernetes v1\.\d+\.\d+, 0 nodes, no kserve, of your own \(/);
    const { stdout: lines } = await controlplane('env', '--name', own);
    const { stdout } = await run('/bin/sh', ['-c', `${lines}kubectl get namespaces -o name`]);
    assert.match(stdout, /namespace\/kube-system/);
    const { stdout: all } = await controlplane('status', '-o', 'json');
    const found = (JSON.parse(all) as { name: string; state: string; processes: unknown[] }[]).find((one) => one.name === own);
    assert.deepEqual([found?.state, found?.processes], ['ready', []]);
    await controlplane('down', '--name', own);
    assert.equal((await status())?.state, 'ready');
  } finally {
    await controlplane('down', '--name', own);
    await controlplane('down', '--name', name);
  }
});

test('what cannot be done is one sentence and exit code 1', async () => {
  const failure = async (...args: string[]) => {
    const { code, stderr } = await controlplane(...args).then(
      () => assert.fail(`${args.join(' ')} did not fail`),
      (error: Failure) => error,
    );
    return `${code} ${stderr.trim()}`;
  };
  const nowhere = `1 instance ${name}-x is not running: start it with "npm run controlplane -- up --name ${name}-x"`;
  assert.equal(await failure('env', '--name', `${name}-x`), nowhere);
  assert.match(await failure('up', '--name', 'No'), /^1 instance name "No" must be 1 to 42 lower-case letters/);
  assert.match(await failure('up', '--name', `${name}-x`, '--kubeconfig', '/nonexistent'), /^1 \/nonexistent names no cluster: /);
  assert.match(await failure('up', '--kubeconfig', '/nonexistent', '--nodes', 'real'), /cannot be used with option '--nodes <kind>'/);
  assert.match(
    await failure('up', '--kserve', '0.1.0'),
    /^1 error: option '--kserve \[version\]' argument '0\.1\.0' is invalid\. There are 0\.20\.0, /,
  );
});
