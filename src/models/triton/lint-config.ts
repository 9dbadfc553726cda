import type { Finding, Severity } from '../finding.ts';
import type { ModelConfig, Tensor } from './config.ts';
import { lintScheduling } from './lint-scheduling.ts';

/** Adds a finding about one field of one configuration. */
export type Report = (code: string, severity: Severity, field: string, sentence: string, fix: string) => void;

/** What the lint knows besides the configuration's own text. */
export interface ConfigContext {
  /** Path of the file inside the package. */
  readonly path: string;
  /** The model's directory. */
  readonly directory: string;
  /** Files of the model's directory, relative to it. */
  readonly files: readonly string[];
  /** Models of the repository, for ensembles. */
  readonly models: ReadonlyMap<string, ModelConfig | undefined>;
  /** GPUs that the deployment asks for; unknown when left out. */
  readonly gpuCount?: number;
}

const platforms: Readonly<Record<string, { readonly backend: string; readonly file: string }>> = {
  onnxruntime_onnx: { backend: 'onnxruntime', file: 'model.onnx' },
  tensorrt_plan: { backend: 'tensorrt', file: 'model.plan' },
  tensorflow_savedmodel: { backend: 'tensorflow', file: 'model.savedmodel' },
  tensorflow_graphdef: { backend: 'tensorflow', file: 'model.graphdef' },
  pytorch_libtorch: { backend: 'pytorch', file: 'model.pt' },
};

const filesByBackend: Readonly<Record<string, readonly string[]>> = {
  onnxruntime: ['model.onnx'],
  tensorrt: ['model.plan'],
  tensorflow: ['model.savedmodel', 'model.graphdef'],
  pytorch: ['model.pt'],
  python: ['model.py'],
  openvino: ['model.xml', 'model.onnx'],
  dali: ['model.dali'],
  fil: ['xgboost.model', 'xgboost.json', 'xgboost.ubj', 'model.txt', 'checkpoint.tl'],
};

/** The backend that a configuration, or its platform, or the files of its versions name; undefined when nothing does. */
export function backendOf(config: ModelConfig, files: readonly string[]): string | undefined {
  if (config.backend !== undefined && config.backend !== '') return config.backend;
  if (config.platform !== undefined && config.platform !== '') return platforms[config.platform]?.backend;
  for (const [backend, names] of Object.entries(filesByBackend)) {
    if (names.some((name) => files.some((file) => new RegExp(`^\\d+/${name.replaceAll('.', '\\.')}(?:/|$)`).test(file)))) return backend;
  }
  return /(?:^|\/)model\.([a-z0-9_]+)$/m.exec(files.join('\n'))?.[1];
}

/** The file or directory inside a version directory that the server opens; undefined when the backend decides for itself. */
export function modelFileNames(config: ModelConfig, files: readonly string[]): readonly string[] | undefined {
  if (config.default_model_filename !== undefined && config.default_model_filename !== '') return [config.default_model_filename];
  if (config.cc_model_filenames !== undefined && config.cc_model_filenames.length > 0) return undefined;
  const named = platforms[config.platform ?? ''];
  if (named !== undefined) return [named.file];
  return filesByBackend[backendOf(config, files) ?? ''];
}

/** Every mistake that Triton's own checks (model_config_utils.cc) would refuse, and some that it takes in silence. */
export function lintConfig(config: ModelConfig, context: ConfigContext): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (code, severity, field, sentence, fix) =>
    findings.push({ code, severity, path: field === '' ? context.path : `${context.path}: ${field}`, sentence, fix });

  if (config.name !== undefined && config.name !== '' && config.name !== context.directory) {
    report(
      'MW-L0204',
      'error',
      'name',
      `The configuration is for "${config.name}" and lies in the directory "${context.directory}"; Triton wants them equal.`,
      `Write name: "${context.directory}", leave it out, or rename the directory.`,
    );
  }
  lintBackend(config, context, report);
  if ((config.max_batch_size ?? 0) < 0) {
    report('MW-L0311', 'error', 'max_batch_size', 'max_batch_size is negative.', 'Write 0 for no batching, or the largest batch.');
  }
  for (const side of ['input', 'output'] as const) {
    for (const [index, tensor] of (config[side] ?? []).entries()) lintTensor(tensor, side, index, config, context, report);
    lintDuplicates(config[side] ?? [], side, report);
  }
  lintBakedBatch(config, report);
  lintVersionPolicy(config, context, report);
  lintInstanceGroups(config, context, report);
  lintBatchTensors(config, report);
  lintScheduling(config, context, report);
  for (const [index, agent] of (config.model_repository_agents?.agents ?? []).entries()) {
    if ((agent.name ?? '') === '') {
      report(
        'MW-L0345',
        'error',
        `model_repository_agents.agents[${index}].name`,
        'A repository agent has no name.',
        'Name the agent, for example checksum.',
      );
    }
  }
  for (const [index, entry] of (config.parameters ?? []).entries()) {
    const value = entry.value?.string_value ?? '';
    if (entry.key === 'FORCE_CPU_ONLY_INPUT_TENSORS' && !/^(?:yes|no|true|false|1|0)$/i.test(value)) {
      report('MW-L0346', 'error', `parameters[${index}]`, `FORCE_CPU_ONLY_INPUT_TENSORS is "${value}".`, 'Write "yes" or "no".');
    }
  }
  if (config.model_metrics !== undefined) {
    report(
      'MW-L0302',
      'warning',
      'model_metrics',
      'Triton before 24.08 has no field "model_metrics" and refuses the file.',
      'Remove it, or use a newer Triton.',
    );
  }
  return findings;
}

