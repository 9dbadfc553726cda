/** Key `predictors` of `inferenceservice-config`, which decides images in KFServing 0.6 and KServe 0.7: our values in it, and nothing else of it. */
import type { RuntimeType } from '../../api/model-deployment/runtime.ts';
import type { RuntimeDeclaration } from '../../api/serving-platform/index.ts';
import { isDigest } from '../../models/image-reference.ts';
import { JsonTextError, readAt, removeAt, setAt } from './json-text.ts';

/** What we did to the text: by path (`sklearn.v1.image`), the value before us (null: none) and ours. */
export interface PredictorClaim {
  readonly leaves: Readonly<Record<string, { readonly previous: string | null; readonly written: string }>>;
}

/** A declared runtime that cannot be had by this text, and why. */
export interface PredictorProblem {
  readonly type: RuntimeType;
  readonly reason: 'PredictorMissing' | 'PredictorShapeRefused' | 'DigestNotPossible' | 'ArgumentsNotPossible' | 'ProtocolsNotPossible';
  readonly message: string;
}

export type PredictorPlan =
  | {
      readonly kind: 'Planned';
      readonly text: string;
      readonly claim: PredictorClaim | undefined;
      readonly problems: readonly PredictorProblem[];
    }
  /** The text as a whole cannot be edited; it is left as it is. */
  | { readonly kind: 'Unusable'; readonly message: string };

/**
 * Where each runtime's entry is. `pytorch.v2` is TorchServe (`v1` is a server for pickled classes); `sklearn` and `xgboost` are KServe's own servers at `v1`
 * and MLServer at `v2` (Go types `PredictorsConfig` of KServe 0.7, which KFServing 0.6 shares).
 */
const places: Readonly<Record<RuntimeType, readonly string[]>> = {
  TFServing: ['tensorflow'],
  TorchServe: ['pytorch', 'v2'],
  Triton: ['triton'],
  SKLearn: ['sklearn', 'v1'],
  XGBoost: ['xgboost', 'v1'],
  LightGBM: ['lightgbm'],
};

/** The text that has every declared value. With no declarations everything of ours goes: old values come back unless somebody changed them since. */
export function planPredictors(
  text: string,
  declarations: readonly RuntimeDeclaration[],
  claim: PredictorClaim | undefined,
): PredictorPlan {
  try {
    return plan(text, declarations, claim);
  } catch (error) {
    if (error instanceof JsonTextError) return { kind: 'Unusable', message: error.message };
    throw error;
  }
}

function plan(before: string, declarations: readonly RuntimeDeclaration[], claim: PredictorClaim | undefined): PredictorPlan {
  readAt(before, []);
  const problems = declarations.flatMap((declaration) => problemOf(before, declaration) ?? []);
  const able = declarations.filter(({ type }) => !problems.some((problem) => problem.type === type));
  const wanted = new Map(able.flatMap(leavesOf));
  const leaves: Record<string, { previous: string | null; written: string }> = {};
  let text = before;
  // Last added goes first: each member that we added is laid out behind the one before.
  for (const [place, { previous, written }] of Object.entries(claim?.leaves ?? {}).reverse()) {
    const path = place.split('.');
    if (wanted.has(place) || readAt(text, path) !== written) continue;
    text = previous === null ? removeAt(text, path) : setAt(text, path, previous);
  }
  for (const [place, value] of wanted) {
    const path = place.split('.');
    const found = readAt(text, path);
    const known = claim?.leaves[place];
    // What somebody else has put there since is what comes back one day.
    const previous =
      known !== undefined && (found === known.written || found === value) ? known.previous : typeof found === 'string' ? found : null;
    if (found === value && known === undefined) continue;
    if (found !== value) text = setAt(text, path, value);
    leaves[place] = { previous, written: value };
  }
  return { kind: 'Planned', text, claim: Object.keys(leaves).length === 0 ? undefined : { leaves }, problems };
}

function leavesOf({ type, image, version, gpuVersion }: RuntimeDeclaration): [string, string][] {
  const place = places[type].join('.');
  return [
    ...(image === undefined ? [] : ([[`${place}.image`, image]] as [string, string][])),
    [`${place}.defaultImageVersion`, version],
    ...(gpuVersion === undefined ? [] : ([[`${place}.defaultGpuImageVersion`, gpuVersion]] as [string, string][])),
  ];
}

/** What a declaration asks for and this back-end has no place for, whatever the text. */
export function limitsOfConfigMap({
  type,
  version,
  gpuVersion,
  pinDigests,
  args,
  protocols,
}: RuntimeDeclaration): PredictorProblem | undefined {
  if (pinDigests === true || isDigest(version) || (gpuVersion !== undefined && isDigest(gpuVersion))) {
    const message = `spec.runtimes[${type}]: this KServe joins image and version with a colon, so a digest cannot be given; give a tag without pinDigests, or install KServe 0.8 or newer`;
    return { type, reason: 'DigestNotPossible', message };
  }
  if (args !== undefined || protocols !== undefined) {
    const [name, reason] =
      args === undefined ? (['protocols', 'ProtocolsNotPossible'] as const) : (['args', 'ArgumentsNotPossible'] as const);
    const message = `spec.runtimes[${type}].${name}: this KServe has ${name === 'args' ? 'the arguments' : 'the protocols'} of its servers in its own code; leave ${name} out, or install KServe 0.8 or newer`;
    return { type, reason, message };
  }
  return undefined;
}

/** Shapes that KServe would not read as meant: at worst its webhook crashes on a nil pointer for every new service of that kind. */
function problemOf(text: string, declaration: RuntimeDeclaration): PredictorProblem | undefined {
  const { type } = declaration;
  const path = places[type];
  const [key = '', protocol] = path;
  const entry = readAt(text, [key]);
  const field = `predictors.${path.join('.')}`;
  const limit = limitsOfConfigMap(declaration);
  if (limit !== undefined) return limit;
  if (!isObject(entry)) {
    const message = `${field} is not there, so this KServe has no such server; add the entry as KServe ships it`;
    return { type, reason: 'PredictorMissing', message };
  }
  if (protocol === undefined) {
    const nested = isObject(entry['v1']) || isObject(entry['v2']);
    if (!nested) return undefined;
    return {
      type,
      reason: 'PredictorShapeRefused',
      message: `${field} has v1 and v2, and this KServe reads it flat; put image and defaultImageVersion directly below it`,
    };
  }
  if (isObject(entry[protocol])) return undefined;
  const flat = typeof entry['image'] === 'string';
  const message = flat
    ? `predictors.${key} is flat, and this KServe reads ${key}.${protocol}: its webhook would crash on every new service of this kind; move the entry below "${protocol}"`
    : `${field} is not there, and this KServe's webhook would crash on every new service of this kind; add the entry as KServe ships it`;
  return { type, reason: 'PredictorShapeRefused', message };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
