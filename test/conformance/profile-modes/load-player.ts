/**
 * Plays what `modelwright bench` leaves behind: the nodes are fake, and a load pod runs there until it has the annotation with its
 * termination message; this writes the one that the figures of a test make. The Jobs, their pods and their end are the cluster's own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { compactPoint } from '../../../src/controllers/profile/testing/objects.ts';
import { pointId } from '../../../src/load/point.ts';
import { type CompactPoint, encodePoint } from '../../../src/load/point-code.ts';
import { kubectl } from '../../support/cluster.ts';

/** What a point comes out as. */
export interface Figures {
  readonly p99Milliseconds: number;
  readonly perSecond: number;
}

interface LoadPod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly { readonly name: string }[];
  };
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly state?: { readonly running?: object };
    }[];
  };
}

interface Job {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
}

/** What kwok writes as the termination message. */
const messageAnnotation = 'fake-node.modelwright.dev/message';

export class LoadPlayer implements AsyncDisposable {
  readonly #namespace: string;
  readonly #figures: (id: string) => Figures | undefined;
  readonly #ended = new AbortController();
  readonly #work: Promise<void>;

  /** @param figures of a point by its id; undefined leaves its pods without a word. */
  constructor(namespace: string, figures: (id: string) => Figures | undefined) {
    this.#namespace = namespace;
    this.#figures = figures;
    this.#work = this.#play();
  }

  async #play(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await this.#round().catch(() => undefined);
      await sleep(250);
    }
  }

  async #round(): Promise<void> {
    const read = async <T>(kind: string): Promise<T[]> =>
      (JSON.parse(await kubectl(['get', kind, '-n', this.#namespace, '-l', 'modelwright.dev/role=load', '-o', 'json'])) as { items: T[] })
        .items;
    const jobs = await read<Job>('jobs');
    for (const pod of await read<LoadPod>('pods')) {
      const { metadata } = pod;
      const statuses = pod.status?.containerStatuses ?? [];
      if (metadata.annotations?.[messageAnnotation] !== undefined || !statuses.some(({ state }) => state?.running !== undefined)) continue;
      const message = this.#messageOf(
        pod,
        jobs.find(({ metadata }) => metadata.name === pod.metadata.ownerReferences[0]?.name),
      );
      if (message === undefined) continue;
      await kubectl(['annotate', 'pod', metadata.name, '-n', this.#namespace, `${messageAnnotation}=${message}`]);
    }
  }

  #messageOf({ metadata }: LoadPod, job: Job | undefined): string | undefined {
    if (job === undefined) return undefined;
    const index = Number(metadata.labels['batch.kubernetes.io/job-completion-index']);
    const { indexes } = JSON.parse(job.metadata.annotations['modelwright.dev/plan'] ?? '{"indexes":[]}') as {
      indexes: Record<string, number>[];
    };
    const lines = Object.keys(indexes[index] ?? {}).map((id, position) => {
      const figures = this.#figures(id);
      return figures && encodePoint(pointOf(id, position, metadata.labels['modelwright.dev/run'] ?? '', figures));
    });
    return lines.includes(undefined) ? undefined : lines.join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#work;
  }
}

function pointOf(id: string, index: number, run: string, { p99Milliseconds, perSecond }: Figures): CompactPoint {
  const [, batch, level] = /b(\d+)-c(\d+)$/.exec(id) ?? [];
  const batchSize = Number(batch);
  const load = { loop: 'closed', concurrency: Number(level) } as const;
  if (!id.endsWith(pointId(batchSize, load))) throw new Error(`cannot play the point ${id}`);
  const p99 = Math.round(p99Milliseconds * 1000);
  const at = (share: number) => Math.round(p99 * share);
  const requests = 10_000;
  const milli = Math.round(perSecond * 1000);
  return compactPoint(run, batchSize, load, {
    index,
    durationMilliseconds: 10_000,
    requests,
    succeeded: requests,
    throughputMilliPerSecond: milli,
    throughputLowMilliPerSecond: milli,
    throughputHighMilliPerSecond: milli,
    latencyMicroseconds: { min: at(0.2), mean: at(0.5), p50: at(0.5), p90: at(0.8), p95: at(0.9), p99, p999: at(1.1), max: at(1.2) },
    p99LowMicroseconds: at(0.99),
    p99HighMicroseconds: at(1.01),
    coldStartMicroseconds: at(2),
    sendLagP99Microseconds: 10,
    completedAtSeconds: Math.round(Date.now() / 1000),
  });
}
