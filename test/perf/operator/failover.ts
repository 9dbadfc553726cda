/** How long nobody looks after the objects when the leader ends, by its own will or not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, figure, round } from '../figure.ts';
import type { Cluster } from './cluster.ts';
import { clear, deploymentOf, deploymentsPath, servicesPath } from './objects.ts';
import { Operator } from './operator.ts';

const namespace = 'failover';

export interface FailoverOptions {
  readonly cluster: Cluster;
  readonly program: string;
  readonly graceful: number;
  readonly killed: number;
  readonly say: (line: string) => void;
}

/** From the signal to the InferenceService of a ModelDeployment that was created at that moment; lease, deadline and retry as shipped: 15, 10 and 2 s. */
export async function failoverFigures({ cluster, program, graceful, killed, say }: FailoverOptions): Promise<Figure[]> {
  await cluster.namespace(namespace);
  const start = () =>
    Operator.start({
      program,
      access: cluster.access,
      args: ['--namespaces', namespace, '--leader-elect', '--leader-election-namespace', namespace],
    });
  const replicas = [await start(), await start()];
  const seconds = { SIGTERM: [] as number[], SIGKILL: [] as number[] };
  const ends: number[] = [];
  try {
    const signals = [...Array<'SIGTERM'>(graceful).fill('SIGTERM'), ...Array<'SIGKILL'>(killed).fill('SIGKILL')];
    for (const [run, signal] of signals.entries()) {
      for (const replica of replicas) await replica.ready();
      const leader = await leaderOf(replicas);
      const name = `m${run}`;
      const started = performance.now();
      const ended = leader.stop(signal).then(() => ends.push((performance.now() - started) / 1000));
      await cluster.api.must('POST', deploymentsPath(namespace), deploymentOf(namespace, name));
      await served(cluster, name);
      seconds[signal].push((performance.now() - started) / 1000);
      say(`failover by ${signal}: ${round((performance.now() - started) / 1000)} s`);
      await ended;
      replicas[replicas.indexOf(leader)] = await start();
      // A standby that has just come up must have seen the lease once.
      await sleep(3000);
    }
  } finally {
    for (const replica of replicas) await replica.stop('SIGKILL');
  }
  await clear(cluster.api, namespace);
  return [
    figure('failover, leader told to end', 's', seconds.SIGTERM, {
      goal: { atMost: 2 },
      detail: { processEndedAfter: ends.slice(0, graceful).map(round) },
    }),
    figure('failover, leader killed', 's', seconds.SIGKILL, { goal: { atMost: 20 } }),
  ];
}

async function leaderOf(replicas: readonly Operator[]): Promise<Operator> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    for (const replica of replicas) if ((await replica.metric('leader_election_master_status')) === 1) return replica;
    await sleep(100);
  }
  throw new Error('no replica became leader within 30 s');
}

async function served({ api }: Cluster, name: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 10) {
    if ((await api.request('GET', `${servicesPath(namespace)}/${name}`)).status === 200) return;
    await sleep(10);
  }
  throw new Error(`no InferenceService for ${name} within 60 s`);
}
