import type { RuntimeType } from '../api/model-deployment/runtime.ts';

/** One entry of the ConfigMap's `predictors` (KFServing 0.6, KServe 0.7). */
export interface PredictorImage {
  readonly image: string;
  readonly defaultImageVersion?: string;
  readonly defaultGpuImageVersion?: string;
}

/** By runtime and by protocol major: sklearn and xgboost have one server for V1 and another for V2. */
export type PredictorImages = Partial<Readonly<Record<RuntimeType, { readonly v1?: PredictorImage; readonly v2?: PredictorImage }>>>;

const keys: Readonly<Record<RuntimeType, string>> = {
  TFServing: 'tensorflow',
  TorchServe: 'pytorch',
  Triton: 'triton',
  SKLearn: 'sklearn',
  XGBoost: 'xgboost',
  LightGBM: 'lightgbm',
};

/**
 * Reads `data.predictors` of `inferenceservice-config`; undefined when the key is absent or no JSON object. Flat entries
 * (`tensorflow: {image}`) and nested ones (`sklearn: {v1: {image}, v2: {image}}`) occur side by side.
 */
export function parsePredictorImages(data: Readonly<Record<string, string>>): PredictorImages | undefined {
  const predictors = jsonObject(data['predictors']);
  if (predictors === undefined) return undefined;
  const images: Partial<Record<RuntimeType, { v1?: PredictorImage; v2?: PredictorImage }>> = {};
  for (const [type, key] of Object.entries(keys) as [RuntimeType, string][]) {
    const entry = asObject(predictors[key]);
    if (entry === undefined) continue;
    const flat = imageOf(entry);
    if (flat !== undefined) {
      images[type] = { v1: flat, v2: flat };
      continue;
    }
    const [v1, v2] = [imageOf(asObject(entry['v1'])), imageOf(asObject(entry['v2']))];
    // TorchServe is `pytorch.v2`; `pytorch.v1` is a server for pickled classes that nothing here renders.
    if (type === 'TorchServe') {
      if (v2 !== undefined) images[type] = { v1: v2, v2 };
    } else images[type] = { ...(v1 && { v1 }), ...(v2 && { v2 }) };
  }
  return images;
}

function imageOf(entry: Readonly<Record<string, unknown>> | undefined): PredictorImage | undefined {
  if (typeof entry?.['image'] !== 'string') return undefined;
  const { image, defaultImageVersion: cpu, defaultGpuImageVersion: gpu } = entry;
  return {
    image,
    ...(typeof cpu === 'string' && { defaultImageVersion: cpu }),
    ...(typeof gpu === 'string' && { defaultGpuImageVersion: gpu }),
  };
}

function jsonObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}
