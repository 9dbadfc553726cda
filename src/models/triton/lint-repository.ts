import type { Finding } from '../finding.ts';
import type { ModelConfig } from './config.ts';
import { PbtxtError } from './lexer.ts';
import { lintConfig, modelFileNames, versionDirectories } from './lint-config.ts';
import { parseConfig } from './parse.ts';

/** One model directory of a Triton repository, as far as the lint needs it. */
export interface TritonModel {
  readonly directory: string;
  /** Files relative to the model's directory. */
  readonly files: readonly string[];
  /** Text of `config.pbtxt`; absent when there is none. */
  readonly config?: string;
}

/** Lints a whole repository: each model's directories, its configuration, and what ensembles say about the others. */
export function lintTritonRepository(models: readonly TritonModel[], gpuCount?: number): Finding[] {
  const findings: Finding[] = [];
  const configs = new Map<string, ModelConfig | undefined>();
  for (const model of models) {
    try {
      configs.set(model.directory, model.config === undefined ? undefined : parseConfig(model.config));
    } catch (error) {
      if (!(error instanceof PbtxtError)) throw error;
      configs.set(model.directory, undefined);
      findings.push(syntaxFinding(model, error));
    }
  }
  const broken = new Set(findings.map(({ path }) => path.split('/')[0]));
  for (const model of models) {
    const config = configs.get(model.directory);
    const path = `${model.directory}/config.pbtxt`;
    findings.push(...lintVersionDirectories(model, config ?? {}));
    if (config === undefined && (model.config !== undefined || broken.has(model.directory))) continue;
    const context = {
      path,
      directory: model.directory,
      files: model.files,
      models: configs,
      ...(gpuCount === undefined ? {} : { gpuCount }),
    };
    if (config !== undefined) findings.push(...lintConfig(config, context));
    else findings.push(...lintMissingConfig(model));
  }
  return findings;
}

function syntaxFinding(model: TritonModel, error: PbtxtError): Finding {
  return {
    code: 'MW-L0301',
    severity: 'error',
    path: `${model.directory}/config.pbtxt:${error.line}:${error.column}${error.field === '' ? '' : `: ${error.field}`}`,
    sentence: `Triton cannot read this file: ${error.message.trim().replace(/\.$/, '')}.`,
    fix: "Correct the line; the fields are those of Triton's ModelConfig, strings stand in quotes, enumerations (TYPE_FP32) do not.",
  };
}

function lintMissingConfig(model: TritonModel): Finding[] {
  const names = modelFileNames({}, model.files);
  if (names !== undefined) {
    return [
      {
        code: 'MW-L0303',
        severity: 'info',
        path: `${model.directory}/config.pbtxt`,
        sentence: 'There is no config.pbtxt; Triton completes it from the model itself where the backend can, and 22.01 and older refuse.',
        fix: 'Write one, or let `modelwright package --generate` derive it from the model.',
      },
    ];
  }
  return [
    {
      code: 'MW-L0312',
      severity: 'error',
      path: `${model.directory}/config.pbtxt`,
      sentence: 'There is no config.pbtxt, and no file has a name by which Triton would know the backend.',
      fix: 'Write a config.pbtxt, or name the file model.onnx, model.plan, model.pt or model.savedmodel.',
    },
  ];
}

function lintVersionDirectories(model: TritonModel, config: ModelConfig): Finding[] {
  const findings: Finding[] = [];
  const versions = versionDirectories(model.files);
  const tops = new Set(model.files.filter((file) => file.includes('/')).map((file) => file.slice(0, file.indexOf('/'))));
  for (const top of tops) {
    const finding = oddVersionDirectory(model.directory, top);
    if (finding !== undefined) findings.push(finding);
  }
  if (config.platform === 'ensemble') return findings;
  if (versions.length === 0) {
    findings.push({
      code: 'MW-L0101',
      severity: 'error',
      path: model.directory,
      sentence: 'There is no version directory with a file in it; Triton says "at least one version must be available".',
      fix: `Move the model into ${model.directory}/1/.`,
    });
    return findings;
  }
  const names = modelFileNames(config, model.files);
  if (names === undefined) return findings;
  for (const version of versions) {
    if (names.some((name) => model.files.some((file) => file === `${version}/${name}` || file.startsWith(`${version}/${name}/`)))) continue;
    findings.push({
      code: 'MW-L0102',
      severity: 'error',
      path: `${model.directory}/${version}`,
      sentence: `Version ${version} has no ${names.join(' or ')}.`,
      fix: 'Rename the model file, or name it in default_model_filename.',
    });
  }
  return findings;
}

function oddVersionDirectory(directory: string, name: string): Finding | undefined {
  const path = `${directory}/${name}`;
  if (/^0\d+$/.test(name)) {
    return {
      code: 'MW-L0103',
      severity: 'error',
      path,
      sentence: 'Triton ignores version directories with leading zeros.',
      fix: `Call it ${Number(name)}.`,
    };
  }
  if (/^-\d+$/.test(name)) {
    return {
      code: 'MW-L0103',
      severity: 'error',
      path,
      sentence: 'A negative version directory can hang Triton while it loads.',
      fix: 'Use 1, 2, ….',
    };
  }
  if (/^\d+$/.test(name) && BigInt(name) > 9_223_372_036_854_775_807n) {
    return { code: 'MW-L0103', severity: 'error', path, sentence: 'A version number beyond 63 bits crashes Triton.', fix: 'Use 1, 2, ….' };
  }
  if (/^[vV]\.?\d+$/.test(name)) {
    return {
      code: 'MW-L0103',
      severity: 'error',
      path,
      sentence: `"${name}" is no version directory: it has to be a number.`,
      fix: `Call it ${name.replace(/\D/g, '')}.`,
    };
  }
  return undefined;
}
