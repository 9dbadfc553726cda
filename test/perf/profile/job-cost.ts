/**
 * What a Job adds to a bare `modelwright bench`: the same command against the same server, once as a process, once by a ModelProfile whose load pod is such a process
 * (`hack/controlplane/job-processes`). Scheduler, Job controller and operator are real; a container and the pull of its image are not among it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ModelProfile, modelProfile } from '../../../src/api/model-profile/index.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { connect } from '../../../src/kube/rest-client.ts';
import { startTruthServer, type TruthServer } from '../../load/servers/start.ts';
import { ProfilePlane } from '../../support/profile-plane.ts';
import { type Figure, figure } from '../figure.ts';

const root = resolve(import.meta.dirname, '../../..');
const seconds = 3;

/** Milliseconds from the order to the first request at the server, and to the end. */
interface Course {
  readonly first: number;
  readonly whole: number;
}

export async function jobCost(rounds: number): Promise<readonly Figure[]> {
  await using plane = await ProfilePlane.start('bench-job-cost');
  await using server = await startTruthServer({ kind: 'fixed', microseconds: 5000 });
  const client = await connect({ kubeconfig: plane.plane.kubeconfig, product: 'bench' });
  try {
    const bare: Course[] = [];
    const asJob: Course[] = [];
    for (let round = 0; round < rounds; round++) {
      bare.push(await ofProcess(server));
      asJob.push(await ofProfile(client, plane.namespace, `cost-${round}`, server));
      console.error(`  round ${round + 1}: ${JSON.stringify({ bare: bare.at(-1), asJob: asJob.at(-1) })}`);
    }
    const added = asJob.map(({ whole }, i) => whole - (bare[i] as Course).whole);
    const told = (courses: readonly Course[]) =>
      courses.map(({ first, whole }) => ({ first: Math.round(first), whole: Math.round(whole) }));
    return [
      figure(`what a Job adds to modelwright bench, one point of ${seconds} s`, 'ms', added, {
        detail: { bare: told(bare), asJob: told(asJob) },
      }),
    ];
  } finally {
    await client.close();
  }
}

/** The command line of a load pod, without what only a pod has. */
async function ofProcess(server: TruthServer): Promise<Course> {
  const began = performance.now();
  const first = firstRequest(server, began);
  const flags = [
    '--model',
    'truth',
    '--points',
    'b1-c2',
    '--duration',
    `${seconds}s`,
    '--warmup',
    '0s',
    '--no-repeat-first',
    '--no-verdict',
  ];
  const program = ['-r', resolve(root, 'hack/require-node.cjs'), resolve(root, 'src/cli/main.ts')];
  const child = spawn(process.execPath, [...program, 'bench', server.url, ...flags, '-o', 'none'], { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`modelwright bench ended with ${code}`);
  return { first: await first, whole: performance.now() - began };
}

async function ofProfile(client: KubeClient, namespace: string, name: string, server: TruthServer): Promise<Course> {
  const profile: ModelProfile = {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name, namespace },
    spec: {
      target: { url: server.url, modelName: 'truth' },
      sweep: { concurrency: [2] },
      load: { warmupSeconds: 0, durationSeconds: seconds },
      budget: { maxRepeatsPerPoint: 0 },
      reuse: 'Never',
    },
  };
  const began = performance.now();
  const first = firstRequest(server, began);
  await client.create(modelProfile, profile);
  for (;;) {
    const { status } = await client.get(modelProfile, { namespace, name });
    if (status?.run?.state === 'Complete') break;
    if (status?.run?.state === 'Failed') throw new Error(`the run failed: ${status.run.message}`);
    await sleep(20);
  }
  return { first: await first, whole: performance.now() - began };
}

/** Milliseconds until the server has received one more request than it had. */
async function firstRequest(server: TruthServer, began: number): Promise<number> {
  const { received } = await server.counts();
  while ((await server.counts()).received <= received) await sleep(5);
  return performance.now() - began;
}
