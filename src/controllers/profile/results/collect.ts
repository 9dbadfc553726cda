/** Takes results from what the pods of a run's Jobs left behind, and refuses whatever is not theirs to say. */
import type { ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import { redactText } from '../../../kserve/redact-text.ts';
import type { Cached } from '../../../kube/store.ts';
import { pointId } from '../../../load/point.ts';
import { type CompactPoint, decodePoints, isPointLine } from '../../../load/point-code.ts';
import type { StoredReport } from '../../../load/report-code.ts';
import { indexLabel, loadContainer } from '../labels.ts';
import { type JobPlan, planOfJob } from '../plan/job-plan.ts';
import { prefixed } from '../plan/tasks.ts';
import { archiveName } from '../report/names.ts';
import type { JobObject, LoadPodObject } from '../resources.ts';
import { invalidated, resultOf } from './result.ts';

/** A message that was not taken. */
export interface Refusal {
  readonly pod: string;
  readonly podUid: string;
  readonly why: string;
}

/** What a pod said when it ended without measuring all it should. */
export interface Failure {
  readonly pod: string;
  readonly job: string;
  readonly exitCode: number;
  /** Its own words, shortened, with secrets replaced. */
  readonly message: string;
}

export interface Collected {
  readonly results: readonly ProfileResult[];
  readonly refusals: readonly Refusal[];
  readonly failures: readonly Failure[];
  /** What the pods said of their full reports, by the names of the archives. */
  readonly stored: ReadonlyMap<string, StoredReport>;
}

export interface Evidence {
  readonly run: NonNullable<ModelProfileStatus['run']>;
  /** Jobs of the run, owned by the profile. */
  readonly jobs: readonly Cached<JobObject>[];
  /** Pods that have the label of the run. */
  readonly pods: readonly Cached<LoadPodObject>[];
  /** Results that were taken earlier. */
  readonly known: readonly ProfileResult[];
}

/** Lays what has newly come in over the known results. The same evidence twice gives the same results. */
export function collect({ run, jobs, pods, known }: Evidence): Collected {
  const byJob = new Map(jobs.map((job) => [job.metadata.uid, job]));
  const results = new Map(known.map((result) => [result.id, result]));
  const refusals: Refusal[] = [];
  const failures: Failure[] = [];
  const stored = new Map<string, StoredReport>();
  const taken = new Map<string, string>();
  for (const pod of pods.toSorted(byCreation)) {
    const job = byJob.get(pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid ?? '');
    const ended = terminationOf(pod);
    if (job === undefined || ended === undefined) continue;
    const refuse = (why: string) => refusals.push({ pod: pod.metadata.name, podUid: pod.metadata.uid, why });
    const index = Number(pod.metadata.labels?.[indexLabel]);
    const plan = planOfJob(job);
    const counts = plan?.indexes[index];
    if (plan === undefined || counts === undefined) {
      refuse(`completion index ${pod.metadata.labels?.[indexLabel] ?? '(none)'} is none of Job ${job.metadata.name}`);
      continue;
    }
    // Interrupted before it had measured anything, or refused by the server: in its own words, not in points.
    if (ended.exitCode !== 0 && !isPointLine(ended.message)) {
      failures.push({
        pod: pod.metadata.name,
        job: job.metadata.name,
        exitCode: ended.exitCode,
        message: clip(redactText(ended.message.trim())),
      });
      continue;
    }
    const decoded = decodePoints(ended.message, run.id);
    const wrong = decoded.ok ? wrongPoints(decoded.points, plan, counts) : decoded.reason;
    if (wrong !== undefined) {
      refuse(wrong);
      continue;
    }
    const slot = `${job.metadata.name}/${index}`;
    if (taken.has(slot)) {
      refuse(`index ${index} of Job ${job.metadata.name} was told by pod ${taken.get(slot)} already`);
      continue;
    }
    taken.set(slot, pod.metadata.name);
    if (decoded.ok && decoded.stored !== null) stored.set(archiveName(job.metadata.name, index), decoded.stored);
    const disturbance = run.disturbances?.find((one) => one.job === job.metadata.name && one.index === index)?.reason;
    for (const point of decoded.ok ? decoded.points : []) {
      const result = resultOf(point, repeatsOf(point, plan, counts), plan.hardware);
      const judged = disturbance === undefined ? result : invalidated(result, disturbance);
      const before = results.get(result.id);
      // What was taken once stays, but for a later measurement of the same setting, and for what came to light about its time since.
      if (before === undefined || (before.repeats ?? 0) < (judged.repeats ?? 0) || isSame(before, judged)) results.set(result.id, judged);
    }
  }
  return { results: [...results.values()], refusals, failures, stored };
}

/** Same measurement, whatever has come to light about it. */
function isSame(a: ProfileResult, b: ProfileResult): boolean {
  return a.completedAt === b.completedAt && a.requests === b.requests && (a.repeats ?? 0) === (b.repeats ?? 0);
}

/** Why the points are not those of the index; undefined when they are. */
function wrongPoints(points: readonly CompactPoint[], plan: JobPlan, counts: Readonly<Record<string, number>>): string | undefined {
  const seen = new Set<string>();
  for (const point of points) {
    const id = prefixed(plan.hardware, pointId(point.batchSize, point.load));
    if (counts[id] === undefined && counts[searchId(point, plan)] === undefined)
      return `point ${id} is not one that this index was to measure`;
    if (seen.has(id)) return `point ${id} is there twice`;
    seen.add(id);
  }
  return undefined;
}

function repeatsOf(point: CompactPoint, plan: JobPlan, counts: Readonly<Record<string, number>>): number {
  return counts[prefixed(plan.hardware, pointId(point.batchSize, point.load))] ?? counts[searchId(point, plan)] ?? 0;
}

function searchId({ batchSize }: CompactPoint, { hardware }: JobPlan): string {
  return prefixed(hardware, `b${batchSize}-search`);
}

/** How the measuring container ended; undefined while it has not. */
export function terminationOf({ status }: Cached<LoadPodObject>): { readonly exitCode: number; readonly message: string } | undefined {
  const terminated = status?.containerStatuses?.find(({ name }) => name === loadContainer)?.state?.terminated;
  return terminated === undefined ? undefined : { exitCode: terminated.exitCode ?? 1, message: terminated.message ?? '' };
}

function byCreation(a: Cached<LoadPodObject>, b: Cached<LoadPodObject>): number {
  const [x, y] = [`${a.metadata.creationTimestamp} ${a.metadata.name}`, `${b.metadata.creationTimestamp} ${b.metadata.name}`];
  return x < y ? -1 : x > y ? 1 : 0;
}

function clip(text: string): string {
  const last = text.split('\n').findLast((line) => line.startsWith('error:')) ?? text;
  const plain = last.replace(/^error:\s*/, '').replace(/\s+/g, ' ');
  return plain.length <= 512 ? plain : `${plain.slice(0, 511)}…`;
}