function lintBackend(config: ModelConfig, context: ConfigContext, report: Report): void {
  const platform = config.platform ?? '';
  const backend = config.backend ?? '';
  if (platform !== '' && platform !== 'ensemble' && backend === '' && platforms[platform] === undefined) {
    report(
      'MW-L0310',
      'error',
      'platform',
      `Triton knows no platform "${platform}".`,
      `Use backend: "…" or one of ${Object.keys(platforms).join(', ')}, ensemble.`,
    );
  }
  const expected = platforms[platform]?.backend;
  if (expected !== undefined && backend !== '' && backend !== expected) {
    // Triton compares the pair for its TensorFlow and TensorRT platforms; for the others the backend wins.
    const refused = expected === 'tensorrt' || expected === 'tensorflow';
    report(
      'MW-L0310',
      refused ? 'error' : 'warning',
      'platform',
      `platform "${platform}" belongs to backend "${expected}", and backend says "${backend}"${refused ? '' : ', which Triton uses'}.`,
      'Keep one of the two.',
    );
  }
  if (platform === '' && backend === '' && config.ensemble_scheduling === undefined && backendOf(config, context.files) === undefined) {
    report(
      'MW-L0312',
      'error',
      'backend',
      'Neither backend nor platform is given, and no file has a name by which Triton would know (model.onnx, model.plan, model.pt, model.savedmodel, model.py).',
      'Write backend: "…", or rename the model file.',
    );
  }
  const runtime = config.runtime ?? '';
  if (runtime !== '' && !context.files.some((file) => file === runtime || new RegExp(`^\\d+/${escapeExpression(runtime)}$`).test(file))) {
    report(
      'MW-L0313',
      /^libtriton_|^model\.py$/.test(runtime) ? 'info' : 'error',
      'runtime',
      `runtime names "${runtime}", which is not in the package.`,
      "Leave runtime out, or put the backend's library beside config.pbtxt.",
    );
  }
  for (const [name, value] of [
    ['default_model_filename', config.default_model_filename],
    ['runtime', config.runtime],
  ] as const) {
    if (value !== undefined && (value.startsWith('/') || value.split('/').includes('..'))) {
      report('MW-L0314', 'error', name, `"${value}" leads out of the version directory.`, 'Name a file inside it.');
    }
  }
}

