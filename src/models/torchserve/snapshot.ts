/** What `MAR-INF/MANIFEST.json` of a model archive says, as far as serving needs it. */
export interface MarManifest {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly handler?: string;
  readonly serializedFile?: string;
}

/** One model of a snapshot, in TorchServe's own words. */
export interface SnapshotModel {
  readonly name: string;
  readonly version: string;
  readonly defaultVersion?: boolean;
  readonly marName?: string;
  readonly minWorkers?: number;
  readonly maxWorkers?: number;
  readonly batchSize?: number;
  readonly maxBatchDelay?: number;
  readonly responseTimeout?: number;
}

export interface Snapshot {
  readonly modelCount: number | undefined;
  readonly models: readonly SnapshotModel[];
}

/** Reads the JSON of `model_snapshot`; a sentence when it is none. */
export function parseSnapshot(text: string): Snapshot | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is not JSON (${(error as Error).message})`;
  }
  if (!isRecord(value)) return 'it is no JSON object';
  const models = value['models'];
  if (!isRecord(models)) return 'it has no "models"';
  const read: SnapshotModel[] = [];
  for (const [name, versions] of Object.entries(models)) {
    if (!isRecord(versions)) return `"models.${name}" is no object of versions`;
    for (const [version, entry] of Object.entries(versions)) {
      if (!isRecord(entry)) return `"models.${name}.${version}" is no object`;
      read.push({
        name,
        version,
        ...(typeof entry['defaultVersion'] === 'boolean' ? { defaultVersion: entry['defaultVersion'] } : {}),
        ...(typeof entry['marName'] === 'string' ? { marName: entry['marName'] } : {}),
        ...numbers(entry),
      });
    }
  }
  return { modelCount: typeof value['modelCount'] === 'number' ? value['modelCount'] : undefined, models: read };
}

function numbers(
  entry: Record<string, unknown>,
): Partial<Record<'minWorkers' | 'maxWorkers' | 'batchSize' | 'maxBatchDelay' | 'responseTimeout', number>> {
  const result: Partial<Record<'minWorkers' | 'maxWorkers' | 'batchSize' | 'maxBatchDelay' | 'responseTimeout', number>> = {};
  for (const key of ['minWorkers', 'maxWorkers', 'batchSize', 'maxBatchDelay', 'responseTimeout'] as const) {
    const value = entry[key];
    if (typeof value === 'number') result[key] = value;
  }
  return result;
}

/** Reads `MAR-INF/MANIFEST.json`; undefined when it is none. */
export function parseMarManifest(text: string): MarManifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const model = isRecord(value) && isRecord(value['model']) ? value['model'] : undefined;
    if (model === undefined || typeof model['modelName'] !== 'string') return undefined;
    return {
      modelName: model['modelName'],
      modelVersion: typeof model['modelVersion'] === 'string' ? model['modelVersion'] : '1.0',
      ...(typeof model['handler'] === 'string' ? { handler: model['handler'] } : {}),
      ...(typeof model['serializedFile'] === 'string' ? { serializedFile: model['serializedFile'] } : {}),
    };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
