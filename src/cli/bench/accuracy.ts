/** The flags of `modelwright bench` that hold the served model against a dataset. */
import { hash } from 'node:crypto';
import { readFile as readFileLater } from 'node:fs/promises';
import { type Dataset, mostDatasetBytes, readDataset } from '../../load/accuracy/dataset.ts';
import type { AccuracySpec } from '../../load/accuracy/evaluate.ts';
import { accuracyMetrics } from '../../load/accuracy/metric.ts';
import { TargetError } from '../../load/discover.ts';
import type { ProtocolName } from '../../load/protocol/protocol.ts';
import { UsageError } from '../../load/transport/target.ts';
import { hostRules } from '../../models/host-list.ts';
import { positive, readFile } from './flags.ts';

export interface AccuracyFlags {
  readonly accuracy?: string;
  readonly accuracyMetric: string;
  readonly accuracyOutput?: string;
  readonly accuracySamples?: string;
  readonly accuracySha256?: string;
  readonly accuracySignature?: string;
  readonly accuracyHost?: readonly string[];
  readonly relativeTolerance: string;
  readonly absoluteTolerance: string;
  readonly minAccuracy?: string;
}

/** Undefined where no dataset is given. Throws a `UsageError` that names the flag, a `TargetError` where the dataset cannot be fetched. */
export async function accuracyOf(flags: AccuracyFlags, protocol: ProtocolName, signal: AbortSignal): Promise<AccuracySpec | undefined> {
  const { accuracy: where, accuracyOutput, minAccuracy } = flags;
  if (where === undefined) {
    if (minAccuracy !== undefined) throw new UsageError('--min-accuracy needs a dataset to measure it on: --accuracy FILE');
    return undefined;
  }
  if (protocol === 'http') throw new UsageError('--accuracy needs a protocol whose replies have predictions; plain HTTP has none');
  const metric = accuracyMetrics.find((one) => one === flags.accuracyMetric.toLowerCase());
  if (metric === undefined)
    throw new UsageError(`--accuracy-metric "${flags.accuracyMetric}" is not known; it is one of ${accuracyMetrics.join(', ')}`);
  const tolerance = {
    relative: tolerated(flags.relativeTolerance, '--relative-tolerance'),
    absolute: tolerated(flags.absoluteTolerance, '--absolute-tolerance'),
  };
  const dataset = evenly(await datasetOf(where, flags, signal), flags.accuracySamples);
  const wanted = metric === 'custom' ? 'values' : 'label';
  const wrong = dataset.samples.findIndex(({ expected }) => !(wanted in expected));
  if (wrong >= 0)
    throw new UsageError(
      `--accuracy ${where}: sample ${wrong + 1} has no "${metric === 'custom' ? 'expected' : 'label'}", which --accuracy-metric ${metric} needs`,
    );
  return { dataset, metric, tolerance, output: accuracyOutput ?? null };
}

/** A bound like `97.5`, percent, as a share. */
export function minAccuracyOf({ minAccuracy }: AccuracyFlags): number | null {
  if (minAccuracy === undefined) return null;
  const percent = positive(minAccuracy.replace(/%$/, ''), '--min-accuracy');
  if (percent > 100) throw new UsageError('--min-accuracy is a percentage, 100 at most');
  return percent / 100;
}

function tolerated(text: string, label: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new UsageError(`${label} takes a number of 0 or more, not "${text}"`);
  return value;
}

async function datasetOf(where: string, flags: AccuracyFlags, signal: AbortSignal): Promise<Dataset> {
  const text = /^https?:\/\//.test(where) ? await fetched(where, flags, signal) : readFile(where, '--accuracy').toString();
  const { accuracySha256: wanted } = flags;
  if (wanted !== undefined && hash('sha256', text, 'hex') !== wanted.toLowerCase())
    throw new TargetError(`--accuracy: the dataset has the SHA-256 ${hash('sha256', text, 'hex')}, and ${wanted} was expected`);
  return readDataset(text, '--accuracy');
}

/** A blob with the signature in a file, or with what the environment has; anything else over http(s). */
async function fetched(url: string, { accuracySignature, accuracyHost }: AccuracyFlags, signal: AbortSignal): Promise<string> {
  const [{ settingsFrom }, { openRemote }] = await Promise.all([
    import('../../packaging/azure/credentials.ts'),
    import('../../packaging/remote/open.ts'),
  ]);
  const settings =
    accuracySignature === undefined
      ? settingsFrom(process.env)
      : async (name: string) => (name === 'AZURE_STORAGE_SAS_TOKEN' ? (await readFileLater(accuracySignature, 'utf8')).trim() : undefined);
  const hosts = accuracyHost === undefined ? {} : { hosts: hostRules(accuracyHost) };
  try {
    await using remote = await openRemote(url, { settings, ...hosts }, signal);
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of remote.stream(signal)) {
      parts.push(part);
      length += part.length;
      if (length > mostDatasetBytes) throw new Error(`it has more than ${mostDatasetBytes} bytes`);
    }
    return Buffer.concat(parts).toString();
  } catch (error) {
    signal.throwIfAborted();
    throw new TargetError(`--accuracy: the dataset could not be fetched: ${(error as Error).message}`);
  }
}

/** So many of the samples, taken evenly, so that a dataset in the order of its classes gives all of them. */
function evenly(dataset: Dataset, most: string | undefined): Dataset {
  const { samples } = dataset;
  const count = most === undefined ? samples.length : Math.min(samples.length, positive(most, '--accuracy-samples', true));
  const kept = Array.from({ length: count }, (_, i) => samples[Math.floor((i * samples.length) / count)] as (typeof samples)[number]);
  return { ...dataset, samples: kept };
}
