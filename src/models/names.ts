import type { Finding } from './finding.ts';
import { isAtLeast, type KServeVersion } from './kserve-version.ts';

/** The model servers that a package is laid out for. */
export const runtimeTypes = ['Triton', 'TFServing', 'TorchServe', 'SKLearn', 'XGBoost', 'LightGBM'] as const;
export type RuntimeType = (typeof runtimeTypes)[number];

/** Reads a runtime's name in any case; undefined when there is no such runtime. */
export function parseRuntimeType(text: string): RuntimeType | undefined {
  return runtimeTypes.find((type) => type.toLowerCase() === text.trim().toLowerCase());
}

/** Names that a package itself gives to its models; empty where the server takes the InferenceService's name. */
export interface PackagedNames {
  readonly runtime: RuntimeType;
  readonly models: readonly string[];
}

/**
 * The name under which the server answers (`/v2/models/NAME/infer`). Triton takes it from the directory and TorchServe from the
 * snapshot; the others are started with `--model_name=<InferenceService>`.
 */
export function servedModelName(inferenceService: string, packaged: PackagedNames): string {
  const own = packaged.runtime === 'Triton' || packaged.runtime === 'TorchServe';
  if (!own || packaged.models.includes(inferenceService)) return inferenceService;
  return packaged.models.length === 1 ? (packaged.models[0] ?? inferenceService) : inferenceService;
}

/** Checks a name against KServe's own rule and the lengths that the objects made from it may have. */
export function lintInferenceServiceName(name: string, version: KServeVersion, mode: 'Standard' | 'Knative' = 'Standard'): Finding[] {
  const path = 'metadata.name';
  const findings: Finding[] = [];
  if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    findings.push({
      code: 'MW-L0201',
      severity: 'error',
      path,
      sentence: `"${name}" is no name for an InferenceService: it needs lower-case letters, digits and "-", a letter first, no "-" last.`,
      fix: `Use a name like "${suggestName(name)}".`,
    });
  }
  // The Service is named `<name>-predictor`; Standard mode makes a label of it, `isvc.<name>-predictor`. Both may have 63 characters.
  const prefix = mode === 'Standard' ? 'isvc.' : '';
  const suffix = isAtLeast(version, 0, 11) ? '-predictor' : '-predictor-default';
  const longest = 63 - prefix.length - suffix.length;
  if (name.length > longest) {
    findings.push({
      code: 'MW-L0202',
      severity: 'error',
      path,
      sentence: `"${name}" has ${name.length} characters; KServe makes "${prefix}${name}${suffix}" of it, which may have 63.`,
      fix: `Use at most ${longest} characters.`,
    });
  }
  return findings;
}

/** Checks that clients will find the model under the deployment's name: a Ready service answers 404 when these differ. */
export function lintNameAgreement(inferenceService: string, packaged: PackagedNames, path = ''): Finding[] {
  if (packaged.models.length === 0 || packaged.models.includes(inferenceService)) return [];
  const where = packaged.runtime === 'Triton' ? 'the model directory' : 'model_snapshot in config/config.properties';
  const found = packaged.models.map((model) => `"${model}"`).join(', ');
  return [
    {
      code: 'MW-L0203',
      severity: packaged.models.length === 1 ? 'warning' : 'error',
      path,
      sentence: `The deployment is called "${inferenceService}", but ${where} says ${found}; requests to /models/${inferenceService} get 404 although the service is Ready.`,
      fix: `Rename one of them, or call the model by ${found}.`,
    },
  ];
}

/** The nearest name that KServe accepts; `model` when nothing of the text can be kept. */
export function suggestName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'model' : name;
}