function lintTensor(
  tensor: Tensor,
  side: 'input' | 'output',
  index: number,
  config: ModelConfig,
  context: ConfigContext,
  report: Report,
): void {
  const at = `${side}[${index}]`;
  const named = tensor.name === undefined || tensor.name === '' ? `${side} ${index + 1}` : `${side} "${tensor.name}"`;
  const dims = tensor.dims ?? [];
  if ((tensor.name ?? '') === '')
    report('MW-L0320', 'error', `${at}.name`, `${named} has no name.`, "Write the tensor's name in the model.");
  if (tensor.data_type === undefined || tensor.data_type === 'TYPE_INVALID') {
    report('MW-L0321', 'error', `${at}.data_type`, `${named} has no data type.`, 'Write data_type: TYPE_FP32 or another one.');
  } else if (typeof tensor.data_type === 'number') {
    report(
      'MW-L0321',
      'warning',
      `${at}.data_type`,
      `${named} has data type ${tensor.data_type}, which has no name.`,
      'Use a TYPE_… name.',
    );
  }
  if (dims.length === 0) {
    report(
      'MW-L0322',
      'error',
      `${at}.dims`,
      `${named} has no dims.`,
      'Write the shape without the batch dimension; for one number, dims: [1].',
    );
  } else if (dims.some((dim) => dim < 1 && dim !== -1)) {
    report(
      'MW-L0323',
      'error',
      `${at}.dims`,
      `${named} has a dimension that is neither at least 1 nor -1.`,
      'Use -1 for a size that varies.',
    );
  }
  if ((tensor.format === 'FORMAT_NHWC' || tensor.format === 'FORMAT_NCHW') && dims.length > 0 && dims.length !== 3) {
    report(
      'MW-L0324',
      'error',
      `${at}.format`,
      `${named} is declared as ${String(tensor.format).replace('FORMAT_', '')} and has ${dims.length} dims; Triton wants three, without the batch.`,
      'Drop the batch dimension from dims and set max_batch_size, or leave format out.',
    );
  }
  if (tensor.reshape !== undefined) lintReshape(tensor, at, named, config, report);
  const tensorrt = backendOf(config, context.files) === 'tensorrt';
  if (!tensorrt && tensor.is_shape_tensor === true) {
    report('MW-L0327', 'error', `${at}.is_shape_tensor`, 'Shape tensors exist only on TensorRT.', 'Remove is_shape_tensor.');
  }
  if (!tensorrt && tensor.is_non_linear_format_io === true) {
    report(
      'MW-L0328',
      'error',
      `${at}.is_non_linear_format_io`,
      'Non-linear formats exist only on TensorRT.',
      'Remove is_non_linear_format_io.',
    );
  }
  const label = tensor.label_filename ?? '';
  if (label !== '' && !context.files.includes(label)) {
    report(
      'MW-L0329',
      'error',
      `${at}.label_filename`,
      `${label} is not in the model's directory.`,
      'Put the file beside config.pbtxt, or remove label_filename.',
    );
  }
}

function lintReshape(tensor: Tensor, at: string, named: string, config: ModelConfig, report: Report): void {
  const dims = tensor.dims ?? [];
  const shape = tensor.reshape?.shape ?? [];
  const field = `${at}.reshape`;
  if (shape.length === 0 && (config.max_batch_size ?? 0) === 0) {
    report(
      'MW-L0325',
      'error',
      field,
      `${named} is reshaped to a scalar, which a model without batching cannot have.`,
      'Set max_batch_size, or give a shape.',
    );
    return;
  }
  if (shape.some((dim) => dim < 1 && dim !== -1)) {
    report(
      'MW-L0325',
      'error',
      field,
      `${named} has a reshape dimension that is neither at least 1 nor -1.`,
      'Use -1 for a size that varies.',
    );
    return;
  }
  const variable = (values: readonly number[]) => values.filter((dim) => dim === -1).length;
  if (variable(dims) !== variable(shape)) {
    report(
      'MW-L0325',
      'error',
      field,
      `${named} has ${variable(dims)} variable dimension(s) and its reshape ${variable(shape)}.`,
      'Give both the same number of -1.',
    );
    return;
  }
  const product = (values: readonly number[]) => values.reduce((total, dim) => total * (dim === -1 ? 1 : dim), 1);
  if (variable(dims) === 0 && product(dims) !== product(shape)) {
    report(
      'MW-L0325',
      'error',
      field,
      `${named} has ${product(dims)} elements and its reshape ${product(shape)}.`,
      'Give both the same number of elements.',
    );
  }
}

function lintDuplicates(tensors: readonly Tensor[], side: 'input' | 'output', report: Report): void {
  const seen = new Set<string>();
  for (const [index, { name }] of tensors.entries()) {
    if (name === undefined || name === '') continue;
    if (seen.has(name))
      report('MW-L0326', 'warning', `${side}[${index}].name`, `There are two entries for ${side} "${name}".`, 'Remove one.');
    seen.add(name);
  }
}

/** Batching is off while every input's first dimension is a 1 that looks like a batch: the server can never batch such a model. */
function lintBakedBatch(config: ModelConfig, report: Report): void {
  const inputs = config.input ?? [];
  if ((config.max_batch_size ?? 0) !== 0 || inputs.length === 0 || config.ensemble_scheduling !== undefined) return;
  const baked = inputs.every(({ dims }) => dims !== undefined && dims.length > 1 && dims[0] === 1);
  if (!baked) return;
  report(
    'MW-L0315',
    'warning',
    'max_batch_size',
    'There is no max_batch_size and every input begins with a dimension of 1: the batch is baked into dims, and Triton can batch no requests.',
    'If the model takes batches, set max_batch_size and remove that first dimension from dims.',
  );
}

