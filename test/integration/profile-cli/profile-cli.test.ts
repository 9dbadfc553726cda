/** `modelwright profile` against a real API server; the operator's part, the status, is written by the tests. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ModelProfile, ModelProfileStatus } from '../../../src/api/model-profile/index.ts';
import { aProfile, aResult } from '../../../src/cli/profile/profile.fixture.ts';
import { applyCrds, freshNamespace, get, kubeconfig, kubectl } from '../../support/cluster.ts';

const main = resolve(import.meta.dirname, '../../../src/cli/main.ts');

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('modelwright profile', () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  const folder = mkdtempSync(join(tmpdir(), 'modelwright-profile-cli-'));
  before(async () => {
    await applyCrds();
    namespace = await freshNamespace('profile');
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await namespace[Symbol.asyncDispose]();
  });

  const start = (args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [main, 'profile', ...args, '-n', namespace.name], {
      env: { ...process.env, KUBECONFIG: kubeconfig() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const finished = (child: ChildProcess): Promise<Ran> => {
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    return new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr })));
  };
  const run = (...args: string[]) => finished(start(args));
  const read = (name: string) => get<ModelProfile>('modelprofile', name, namespace.name);
  const tell = (name: string, status: ModelProfileStatus) =>
    kubectl([
      'patch',
      'modelprofile',
      name,
      '-n',
      namespace.name,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ]);
  const measured = (generation: number, runId: string | undefined, more: Partial<ModelProfileStatus> = {}): ModelProfileStatus => {
    const status = aProfile(more).status as ModelProfileStatus;
    const { requestedRunId: _, ...latest } = status.run as NonNullable<ModelProfileStatus['run']>;
    return { ...status, observedGeneration: generation, run: { ...latest, ...(runId !== undefined && { requestedRunId: runId }) } };
  };

  it('run makes a profile of the ModelDeployment of the same name', async () => {
    const { code, stderr } = await run('run', 'resnet', '--batch', '1,8', '--concurrency', '1,4', '--slo', 'p99=50ms');
    assert.equal(code, 0, stderr);
    const { spec } = await read('resnet');
    assert.deepEqual(spec.target, { modelDeployment: 'resnet' });
    // With what the API server fills in.
    assert.deepEqual(spec.sweep, { batchSizes: [1, 8], concurrency: [1, 4], arrivals: 'Poisson' });
    assert.deepEqual(spec.objective?.latency, [{ percentile: 'p99', maxMilliseconds: 50 }]);
    assert.match(stderr, /ModelProfile resnet made\nsee how far it is: modelwright profile watch resnet/);
  });

  it('run again changes spec.runId alone; with other flags it is refused and names the fields', async () => {
    const before = (await read('resnet')).spec;
    const again = await run('run', 'resnet');
    assert.equal(again.code, 0, again.stderr);
    const { runId, ...rest } = (await read('resnet')).spec;
    assert.match(runId ?? '', /^cli-\d{8}t\d{9}z$/);
    assert.deepEqual(rest, before);
    const same = await run('run', 'resnet', '--batch', '1,8', '--concurrency', '1,4', '--slo', 'p99=50ms', '--run-id', 'mine');
    assert.equal(same.code, 0, same.stderr);
    assert.equal((await read('resnet')).spec.runId, 'mine');
    const other = await run('run', 'resnet', '--batch', '1,2', '--concurrency', '1,4');
    assert.equal(other.code, 2);
    assert.match(other.stderr, /ModelProfile resnet exists with another spec\.sweep; change it with kubectl edit/);
    assert.equal((await read('resnet')).spec.runId, 'mine', 'nothing was changed');
  });

  it('run --wait says what comes in, shows the results, and ends with 4 where no setting keeps the objective', async () => {
    const child = start(['run', 'resnet', '--run-id', 'waited', '--wait']);
    const ended = finished(child);
    const { generation = 0 } = await until(
      () => read('resnet'),
      ({ spec }) => spec.runId === 'waited',
    ).then(({ metadata }) => metadata);
    const [first] = aProfile().status?.results ?? [];
    assert.ok(first !== undefined);
    await tell(
      'resnet',
      measured(generation, 'waited', {
        results: [first],
        progress: { done: 1, total: 4, summary: '1/4' },
        run: { ...runOf(), state: 'Running' },
      }),
    );
    // A status of the generation before says nothing about this run, whatever it says.
    await tell('resnet', { ...measured(generation, 'waited'), observedGeneration: generation - 1 });
    const missed = aProfile().status?.conditions?.map((one) =>
      one.type === 'SLOMet'
        ? { ...one, status: 'False' as const, reason: 'NoPointQualifies', message: 'no setting keeps the constraints' }
        : one,
    );
    await tell('resnet', measured(generation, 'waited', missed === undefined ? {} : { conditions: missed }));
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 4, stderr);
    assert.match(stderr, /^\[1\/4\] b1-c1: 120\.0\/s, p50 4\.000 ms, p99 8\.000 ms, 0 errors$/m);
    assert.match(stderr, /^\[4\/4\] b8-c4: 470\.0\/s/m);
    assert.match(stdout, /^SLOMet False \(NoPointQualifies\)/m);
    assert.match(stdout, /^b8-c1 .* BEST$/m);
  });

  it('show prints every format; export writes files, and a redacted one names no machine', async () => {
    const table = await run('show', 'resnet');
    assert.equal(table.code, 0, table.stderr);
    assert.match(table.stdout, /^b8-c4 .*rejected: p99 90 ms is above 50 ms$/m);
    const yaml = await run('show', 'resnet', '-o', 'yaml');
    assert.match(yaml.stdout, /^kind: ModelProfile$/m);
    assert.ok(!yaml.stdout.includes('managedFields'));
    const [page, json] = [join(folder, 'resnet.html'), join(folder, 'resnet.json')];
    const exported = await run('export', 'resnet', '--redact', '--html', page, '--json', json);
    assert.equal(exported.code, 0, exported.stderr);
    assert.match(readFileSync(page, 'utf8'), /<svg/);
    assert.ok(!readFileSync(json, 'utf8').includes('our.example'));
    const offline = await run('show', json);
    assert.match(offline.stdout, /^b8-c1 .* BEST$/m);
    const wrong = await run('show', 'resnet', '-o', 'xml');
    assert.equal(wrong.code, 2);
  });

  it('diff compares the last two runs, two profiles, or one with a file, and ends with 1 where something is worse', async () => {
    const runs = await run('diff', 'resnet');
    assert.equal(runs.code, 1, runs.stderr);
    assert.match(runs.stdout, /^best +throughput +520\/s \[510, 530\] +410\/s \[401\.8, 418\.2\] +-21\.2 % +worse$/m);
    const { generation = 0 } = (await read('resnet')).metadata;
    await run('export', 'resnet', '--json', join(folder, 'before.json'));
    await tell('resnet', measured(generation, 'waited', { results: [aResult(8, 1, 20_000, 600)] }));
    const better = await run('diff', join(folder, 'before.json'), 'resnet', '-o', 'json');
    assert.equal(better.code, 0, better.stderr);
    const { verdict, onlyBefore } = JSON.parse(better.stdout) as { verdict: string; onlyBefore: string[] };
    assert.equal(verdict, 'better');
    assert.deepEqual(onlyBefore.toSorted(), ['b1-c1', 'b1-c4', 'b8-c4']);
    const unknown = await run('diff', 'resnet@nope', 'resnet');
    assert.match(unknown.stderr, /knows no run "nope"; it has run-2b, run-1a/);
  });

  it('watch ends with the run, and cancel suspends; run takes it up again', async () => {
    const cancelled = await run('cancel', 'resnet');
    assert.equal(cancelled.code, 0, cancelled.stderr);
    assert.equal((await read('resnet')).spec.suspend, true);
    assert.match((await run('cancel', 'resnet')).stdout, /suspended already/);
    const { generation = 0 } = (await read('resnet')).metadata;
    await tell('resnet', measured(generation, 'waited', { run: { ...runOf(), state: 'Cancelled' } }));
    const watched = await run('watch', 'resnet');
    assert.equal(watched.code, 1);
    assert.equal((await run('run', 'resnet')).code, 0);
    assert.equal((await read('resnet')).spec.suspend, false);
  });

  it('says in a sentence what is not there, and what the API server refuses', async () => {
    const absent = await run('show', 'nobody');
    assert.match(
      absent.stderr,
      new RegExp(`^error: there is no ModelProfile nobody in namespace ${namespace.name}; make one with: modelwright profile run nobody`),
    );
    const refused = await run('run', 'far', '--url', 'http://far.example', '--concurrency', '1');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /spec\.target\.modelName is needed with spec\.target\.url/);
    const usage = await run('run', 'far', '--rate', '10', '--search', 'rate');
    assert.deepEqual([usage.code, usage.stderr], [2, 'error: --concurrency, --rate and --search exclude each other\n']);
  });
});

function runOf(): NonNullable<ModelProfileStatus['run']> {
  const run = aProfile().status?.run;
  assert.ok(run !== undefined);
  return run;
}

async function until<T>(read: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    assert.ok(Date.now() < deadline, JSON.stringify(value));
    await new Promise((done) => setTimeout(done, 100));
  }
}
