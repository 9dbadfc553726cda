/** The example of the layer's README as a process of its own, on the real API server: what a reader who copies it gets. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, it } from 'node:test';
import { established } from '../../../hack/controlplane/established.ts';
import { apply, eventually, freshNamespace, get, kubectl, list } from '../../support/cluster.ts';

const folder = resolve(import.meta.dirname, '../../../src/kube/example');

interface Read {
  readonly metadata: { readonly resourceVersion: string; readonly generation: number };
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: { readonly observedGeneration?: number };
}

let namespace: Awaited<ReturnType<typeof freshNamespace>>;
let home: string;
const children: ChildProcess[] = [];

before(async () => {
  await kubectl(['apply', '-f', join(folder, 'greetings.yaml')]);
  await established(kubectl, ['crd/greetings.greeter.dev']);
  namespace = await freshNamespace('kube-example');
  home = mkdtempSync(join(tmpdir(), 'greeter-'));
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '-o', 'json'])) as { contexts: { context: object }[] };
  // The lease lies in the namespace of the context.
  for (const one of config.contexts) Object.assign(one.context, { namespace: namespace.name });
  writeFileSync(join(home, 'kubeconfig'), JSON.stringify(config), { mode: 0o600 });
});

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
  await kubectl(['delete', '--ignore-not-found', 'crd/greetings.greeter.dev', '--wait=false']);
  await namespace?.[Symbol.asyncDispose]();
});

function start(): { readonly child: ChildProcess; readonly output: () => string } {
  const env = { ...process.env, KUBECONFIG: join(home, 'kubeconfig'), PORT: '0' };
  const child = spawn(process.execPath, [join(folder, 'greeter.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => void output.push(chunk));
  return { child, output: () => Buffer.concat(output).toString() };
}

const greet = (name: string, whom: string) =>
  apply({ apiVersion: 'greeter.dev/v1', kind: 'Greeting', metadata: { name, namespace: namespace.name }, spec: { name: whom } });

/** The ConfigMap, once the Greeting says that its present generation was looked at. */
async function greeted(name: string, text: string): Promise<Read> {
  await eventually(
    () => get<Read>('greetings.greeter.dev', name, namespace.name),
    ({ status, metadata }) => status?.observedGeneration === metadata.generation,
  );
  return eventually(
    () => get<Read>('configmap', name, namespace.name),
    ({ data }) => data?.['text'] === text,
  );
}

async function end({ child, output }: ReturnType<typeof start>): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await ended;
  assert.equal(code, 0, output());
}

it('makes, keeps and renews what it promises, tells it once, and leaves in order', async () => {
  await greet('a', 'world');
  const first = start();
  await greeted('a', 'Hello, world');
  await greet('a', 'reader');
  await greeted('a', 'Hello, reader');
  await kubectl(['delete', 'configmap', 'a', '-n', namespace.name]);
  await eventually(
    () => list<{ metadata: { name: string } }>('configmaps', namespace.name),
    (found) => found.some(({ metadata }) => metadata.name === 'a'),
  );
  await eventually(
    () => list<{ reason: string; type: string }>('events', namespace.name),
    (events) => events.some(({ reason, type }) => reason === 'Greeted' && type === 'Normal'),
  );
  const before = await get<Read>('configmap', 'a', namespace.name);
  await end(first);
  const lease = await get<{ spec: { holderIdentity?: string } }>('lease', 'greeter', namespace.name);
  assert.equal(lease.spec.holderIdentity ?? '', '');

  // The next process finds everything as it should be.
  const second = start();
  await greet('b', 'again');
  await greeted('b', 'Hello, again');
  assert.equal((await get<Read>('configmap', 'a', namespace.name)).metadata.resourceVersion, before.metadata.resourceVersion);
  await end(second);
});
