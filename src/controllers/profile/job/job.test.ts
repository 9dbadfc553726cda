import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfileSpec } from '../../../api/model-profile/index.ts';
import { chunksOf } from '../plan/chunks.ts';
import { jobPlanOf } from '../plan/job-plan.ts';
import { tasksOf } from '../plan/tasks.ts';
import type { ReadyTarget } from '../target/target.ts';
import { aProfile, aTarget } from '../testing/objects.ts';
import { jobName, renderJob } from './job.ts';

function render(spec: Partial<ModelProfileSpec> = {}, target: Partial<ReadyTarget> = {}) {
  const profile = aProfile(spec);
  const chunks = chunksOf(tasksOf(profile.spec));
  const settings = { image: 'registry.example/modelwright:1', cpus: 2, maxConcurrentRuns: 1 };
  return renderJob({
    profile,
    run: 'r0123456789a',
    attempt: 0,
    target: aTarget(target),
    chunks,
    plan: jobPlanOf(chunks, []),
    settings,
    deadlineSeconds: 600,
  });
}

interface Pod {
  readonly affinity?: { readonly podAffinity?: object; readonly podAntiAffinity?: object };
  readonly tolerations?: readonly object[];
  readonly volumes?: readonly Record<string, unknown>[];
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: Record<string, unknown>;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly resources: { requests: object; limits: object };
    readonly securityContext: object;
    readonly env?: unknown;
  }[];
}
const templateOf = ({ spec = {} }: ReturnType<typeof render>) =>
  spec['template'] as { readonly metadata: { readonly annotations: Record<string, string> }; readonly spec: Pod };
const podOf = (job: ReturnType<typeof render>) => templateOf(job).spec;
const argsOf = (job: ReturnType<typeof render>) => podOf(job).containers[0]?.args ?? [];
const flag = (job: ReturnType<typeof render>, name: string) => {
  const args = argsOf(job);
  return args.flatMap((arg, i) => (arg === name ? [args[i + 1]] : []));
};

describe('the Job of a scenario', () => {
  it('has an index for each batch size, the scenario on its command line, and its own time instead of that of points', () => {
    const latency = [{ percentile: 'p99' as const, maxMilliseconds: 50 }];
    const server = render({
      sweep: { batchSizes: [1, 4], scenario: { name: 'Server', requestsPerSecond: 100, minimumSeconds: 60 } },
      objective: { latency },
    });
    assert.deepEqual(flag(server, '--points'), ['b1', 'b4']);
    const one = (name: string) => flag(server, name)[0];
    assert.deepEqual(['--scenario', '--rate', '--duration', '--requests', '--slo'].map(one), ['Server', '100', '60s', '100', 'p99=50ms']);
    assert.equal(server.spec?.completions, 2);
    const plan = JSON.parse(server.metadata.annotations?.['modelwright.dev/plan'] ?? '') as { indexes: object[] };
    assert.deepEqual(plan.indexes, [{ 'b1-r100': 0 }, { 'b4-r100': 0 }]);
  });

  it('has the defaults of the rules', () => {
    const offline = render({ sweep: { scenario: { name: 'Offline', concurrency: 4 } } });
    assert.deepEqual(flag(offline, '--points'), ['b1']);
    assert.deepEqual([flag(offline, '--concurrency'), flag(offline, '--samples'), flag(offline, '--duration')], [['4'], [], ['600s']]);
    assert.deepEqual(flag(render({ sweep: { scenario: { name: 'MultiStream' } } }), '--points'), ['b8']);
  });
});

