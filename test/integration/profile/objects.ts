import type { ModelProfile } from '../../../src/api/model-profile/index.ts';
import { compactPoint } from '../../../src/controllers/profile/testing/objects.ts';
import type { Load } from '../../../src/load/point.ts';
import { type CompactPoint, encodePoint } from '../../../src/load/point-code.ts';
import { get, list } from '../../support/cluster.ts';
import type { Told } from '../deployment/objects.ts';

export type Profiled = ModelProfile & { readonly metadata: { readonly uid: string; readonly generation: number } };

/** A small sound profile of ModelDeployment `iris`, with what a test is about laid over its spec. */
export function aModelProfile(name: string, namespace: string, spec: object = {}): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name, namespace },
    spec: { target: { modelDeployment: 'iris' }, sweep: { batchSizes: [1, 2], concurrency: [1, 4] }, ...spec },
  };
}

export function profiled(name: string, namespace: string): Promise<Profiled> {
  return get<Profiled>('modelprofile', name, namespace);
}

/** Whether the operator has judged the latest spec, and Ready has this reason. */
export function reports(reason: string, status?: string): (profile: Profiled) => boolean {
  return (profile) => {
    const ready = profile.status?.conditions?.find(({ type }) => type === 'Ready');
    const isCurrent = profile.status?.observedGeneration === profile.metadata.generation;
    return isCurrent && ready?.reason === reason && (status === undefined || ready.status === status);
  };
}

export interface Job {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly completions: number;
    readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } };
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Load Jobs of a profile, the oldest first. */
export async function jobsOf(profile: Profiled): Promise<Job[]> {
  const jobs = await list<Job>('job', profile.metadata.namespace);
  return jobs
    .filter(({ metadata }) => metadata.labels['modelwright.dev/profile-uid'] === profile.metadata.uid)
    .sort((a, b) => a.metadata.name.localeCompare(b.metadata.name, 'en', { numeric: true }));
}

/** Events about a ModelProfile. */
export async function profileEvents(name: string, namespace: string): Promise<Told[]> {
  return (await list<Told>('events', namespace)).filter(
    ({ involvedObject }) => involvedObject.kind === 'ModelProfile' && involvedObject.name === name,
  );
}

/** A sound point of known figures: throughput 100 × batch, p99 9 ms × concurrency. */
export function measured(run: string, batchSize: number, load: Load, change: Partial<CompactPoint> = {}): CompactPoint {
  const level = load.loop === 'closed' ? load.concurrency : load.requestsPerSecond;
  const p99 = 9000 * level;
  return compactPoint(run, batchSize, load, {
    latencyMicroseconds: { min: 1000, mean: 4000, p50: 4000, p90: 6000, p95: 7000, p99, p999: p99 + 1000, max: p99 + 2000 },
    p99LowMicroseconds: p99 - 500,
    p99HighMicroseconds: p99 + 500,
    completedAtSeconds: Math.round(Date.now() / 1000),
    ...change,
  });
}

/** The points that an index of a Job is to measure. */
export function askedOf(job: Job, index: number): { readonly batchSize: number; readonly load: Load }[] {
  const [{ args = [] } = {}] = job.spec.template.spec.containers;
  const lists = args.flatMap((arg, i) => (arg === '--points' ? [args[i + 1] ?? ''] : []));
  return (lists[index] ?? '').split(',').map((text) => {
    const [, batch, concurrency] = /^b(\d+)-c(\d+)$/.exec(text) ?? [];
    if (batch === undefined || concurrency === undefined) throw new Error(`"${text}" is no point of a closed loop`);
    return { batchSize: Number(batch), load: { loop: 'closed', concurrency: Number(concurrency) } };
  });
}

/** What a load pod of this index writes when all goes well. `change` may alter each point. */
export function messageFor(job: Job, index: number, change: (point: CompactPoint) => CompactPoint = (point) => point): string {
  const run = job.metadata.labels['modelwright.dev/run'] ?? '';
  return askedOf(job, index)
    .map(({ batchSize, load }) => `${encodePoint(change(measured(run, batchSize, load)))}\n`)
    .join('');
}
