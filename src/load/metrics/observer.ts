import type { GpuUse, ServerStages } from '../point.ts';
import { now } from '../transport/channel.ts';
import { getText } from '../transport/once.ts';
import type { Target } from '../transport/target.ts';
import { type GpuOptions, gpuUse, type Scrape } from './gpu.ts';
import { type MemoryGrowth, memoryGrowth } from './growth.ts';
import { parsePrometheus, type Sample } from './prometheus.ts';
import { stagesFromMetrics, stagesFromTriton, type TritonStatistics, tritonRestarted } from './stages.ts';

/** Where the server's side of the story is told. Every part is optional. */
export interface MetricSources {
  /** Triton's statistics on the inference port, e.g. `/v2/models/NAME/stats`. */
  readonly statistics: { readonly target: Target; readonly path: string } | null;
  /** Prometheus text of the model server. */
  readonly metrics: { readonly target: Target; readonly path: string } | null;
  /** Prometheus text of a DCGM exporter on the model server's node. */
  readonly dcgm: { readonly target: Target; readonly path: string } | null;
  readonly gpu: GpuOptions;
  /** The model's name in the server's metrics. */
  readonly model: string;
}

export interface Observed {
  readonly server: ServerStages | null;
  readonly gpus: readonly GpuUse[] | null;
  readonly restarted: string | null;
  readonly memoryGrowth: readonly MemoryGrowth[];
}

/** Reads the server's counters at both ends of a window and its gauges each second in between. A source that fails is left out, not guessed. */
export class ServerObserver {
  readonly #sources: MetricSources;
  #statistics: TritonStatistics | undefined;
  #metrics: Sample[] | undefined;
  #metricScrapes: Scrape[] = [];
  #dcgmScrapes: Scrape[] = [];
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(sources: MetricSources) {
    this.#sources = sources;
  }

  /** Takes the first reading and starts sampling. */
  async begin(signal?: AbortSignal): Promise<void> {
    const { statistics, metrics, dcgm } = this.#sources;
    const [counted, scraped] = await Promise.all([readStatistics(statistics, signal), this.#sample(signal)]);
    this.#statistics = counted;
    this.#metrics = scraped;
    if (metrics === null && dcgm === null) return;
    let reading = false;
    this.#timer = setInterval(() => {
      // Readings keep their order: where one takes longer than a second, the next waits for its turn.
      if (reading) return;
      reading = true;
      this.#reading = this.#sample(signal)
        .catch(() => undefined)
        .finally(() => {
          reading = false;
        });
    }, 1000);
  }

  /** Takes the last reading and says what the server did in between. */
  async end(clientMeanMicroseconds: number | null): Promise<Observed> {
    clearInterval(this.#timer);
    await this.#reading;
    const [counted, scraped] = await Promise.all([readStatistics(this.#sources.statistics), this.#sample()]);
    const { gpu, model } = this.#sources;
    const before = this.#statistics;
    const restarted = before !== undefined && counted !== undefined && tritonRestarted(before, counted);
    const fromStatistics =
      before === undefined || counted === undefined || restarted ? null : stagesFromTriton(before, counted, clientMeanMicroseconds);
    const fromMetrics =
      this.#metrics === undefined || scraped === undefined
        ? null
        : stagesFromMetrics(this.#metrics, scraped, model, clientMeanMicroseconds);
    const gpus = [this.#dcgmScrapes, this.#metricScrapes]
      .map((scrapes) => gpuUse(scrapes, scrapes === this.#dcgmScrapes ? gpu : { ...gpu, labels: {} }))
      .find((uses) => uses.length > 0);
    return {
      server: fromStatistics ?? fromMetrics,
      gpus: gpus ?? null,
      restarted: restarted ? "the server's counters fell while it was measured: it was restarted" : null,
      memoryGrowth: [...memoryGrowth(this.#dcgmScrapes, gpu.labels), ...memoryGrowth(this.#metricScrapes)],
    };
  }

  async #sample(signal?: AbortSignal): Promise<Sample[] | undefined> {
    const { metrics, dcgm } = this.#sources;
    const [own, exporter] = await Promise.all([read(metrics, signal), read(dcgm, signal)]);
    const at = now();
    if (own !== undefined) this.#metricScrapes.push({ at, samples: own });
    if (exporter !== undefined) this.#dcgmScrapes.push({ at, samples: exporter });
    return own;
  }

  /** Stops sampling without a last reading. */
  stop(): void {
    clearInterval(this.#timer);
  }
}

async function read(
  source: { readonly target: Target; readonly path: string } | null,
  signal?: AbortSignal,
): Promise<Sample[] | undefined> {
  if (source === null) return undefined;
  const answer = await getText(source.target, source.path, signal);
  return 'text' in answer ? parsePrometheus(answer.text) : undefined;
}

async function readStatistics(source: MetricSources['statistics'], signal?: AbortSignal): Promise<TritonStatistics | undefined> {
  if (source === null) return undefined;
  const answer = await getText(source.target, source.path, signal);
  if (!('text' in answer)) return undefined;
  try {
    const statistics = JSON.parse(answer.text) as TritonStatistics;
    return Array.isArray(statistics.model_stats) ? statistics : undefined;
  } catch {
    return undefined;
  }
}
