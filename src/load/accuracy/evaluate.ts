import { setTimeout as sleep } from 'node:timers/promises';
import { requestOf } from '../payload.ts';
import { checkReply } from '../protocol/check.ts';
import { isGrpc, type ModelAddress, type ProtocolName } from '../protocol/protocol.ts';
import { wilsonInterval } from '../statistics/wilson.ts';
import { type ExchangeLimits, now } from '../transport/channel.ts';
import { exchangeOnce, withBody } from '../transport/once.ts';
import type { Target } from '../transport/target.ts';
import { UsageError } from '../transport/target.ts';
import type { Dataset, LabelledSample } from './dataset.ts';
import { type AccuracyMetric, isRight, type Tolerance } from './metric.ts';
import { predictionsOf } from './predictions.ts';

/** How the served model is held against a dataset. */
export interface AccuracySpec {
  readonly dataset: Dataset;
  readonly metric: AccuracyMetric;
  /** Of `custom` alone. */
  readonly tolerance: Tolerance;
  /** Output that is judged; null: the first. */
  readonly output: string | null;
}

/** How often the served model is right, at one batch size. */
export interface Accuracy {
  readonly metric: AccuracyMetric;
  readonly datasetSha256: string;
  readonly samples: number;
  readonly correct: number;
  /** Samples whose request failed; they count as wrong, since the model gave nothing right. */
  readonly failed: number;
  readonly share: number;
  /** 95 % interval of the share, Wilson's. */
  readonly interval: { readonly low: number; readonly high: number };
  /** What failed first, in words. */
  readonly failure: string | null;
}

export interface ServedModel {
  readonly target: Target;
  readonly protocol: ProtocolName;
  readonly model: ModelAddress;
  readonly limits: ExchangeLimits;
  /** Requests per second that are sent at most; absent: as fast as they come back. */
  readonly maxPerSecond?: number;
}

/**
 * Sends the dataset once, in requests of the batch size, one after the other (the last may be smaller), and counts. The requests are made and sent as those of a
 * measurement. Throws a `UsageError` where dataset, metric and model do not go together.
 */
export async function evaluate(served: ServedModel, spec: AccuracySpec, batchSize: number, signal: AbortSignal): Promise<Accuracy> {
  const { dataset, metric } = spec;
  let correct = 0;
  let failed = 0;
  let failure: string | null = null;
  const gap = served.maxPerSecond === undefined ? 0 : 1e6 / served.maxPerSecond;
  let next = now();
  for (let at = 0; at < dataset.samples.length; at += batchSize) {
    signal.throwIfAborted();
    const chunk = dataset.samples.slice(at, at + batchSize);
    if (gap > 0) await sleep(Math.max(0, next - now()) / 1000, undefined, { signal });
    next = Math.max(next, now()) + gap;
    const answer = await ask(served, chunk, spec.output, signal);
    if ('failure' in answer) {
      failed += chunk.length;
      failure ??= answer.failure;
      continue;
    }
    for (const [row, sample] of chunk.entries()) {
      if (judge(spec, answer.predictions[row] ?? [], sample)) correct++;
    }
  }
  const samples = dataset.samples.length;
  const interval = wilsonInterval(correct, samples);
  return { metric, datasetSha256: dataset.sha256, samples, correct, failed, share: correct / samples, interval, failure };
}

async function ask(
  { target, protocol, model, limits }: ServedModel,
  samples: readonly LabelledSample[],
  output: string | null,
  signal: AbortSignal,
) {
  const { request, rows } = requestOf(
    samples.map((sample) => sample.request),
    protocol,
    model,
  );
  if (rows !== samples.length)
    throw new UsageError(`a sample of the dataset has more than one row: ${rows} rows in ${samples.length} samples`);
  const outcome = await exchangeOnce(target, isGrpc(protocol) ? 'grpc' : 'http1', request, limits, signal);
  if (outcome.error !== null) return { failure: withBody(outcome) };
  const body = outcome.body ?? Buffer.alloc(0);
  const wrong = checkReply({ protocol, batchSize: rows, batched: rows > 1, minimumBytes: 0 }, body);
  if (wrong !== undefined) return { failure: wrong };
  try {
    return { predictions: predictionsOf(protocol, body, rows, output) };
  } catch (error) {
    return { failure: `the reply cannot be read: ${(error as Error).message}` };
  }
}

function judge({ metric, tolerance }: AccuracySpec, prediction: Parameters<typeof isRight>[1], { expected }: LabelledSample): boolean {
  try {
    return isRight(metric, prediction, expected, tolerance);
  } catch (error) {
    throw new UsageError(`accuracy: ${(error as Error).message}`);
  }
}
