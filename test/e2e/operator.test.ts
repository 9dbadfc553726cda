/** The operator as users install it: two pods from the image, by the Helm chart, in a namespace that enforces `restricted`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, get, kubectl, list } from '../support/cluster.ts';
import { digestOf, SYSTEM } from './support/world.ts';

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly containers: readonly { readonly resources: { readonly requests?: { readonly cpu?: string } } }[] };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly { readonly ready: boolean; readonly imageID: string; readonly restartCount: number }[];
  };
}

interface Lease {
  readonly spec: { readonly holderIdentity?: string };
}

const operators = async () => (await list<Pod>('pods', SYSTEM)).filter(({ metadata }) => metadata.name.startsWith('modelwright-'));

async function leader(): Promise<string> {
  const leases = await list<Lease>('leases', SYSTEM);
  return leases.map(({ spec }) => spec.holderIdentity?.split('_')[0] ?? '').find(Boolean) ?? '';
}

async function twoReady(): Promise<readonly Pod[]> {
  return eventually(
    operators,
    (pods) => pods.length === 2 && pods.every(({ status }) => status.containerStatuses?.[0]?.ready === true),
    180,
  );
}

test('two pods run the image by its digest, and one of them leads', async () => {
  const pods = await twoReady();
  for (const { status } of pods)
    assert.ok(status.containerStatuses?.[0]?.imageID.endsWith(digestOf('modelwright')), JSON.stringify(status));
  const namespace = await get<{ metadata: { labels: Record<string, string> } }>('namespace', SYSTEM);
  assert.equal(namespace.metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
  const name = await eventually(leader, (holder) => holder !== '');
  assert.ok(
    pods.some(({ metadata }) => metadata.name === name),
    `${name} leads and is not one of ${pods.map(({ metadata }) => metadata.name).join(', ')}`,
  );
});

test('the image has no shell, and the process is nobody', async () => {
  const [pod] = await twoReady();
  const inside = (...command: string[]) => kubectl(['exec', '-n', SYSTEM, pod?.metadata.name ?? '', '--', ...command]);
  await assert.rejects(inside('sh', '-c', 'true'), /executable file not found/);
  const user = await inside('/usr/bin/node', '-p', 'process.getuid() + " " + process.versions.node.split(".")[0]');
  assert.equal(user.trim(), '65532 24');
});

test('each pod asks for a tenth of a core at most: small clusters have none to spare', async () => {
  for (const { spec } of await twoReady()) {
    const cpu = spec.containers[0]?.resources.requests?.cpu ?? '';
    assert.match(cpu, /^\d+m$/);
    assert.ok(Number.parseInt(cpu, 10) <= 100, cpu);
  }
});

test('each pod logs lines of JSON, which kubectl shows', async () => {
  const [pod] = await twoReady();
  const lines = (await kubectl(['logs', '-n', SYSTEM, pod?.metadata.name ?? ''])).trim().split('\n');
  assert.ok(lines.length > 0);
  const first = JSON.parse(lines[0] ?? '') as { msg?: string };
  assert.equal(first.msg, 'Modelwright starts');
});

test('when the leading pod is deleted the other leads, and there are two again', async () => {
  await twoReady();
  const before = await eventually(leader, (holder) => holder !== '');
  await kubectl(['delete', 'pod', before, '-n', SYSTEM, '--grace-period=0', '--force']);
  const after = await eventually(leader, (holder) => holder !== '' && holder !== before, 120);
  const pods = await twoReady();
  assert.ok(pods.some(({ metadata }) => metadata.name === after));
});
