/** The stories of `hack/controlplane/kwok`: other tests build on what these Pods say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, eventually, freshNamespace, get, kubectl, list } from '../support/cluster.ts';

interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly imageID: string;
  readonly restartCount: number;
  readonly state: State;
  readonly lastState?: State;
}
interface State {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly reason: string; readonly exitCode: number; readonly message?: string };
}
interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly conditions?: { type: string; status: string; reason?: string; message?: string }[];
    readonly initContainerStatuses?: ContainerStatus[];
    readonly containerStatuses?: ContainerStatus[];
  };
}

const PLAYS = 'fake-node.modelwright.dev/plays';
const MESSAGE = 'fake-node.modelwright.dev/message';

function pod(namespace: string, annotations: Record<string, string>, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace, annotations },
    spec: {
      initContainers: [{ name: 'storage-initializer', image: 'example.com/storage:v1' }],
      containers: [
        { name: 'kserve-container', image: 'example.com:5000/server:v2' },
        { name: 'queue-proxy', image: 'example.com/queue@sha256:00' },
      ],
      ...spec,
    },
  };
}

/** A Pod's state in a few words: `init=waiting:PodInitializing main=…`. */
function words({ status }: Pod): string {
  const word = (container?: ContainerStatus) => {
    const { waiting, running, terminated } = container?.state ?? {};
    return waiting?.reason ?? (running && (container?.ready ? 'ready' : 'running')) ?? terminated?.reason ?? 'none';
  };
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status;
  return `${status.phase} init=${word(status.initContainerStatuses?.[0])} main=${word(status.containerStatuses?.[0])} Ready=${ready}`;
}

async function settles(namespace: string, expected: string): Promise<Pod> {
  return eventually(
    () => get<Pod>('pod', 'p', namespace),
    (seen) => words(seen) === expected,
  );
}

const stories: readonly { plays?: string; expected: string; check?: (pod: Pod) => void }[] = [
  {
    expected: 'Running init=Completed main=ready Ready=True',
    check: ({ status }) => {
      assert.match(status.containerStatuses?.[0]?.imageID ?? '', /^example\.com:5000\/server@sha256:[0-9a-f]{64}$/);
      assert.match(status.containerStatuses?.[1]?.imageID ?? '', /^example\.com\/queue@sha256:[0-9a-f]{64}$/);
    },
  },
  { plays: 'init-running', expected: 'Pending init=running main=PodInitializing Ready=False' },
  {
    plays: 'init-error',
    expected: 'Pending init=CrashLoopBackOff main=PodInitializing Ready=False',
    check: ({ status }) => {
      const { terminated } = status.initContainerStatuses?.[0]?.lastState ?? {};
      assert.deepEqual([terminated?.reason, terminated?.exitCode, terminated?.message], ['Error', 1, 'told so']);
      assert.equal(status.initContainerStatuses?.[0]?.restartCount, 1);
    },
  },
  {
    plays: 'init-image-pull',
    expected: 'Pending init=ImagePullBackOff main=PodInitializing Ready=False',
    check: ({ status }) => assert.equal(status.initContainerStatuses?.[0]?.state.waiting?.message, 'told so'),
  },
  { plays: 'image-pull', expected: 'Pending init=Completed main=ImagePullBackOff Ready=False' },
  {
    plays: 'crash',
    expected: 'Running init=Completed main=CrashLoopBackOff Ready=False',
    check: ({ status }) => {
      const { terminated } = status.containerStatuses?.[0]?.lastState ?? {};
      assert.deepEqual([terminated?.reason, terminated?.exitCode, terminated?.message], ['Error', 1, 'told so']);
    },
  },
  {
    plays: 'oom',
    expected: 'Running init=Completed main=CrashLoopBackOff Ready=False',
    check: ({ status }) => {
      const { terminated } = status.containerStatuses?.[0]?.lastState ?? {};
      assert.deepEqual([terminated?.reason, terminated?.exitCode], ['OOMKilled', 137]);
    },
  },
  { plays: 'never-ready', expected: 'Running init=Completed main=running Ready=False' },
];

for (const { plays, expected, check } of stories) {
  test(`a Pod ${plays ? `that plays ${plays}` : 'without a story'} comes to ${expected}`, async () => {
    await using namespace = await freshNamespace();
    await apply(pod(namespace.name, plays ? { [PLAYS]: plays, [MESSAGE]: 'told so' } : {}));
    check?.(await settles(namespace.name, expected));
    if (!plays) return;
    await kubectl(['annotate', 'pod', 'p', `${PLAYS}-`, '-n', namespace.name]);
    await settles(namespace.name, 'Running init=Completed main=ready Ready=True');
  });
}

test('the real scheduler says why a Pod fits nowhere', async () => {
  await using namespace = await freshNamespace();
  const greedy = { containers: [{ name: 'main', image: 'x:v1', resources: { limits: { 'nvidia.com/gpu': '8' } } }] };
  await apply(pod(namespace.name, {}, greedy));
  const stuck = await eventually(
    () => get<Pod>('pod', 'p', namespace.name),
    ({ status }) => status.conditions?.[0]?.reason === 'Unschedulable',
  );
  assert.match(stuck.status.conditions?.[0]?.message ?? '', /0\/3 nodes are available: .*Insufficient nvidia\.com\/gpu/);
});

test('four GPUs of one product are there', async () => {
  await using namespace = await freshNamespace();
  const nodeSelector = { 'nvidia.com/gpu.product': 'Tesla-T4' };
  await apply(
    pod(
      namespace.name,
      {},
      { nodeSelector, containers: [{ name: 'main', image: 'x:v1', resources: { limits: { 'nvidia.com/gpu': '4' } } }] },
    ),
  );
  const placed = await settles(namespace.name, 'Running init=Completed main=ready Ready=True');
  assert.equal(placed.spec.nodeName, 'gpu-1');
});

for (const [plays, phase, condition] of [
  ['', 'Succeeded', 'Complete'],
  ['job-error', 'Failed', 'Failed'],
] as const) {
  test(`a Job’s Pod ${plays ? `that plays ${plays}` : 'without a story'} ends as ${phase} with its termination message`, async () => {
    await using namespace = await freshNamespace();
    await apply({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j', namespace: namespace.name },
      spec: {
        backoffLimit: 0,
        template: {
          metadata: { annotations: { [MESSAGE]: '{"p99": 1.5}', ...(plays && { [PLAYS]: plays }) } },
          spec: { restartPolicy: 'Never', containers: [{ name: 'load', image: 'x:v1' }] },
        },
      },
    });
    await eventually(
      () => get<{ status: { conditions?: { type: string }[] } }>('job', 'j', namespace.name),
      ({ status }) => status.conditions?.some(({ type }) => type === condition) ?? false,
    );
    const [ended] = await list<Pod>('pods', namespace.name);
    assert.equal(ended?.status.phase, phase);
    assert.equal(ended?.status.containerStatuses?.[0]?.state.terminated?.message, '{"p99": 1.5}');
  });
}

test('a deleted Pod goes', async () => {
  await using namespace = await freshNamespace();
  await apply(pod(namespace.name, {}));
  await settles(namespace.name, 'Running init=Completed main=ready Ready=True');
  await kubectl(['delete', 'pod', 'p', '-n', namespace.name, '--timeout=60s']);
  assert.deepEqual(await list('pods', namespace.name), []);
});
