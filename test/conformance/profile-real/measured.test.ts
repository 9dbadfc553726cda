/**
 * ModelProfiles from `kubectl apply` to the figures in their status, with nothing between them played but the nodes: the Job controller makes
 * the Pods, their command runs as a process, and it loads servers whose truth is known. Other programs keep this machine busy, so that what
 * is asserted holds under any delay: counts, lower bounds, Little's law.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ModelProfileSpec, ProfileResult } from '../../../src/api/model-profile/index.ts';
import { startTruthServer } from '../../load/servers/start.ts';
import { ProfilePlane, resultOf } from '../../support/profile-plane.ts';

const run = promisify(execFile);
const main = resolve(import.meta.dirname, '../../../src/cli/main.ts');
const short = { load: { warmupSeconds: 1, durationSeconds: 3 }, budget: { maxRepeatsPerPoint: 0 } } satisfies Partial<ModelProfileSpec>;

function consistent(result: ProfileResult): void {
  const { latencyMicroseconds: latency, concurrency } = result;
  assert.ok(latency !== undefined);
  const { min, p50, p90, p95, p99, p999, max, mean, p99Low, p99High } = latency;
  assert.deepEqual(
    [min, p50, p90, p95, p99, p999, max],
    [min, p50, p90, p95, p99, p999, max].toSorted((a, b) => a - b),
    result.id,
  );
  assert.ok((p99Low ?? 0) <= p99 && p99 <= (p99High ?? Number.POSITIVE_INFINITY), result.id);
  const [low, at, high] = [result.samplesPerSecondLow, result.samplesPerSecond, result.samplesPerSecondHigh].map(Number) as [
    number,
    number,
    number,
  ];
  assert.ok(low <= at && at <= high, result.id);
  assert.ok(Math.abs(at / result.batchSize - Number(result.requestsPerSecondMeasured)) < 0.5, result.id);
  // Little's law: what is in flight is throughput × latency, however slow either was made.
  if (concurrency !== undefined && result.errors === 0) {
    const inFlight = (Number(result.requestsPerSecondMeasured) * mean) / 1e6;
    assert.ok(Math.abs(inFlight / concurrency - 1) < 0.2, `${result.id}: ${inFlight} in flight`);
  }
}

describe('a ModelProfile that is measured', () => {
  let plane: ProfilePlane;
  before(async () => {
    plane = await ProfilePlane.start('profile-real');
  });
  after(() => plane[Symbol.asyncDispose]());

  it('has in its status what its server did: every setting, no request too many, none faster than the server', async () => {
    await using server = await startTruthServer({ kind: 'fixed', microseconds: 20_000 });
    const profile = await plane.measure('fixed', {
      ...short,
      target: { url: server.url, modelName: 'truth' },
      sweep: { batchSizes: [1, 4], concurrency: [2, 16] },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 10_000 }] },
    });
    const { status } = profile;
    assert.equal(status?.run?.state, 'Complete');
    assert.deepEqual(status?.results?.map(({ id }) => id).toSorted(), ['b1-c16', 'b1-c2', 'b4-c16', 'b4-c2']);
    for (const result of status?.results ?? []) {
      consistent(result);
      assert.equal(result.errors, 0);
      assert.ok((result.latencyMicroseconds?.min ?? 0) >= 20_000, `${result.id}: no reply comes before 20 ms`);
    }
    const { received } = await server.counts();
    const measured = (status?.results ?? []).reduce((sum, { requests }) => sum + requests, 0);
    assert.ok(measured <= received, `${measured} requests measured, ${received} received`);
    assert.ok(resultOf(profile, 'b1-c16').requests > 2 * resultOf(profile, 'b1-c2').requests, 'eight times the concurrency');
    assert.deepEqual([status?.progress?.summary, status?.provenance?.target], ['4/4', new URL(server.url).host]);
    // The setting that is recommended is one of those that are valid, if any is.
    const valid = (status?.results ?? []).filter((result) => result.valid).map(({ id }) => id);
    assert.equal(status?.best === undefined, valid.length === 0);
    if (status?.best !== undefined) assert.ok(valid.includes(status.best.id));
  });

  it('counts failures by what they were, and ranks no point that has too many', async () => {
    await using server = await startTruthServer({ kind: 'failing', microseconds: 10_000, share: 0.2, as: 'status' });
    const profile = await plane.measure('failing', {
      ...short,
      target: { url: server.url, modelName: 'truth' },
      sweep: { concurrency: [8] },
    });
    const result = resultOf(profile, 'b1-c8');
    assert.deepEqual(result.errorClasses, { http5xx: result.errors });
    const share = result.errors / result.requests;
    const chance = 5 * Math.sqrt((0.2 * 0.8) / result.requests);
    assert.ok(Math.abs(share - 0.2) < chance, `${share} of ${result.requests} failed, 0.2 ± ${chance} are to`);
    assert.ok(result.invalidReasons?.includes('Errors'));
    assert.equal(profile.status?.best, undefined);
    assert.match(profile.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '', /not valid/);
  });

  it('sends an open loop at its rate, and never more than it may', async () => {
    await using server = await startTruthServer({ kind: 'fixed', microseconds: 2000 });
    const target = { url: server.url, modelName: 'truth' };
    const open = await plane.measure('open', { ...short, target, sweep: { requestsPerSecond: [100] } });
    const { requests, requestsPerSecond } = resultOf(open, 'b1-r100');
    assert.equal(requestsPerSecond, '100');
    assert.ok(Math.abs(requests - 300) < 5 * Math.sqrt(300), `${requests} were due, Poisson of 300`);

    const before = (await server.counts()).received;
    const capped = await plane.measure('capped', { ...short, target, sweep: { concurrency: [8] }, live: { maxRequestsPerSecond: 40 } });
    const sent = (await server.counts()).received - before;
    // A second of warm-up and three of measurement; before them the first request and those that check the payload.
    assert.ok(sent <= 40 * 4 + 40, `${sent} requests`);
    assert.ok(Number(resultOf(capped, 'b1-c8').requestsPerSecondMeasured) <= 44);
  });

  it('carries token and payload as files, and shows neither', async () => {
    const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        if (request.method === 'POST') seen.push({ headers: request.headers, body });
        const rows = request.method === 'POST' ? (JSON.parse(body) as { instances: unknown[] }).instances.length : 0;
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ predictions: new Array(rows).fill(1) }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { namespace } = plane;
      const token = 'a-token-that-nobody-may-see';
      await plane.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token', namespace }, stringData: { key: token } });
      const sample = JSON.stringify({ instances: [[6.8, 2.8, 4.8, 1.4]] });
      await plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'samples', namespace }, data: { 'iris.json': sample } });
      const profile = await plane.measure('secret', {
        ...short,
        target: {
          url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          modelName: 'iris',
          protocol: 'V1',
          host: 'iris.example.com',
          tokenSecretRef: { name: 'token', key: 'key' },
        },
        payload: { configMapKeyRef: { name: 'samples', key: 'iris.json' } },
        sweep: { batchSizes: [3], concurrency: [2] },
      });
      assert.equal(resultOf(profile, 'b3-c2').errors, 0);
      assert.ok(seen.length >= resultOf(profile, 'b3-c2').requests);
      for (const { headers, body } of seen.slice(-20)) {
        assert.equal(headers.authorization, `Bearer ${token}`);
        assert.equal(headers.host, 'iris.example.com');
        assert.equal((JSON.parse(body) as { instances: unknown[] }).instances.length, 3);
      }
      const shown = await plane.plane.kubectl(['get', 'modelprofiles,jobs,pods,events', '-n', namespace, '-o', 'yaml']);
      assert.ok(!shown.includes(token));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('is run, waited for, compared and exported from the command line', async () => {
    await using server = await startTruthServer({ kind: 'fixed', microseconds: 30_000 });
    const modelwright = (...args: string[]) =>
      run(process.execPath, [main, 'profile', ...args, '-n', plane.namespace], {
        env: { ...process.env, KUBECONFIG: plane.plane.kubeconfig },
      });
    const flags = ['--url', server.url, '--model', 'truth', '--concurrency', '8', '--duration', '3s', '--warmup', '1s', '--repeats', '0'];
    const first = await modelwright('run', 'typed', ...flags, '--wait');
    assert.match(first.stderr, /ModelProfile typed made/);
    assert.match(first.stdout, /run \w+ Complete, 1\/1 points\n.*\n\nPOINT .*\nb1-c8 /);
    const folder = mkdtempSync(join(tmpdir(), 'modelwright-typed-'));
    try {
      await modelwright('export', 'typed', '--json', join(folder, 'first.json'), '--html', join(folder, 'page.html'));
      assert.match(readFileSync(join(folder, 'page.html'), 'utf8'), /<svg/);
      const second = await modelwright('run', 'typed', '--wait');
      assert.match(second.stderr, /is run again: spec\.runId cli-/);
      // Noise may make either run better or worse; a verdict there is, for the same point.
      const diff = await modelwright('diff', join(folder, 'first.json'), 'typed').catch((error: { stdout: string }) => error);
      assert.match(diff.stdout, /^b1-c8 +throughput +\S+\/s \[.*\n(.*\n)*verdict: (better|worse|no evidence)\n$/m);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('ends at once when it is suspended, and keeps its hands off the server', async () => {
    await using server = await startTruthServer({ kind: 'fixed', microseconds: 5000 });
    const spec = { target: { url: server.url, modelName: 'truth' }, sweep: { concurrency: [1] }, load: { durationSeconds: 600 } };
    await plane.apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelProfile', metadata: { name: 'stopped' }, spec });
    const deadline = Date.now() + 120_000;
    while ((await server.counts()).received < 50) {
      assert.ok(Date.now() < deadline, 'the load pod never asked anything');
      await new Promise((done) => setTimeout(done, 200));
    }
    await plane.plane.kubectl([
      'patch',
      'modelprofile',
      'stopped',
      '-n',
      plane.namespace,
      '--type=merge',
      '-p',
      '{"spec":{"suspend":true}}',
    ]);
    const profile = await plane.until('stopped', ({ status }) => status?.run?.state === 'Cancelled', 120);
    assert.equal(profile.status?.conditions?.find(({ type }) => type === 'Ready')?.reason, 'Suspended');
    await plane.plane.kubectl([
      'wait',
      '--for=delete',
      'pod',
      '-n',
      plane.namespace,
      '-l',
      `modelwright.dev/run=${profile.status?.run?.id}`,
      '--timeout=60s',
    ]);
    const { received } = await server.counts();
    await new Promise((done) => setTimeout(done, 1000));
    assert.equal((await server.counts()).received, received, 'nothing is sent any more');
  });
});