function lintVersionPolicy(config: ModelConfig, context: ConfigContext, report: Report): void {
  const policy = config.version_policy;
  const present = versionDirectories(context.files);
  if (policy?.latest !== undefined && (policy.latest.num_versions ?? 0) < 1) {
    report('MW-L0330', 'error', 'version_policy.latest.num_versions', 'num_versions is 0, so no version is served.', 'Write 1 or more.');
  }
  if (policy?.specific === undefined) return;
  const wanted = policy.specific.versions ?? [];
  const missing = wanted.filter((version) => !present.includes(version));
  if (wanted.length === 0) {
    report(
      'MW-L0331',
      'error',
      'version_policy.specific.versions',
      'No version is named, so none is served.',
      'Name the version directories.',
    );
  } else if (missing.length > 0) {
    report(
      'MW-L0331',
      missing.length === wanted.length ? 'error' : 'warning',
      'version_policy.specific.versions',
      `Version ${missing.join(', ')} is named and has no directory (there ${present.length === 1 ? 'is' : 'are'} ${present.join(', ') || 'none'}).`,
      'Add the directory, or name one that exists.',
    );
  }
}

function lintInstanceGroups(config: ModelConfig, context: ConfigContext, report: Report): void {
  for (const [index, group] of (config.instance_group ?? []).entries()) {
    const at = `instance_group[${index}]`;
    const kind = group.kind ?? 'KIND_AUTO';
    if ((group.count ?? 0) < 0) {
      report('MW-L0332', 'warning', `${at}.count`, 'count is negative; Triton takes it for the default.', 'Write the number of instances.');
    }
    const gpus = group.gpus ?? [];
    if (gpus.length > 0 && (kind === 'KIND_CPU' || kind === 'KIND_MODEL')) {
      report('MW-L0333', 'error', `${at}.gpus`, `${kind} cannot name GPUs.`, 'Remove gpus, or write KIND_GPU.');
    }
    if (gpus.some((gpu) => gpu < 0 || (context.gpuCount !== undefined && gpu >= context.gpuCount))) {
      report(
        'MW-L0333',
        'error',
        `${at}.gpus`,
        'A GPU is named that the deployment does not have.',
        'Number them from 0, or leave gpus out.',
      );
    }
    if (context.gpuCount === 0 && (kind === 'KIND_GPU' || (kind === 'KIND_AUTO' && gpus.length > 0))) {
      report(
        'MW-L0334',
        'error',
        kind === 'KIND_GPU' ? `${at}.kind` : `${at}.gpus`,
        'The instance group wants GPUs and the deployment asks for none.',
        'Set gpu.count in the deployment, or write KIND_AUTO or KIND_CPU.',
      );
    }
    if ((group.profile ?? []).length > 0 && backendOf(config, context.files) !== 'tensorrt') {
      report('MW-L0335', 'error', `${at}.profile`, 'Optimization profiles exist only on TensorRT.', 'Remove profile.');
    }
  }
}

function lintBatchTensors(config: ModelConfig, report: Report): void {
  const inputs = new Set((config.input ?? []).map(({ name }) => name));
  const outputs = new Set((config.output ?? []).map(({ name }) => name));
  for (const [index, batch] of (config.batch_input ?? []).entries()) {
    const at = `batch_input[${index}]`;
    if (batch.data_type !== 'TYPE_INT32' && batch.data_type !== 'TYPE_FP32') {
      report('MW-L0340', 'error', `${at}.data_type`, 'A batch input is TYPE_INT32 or TYPE_FP32.', 'Write one of the two.');
    }
    const sources = batch.source_input ?? [];
    if (sources.length !== 1) {
      report(
        'MW-L0340',
        'error',
        `${at}.source_input`,
        `A batch input has exactly one source input, not ${sources.length}.`,
        'Name one input.',
      );
    }
    const unknown = sources.find((name) => !inputs.has(name));
    if (unknown !== undefined) {
      report('MW-L0341', 'error', `${at}.source_input`, `There is no input "${unknown}".`, 'Name an input of this model.');
    }
  }
  for (const [index, batch] of (config.batch_output ?? []).entries()) {
    const at = `batch_output[${index}]`;
    const target = (batch.target_name ?? []).find((name) => !outputs.has(name));
    if (target !== undefined)
      report('MW-L0341', 'error', `${at}.target_name`, `There is no output "${target}".`, 'Name an output of this model.');
    const source = (batch.source_input ?? []).find((name) => !inputs.has(name));
    if (source !== undefined)
      report('MW-L0341', 'error', `${at}.source_input`, `There is no input "${source}".`, 'Name an input of this model.');
  }
}

/** The version directories that Triton serves: positive numbers without leading zeros (0 too), in ascending order. */
export function versionDirectories(files: readonly string[]): number[] {
  const versions = new Set<number>();
  for (const file of files) {
    const match = /^(0|[1-9]\d{0,15})\//.exec(file);
    if (match?.[1] !== undefined) versions.add(Number(match[1]));
  }
  return [...versions].sort((a, b) => a - b);
}

function escapeExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