describe('the Job of a run', () => {
  it('is an Indexed Job whose indexes are not repeated and whose lost pods are not counted', () => {
    const { completionMode, parallelism, backoffLimitPerIndex, activeDeadlineSeconds, ttlSecondsAfterFinished, podFailurePolicy } =
      render().spec ?? {};
    assert.deepEqual([completionMode, parallelism, backoffLimitPerIndex, activeDeadlineSeconds], ['Indexed', 1, 0, 600]);
    assert.ok(Number(ttlSecondsAfterFinished) > 0);
    assert.deepEqual((podFailurePolicy as { rules: object[] }).rules[0], {
      action: 'Ignore',
      onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
    });
  });

  it('is ended as a whole by what every index would end with: wrong usage, a server that cannot be used, a payload that it refuses', () => {
    const { podFailurePolicy } = render().spec ?? {};
    const rule = (podFailurePolicy as { rules: { action: string; onExitCodes?: { values: number[] } }[] }).rules[1];
    assert.deepEqual([rule?.action, rule?.onExitCodes?.values], ['FailJob', [2, 3, 6]]);
  });

  it('has pods without a token, restricted, and with whole CPUs of their own', () => {
    const pod = podOf(render());
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(pod.securityContext['runAsNonRoot'], true);
    const [container] = pod.containers;
    assert.deepEqual(container?.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual(container?.resources.requests, container?.resources.limits);
    assert.deepEqual(container?.resources.limits, { cpu: '2', memory: '1Gi' });
  });

  it('belongs to its profile', () => {
    assert.deepEqual(
      render().metadata.ownerReferences?.map(({ kind, uid, controller }) => [kind, uid, controller]),
      [['ModelProfile', aProfile().metadata.uid, true]],
    );
  });

  it('tells each index its points', () => {
    const job = render({ sweep: { batchSizes: [1, 2], concurrency: [1, 2, 3, 4, 5] } });
    assert.equal(flag(job, '--points').length, 2);
    assert.deepEqual(flag(job, '--points-index'), ['$(JOB_COMPLETION_INDEX)']);
    assert.deepEqual(flag(render({ sweep: { batchSizes: [1, 8], search: { for: 'RequestsPerSecond', maximum: 100 } } }), '--points'), [
      'b1',
      'b8',
    ]);
    assert.deepEqual(flag(render({ sweep: { requestsPerSecond: [50] } }), '--points'), ['b1-r50']);
  });

  it('keeps tokens and payloads out of arguments and environment: they are files', () => {
    const job = render({
      target: { modelDeployment: 'iris', tokenSecretRef: { name: 'key-of-iris', key: 'the-token' } },
      payload: { json: '{"inputs": "private data"}' },
    });
    const pod = podOf(job);
    assert.doesNotMatch(JSON.stringify(pod.containers), /private data|key-of-iris|the-token/);
    assert.equal(pod.containers[0]?.env, undefined);
    assert.deepEqual(
      pod.volumes?.map(({ name, ...source }) => [name, Object.keys(source)[0]]),
      [
        ['payload', 'downwardAPI'],
        ['token', 'secret'],
      ],
    );
    assert.equal(templateOf(job).metadata.annotations['modelwright.dev/payload'], '{"inputs": "private data"}');
  });

  it('is where the placement says', () => {
    assert.equal(podOf(render()).affinity, undefined);
    const other = podOf(render({ placement: 'OtherNode' })).affinity;
    assert.match(JSON.stringify(other?.podAntiAffinity), /"kubernetes.io\/hostname".*"serving.kserve.io\/inferenceservice":"iris"/);
    assert.match(JSON.stringify(podOf(render({ placement: 'SameNode' })).affinity?.podAffinity), /"iris"/);
  });

  const reaching: readonly [string, Partial<ModelProfileSpec>, string, string | undefined][] = [
    ['load.durationSeconds', { load: { durationSeconds: 7 } }, '--duration', '7s'],
    ['load.warmupSeconds', { load: { warmupSeconds: 2 } }, '--warmup', '2s'],
    ['load.requestTimeoutSeconds', { load: { requestTimeoutSeconds: 9 } }, '--timeout', '9s'],
    ['objective.latency', { objective: { latency: [{ percentile: 'p95', maxMilliseconds: 20 }] } }, '--slo', 'p95=20ms'],
    ['objective.maxErrorsPerMillion', { objective: { maxErrorsPerMillion: 5 } }, '--max-errors', '5'],
    ['objective.maximize', { objective: { maximize: 'LowLatency' } }, '--maximize', 'LowLatency'],
    ['live.maxRequestsPerSecond', { live: { maxRequestsPerSecond: 40 } }, '--max-rate', '40'],
    ['live.stopAboveP99Milliseconds', { live: { stopAboveP99Milliseconds: 40 } }, '--stop-above', 'p99=40ms'],
    ['target.host', { target: { modelDeployment: 'iris', host: 'iris.example.com' } }, '--host-header', 'iris.example.com'],
    [
      'target.tokenSecretRef',
      { target: { modelDeployment: 'iris', tokenSecretRef: { name: 's', key: 'k' } } },
      '--token-file',
      '/var/run/modelwright/token/token',
    ],
    [
      'payload.configMapKeyRef',
      { payload: { configMapKeyRef: { name: 'c', key: 'k' } } },
      '--payload',
      '/var/run/modelwright/payload/payload.json',
    ],
    ['sweep.arrivals', { sweep: { requestsPerSecond: [5], arrivals: 'Constant' } }, '--arrivals', 'constant'],
    ['sweep.search', { sweep: { search: { for: 'Concurrency', start: 2, maximum: 64, tolerancePercent: 7 } } }, '--search-max', '64'],
    ['sweep.search.start', { sweep: { search: { for: 'Concurrency', start: 2, maximum: 64 } } }, '--search-start', '2'],
    ['sweep.search.tolerancePercent', { sweep: { search: { for: 'Concurrency', maximum: 64, tolerancePercent: 7 } } }, '--tolerance', '7'],
  ];
  for (const [field, spec, name, value] of reaching) {
    it(`spec.${field} reaches the load`, () => assert.deepEqual(flag(render(spec), name), [value]));
  }

  it('asks for what the target has to tell, and connects where it may', () => {
    const job = render({}, { metricsUrl: 'http://10.0.0.1:8002/metrics', addresses: ['public', '10.0.0.0/8'], protocol: 'HTTP' });
    assert.deepEqual(flag(job, '--metrics-url'), ['http://10.0.0.1:8002/metrics']);
    assert.deepEqual(flag(job, '--allow-addresses'), ['public,10.0.0.0/8']);
  });
});

describe('the name of a Job', () => {
  it('fits the host name of a pod whatever the profile is called, and keeps two long names apart', () => {
    const long = 'a'.repeat(240);
    for (const name of ['iris', 'iris.v2', long, `${long}b`]) {
      assert.match(jobName(name, 'r0123456789a', 15), /^[a-z0-9]([-a-z0-9]{0,56}[a-z0-9])?$/);
    }
    assert.notEqual(jobName(long, 'r0123456789a', 0), jobName(`${long}b`, 'r0123456789a', 0));
    assert.equal(jobName('iris', 'r0123456789a', 0), 'iris-r0123456789a-0');
  });
});
