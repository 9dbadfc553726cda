/**
 * What profiles cost the operator: memory, CPU, writes for each measured point, and the size of a full status. Job controller and kubelets
 * are played, so that the time goes to the operator and the API server alone.
 *
 *   npm run bench -- profile [--profiles 500] [--points 60] [--job-rounds 5]
 *
 * and what a Job adds to a bare `modelwright bench` (`--job-rounds 0` leaves that out, `--profiles 0` all the rest).
 */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Thing } from '../../faults/api.ts';
import { type Figure, figure } from '../figure.ts';
import { Audit, isWrite } from '../operator/audit.ts';
import { startCluster } from '../operator/cluster.ts';
import { inParallel } from '../operator/objects.ts';
import { Operator } from '../operator/operator.ts';
import { jobCost } from './job-cost.ts';
import { JobPlayer } from './job-player.ts';

const root = resolve(import.meta.dirname, '../../..');
const namespace = 'profiles';
const profilesPath = `/apis/modelwright.dev/v1alpha1/namespaces/${namespace}/modelprofiles`;
/** As many runs at once as a ServingPlatform may ask for. */
const maxConcurrentRuns = 100;

export async function bench(args: readonly string[]): Promise<readonly Figure[]> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      profiles: { type: 'string', default: '500' },
      points: { type: 'string', default: '60' },
      'job-rounds': { type: 'string', default: '5' },
    },
  });
  const [count, points, rounds] = [Number(values.profiles), Number(values.points), Number(values['job-rounds'])];
  return [...(count > 0 ? await manyProfiles(count, points) : []), ...(rounds > 0 ? await jobCost(rounds) : [])];
}

async function manyProfiles(count: number, points: number): Promise<readonly Figure[]> {
  execFileSync(process.execPath, ['hack/build.ts'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  await using cluster = await startCluster((line) => console.error(`  ${line}`));
  const { api, access, plane } = cluster;
  await plane.kubectl(['apply', '--server-side', '-f', join(root, 'crds')]);
  await plane.established(['-f', join(root, 'crds')]);
  await cluster.namespace(namespace);
  // Pods are refused without it, and there is no controller that makes it.
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } };
  await api.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, account, { accepted: [409] });
  await api.must('POST', '/apis/modelwright.dev/v1alpha1/servingplatforms', {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ServingPlatform',
    metadata: { name: 'default' },
    spec: { benchmark: { maxConcurrentRuns }, policy: { targetHosts: ['*.example.com'] } },
  });
  const operator = await Operator.start({ program: join(root, 'dist/modelwright.js'), access, args: ['--namespaces', namespace] });
  const player = new JobPlayer(api, namespace);
  try {
    await operator.ready();
    await sleep(2000);
    const idle = operator.memory().resident;
    const [audit, cpu, began] = [new Audit(plane.auditLog), operator.cpu(), performance.now()];
    await inParallel(
      Array.from({ length: count }, (_, i) => i),
      8,
      async (i) => void (await api.must('POST', profilesPath, profileOf(i, points))),
    );
    player.start();
    const done = await measured(operator, count, api);
    const seconds = (performance.now() - began) / 1000;
    const writes = audit.all().filter(isWrite);
    const ofStatus = writes.filter(({ resource, subresource }) => resource === 'modelprofiles' && subresource === 'status');
    const jobs = writes.filter(({ resource, verb }) => resource === 'jobs' && verb === 'create');
    const full = JSON.stringify(done['status']).length;
    const withFields = await api.must('GET', `${profilesPath}/${done.metadata.name}`);
    const managed = JSON.stringify(withFields.metadata.managedFields).length;
    const memory = operator.memory();
    const all = `${count} profiles of ${points} points`;
    return [
      figure(`writes of status for each point, ${all}`, 'writes', [ofStatus.length / (count * points)], {
        goal: { atMost: 2 },
        detail: { statusWrites: ofStatus.length, allWrites: writes.length, seconds: Math.round(seconds) },
      }),
      figure(`Jobs for each profile, ${all}`, 'Jobs', [jobs.length / count], { goal: { atMost: 1 } }),
      figure(`peak memory of the operator, ${all}`, 'MB', [memory.peak], { detail: { idle, atTheEnd: memory.resident } }),
      figure(`CPU of the operator for each point, ${all}`, 'ms', [((operator.cpu() - cpu) * 1000) / (count * points)]),
      figure(`size of the status, ${points} points`, 'bytes', [full], {
        detail: { managedFields: managed, bytesPerPoint: Math.round(full / points) },
      }),
    ];
  } finally {
    await player.stop();
    await operator.stop();
  }
}

/** Waits until every profile is measured, by the operator's own metric; gives one of them. */
async function measured(operator: Operator, count: number, api: { must(method: string, path: string): Promise<Thing> }): Promise<Thing> {
  for (;;) {
    // A busy machine may not answer in time.
    const done = await operator.metric('modelwright_profiles', 'reason="Measured"').catch(() => 0);
    console.error(`  ${done} of ${count} measured`);
    if (done >= count) break;
    if (!operator.running) throw new Error(`the operator ended: ${operator.log()}`);
    await sleep(5000);
  }
  await sleep(3000);
  const { items } = (await api.must('GET', `${profilesPath}?limit=1`)) as unknown as { items: Thing[] };
  const [one] = items;
  if (one === undefined) throw new Error('there are no profiles');
  return one;
}

/** Hosts of their own, so that no two have the same target. */
function profileOf(index: number, points: number): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name: `profile-${index}`, namespace },
    spec: {
      target: { url: `http://m${index}.example.com`, modelName: 'm' },
      sweep: { concurrency: Array.from({ length: points }, (_, i) => i + 1) },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] },
    },
  };
}
