import type { Control, ModelConfig } from './config.ts';
import type { ConfigContext, Report } from './lint-config.ts';

/** The scheduling part of a configuration: dynamic and sequence batching, ensembles, warm-up, response cache. */
export function lintScheduling(config: ModelConfig, context: ConfigContext, report: Report): void {
  lintDynamicBatching(config, report);
  lintSequenceBatching(config, report);
  lintEnsemble(config, context, report);
  lintWarmup(config, context, report);
  if (config.response_cache?.enable === true && config.model_transaction_policy?.decoupled === true) {
    report('MW-L0344', 'error', 'response_cache', 'The response cache does not work with a decoupled model.', 'Disable one of the two.');
  }
}

function lintDynamicBatching(config: ModelConfig, report: Report): void {
  const batching = config.dynamic_batching;
  if (batching === undefined) return;
  const largest = config.max_batch_size ?? 0;
  const preferred = batching.preferred_batch_size ?? [];
  if (largest === 0) {
    report('MW-L0350', 'warning', 'dynamic_batching', 'Dynamic batching does nothing while max_batch_size is 0.', 'Set max_batch_size.');
  }
  if (preferred.some((size) => size < 1)) {
    report(
      'MW-L0351',
      'error',
      'dynamic_batching.preferred_batch_size',
      'A preferred batch size is not positive.',
      'Use sizes of at least 1.',
    );
  } else if (preferred.some((size) => size > largest)) {
    report(
      'MW-L0351',
      'error',
      'dynamic_batching.preferred_batch_size',
      `A preferred batch size is larger than max_batch_size (${largest}).`,
      'Raise max_batch_size or lower the preferred size.',
    );
  }
  const levels = batching.priority_levels ?? 0;
  const level = batching.default_priority_level ?? 0;
  if (levels > 0 && (level < 1 || level > levels)) {
    report(
      'MW-L0352',
      'error',
      'dynamic_batching.default_priority_level',
      `The default priority level is ${level}; with ${levels} levels it lies between 1 and ${levels}.`,
      'Set default_priority_level.',
    );
  }
  const outside = (batching.priority_queue_policy ?? []).find(({ key }) => Number(key ?? 0) < 1 || Number(key ?? 0) > levels);
  if (levels > 0 && outside !== undefined) {
    report(
      'MW-L0353',
      'error',
      'dynamic_batching.priority_queue_policy',
      `There is a queue policy for priority level ${outside.key ?? 0}, and levels go from 1 to ${levels}.`,
      'Use a key between them.',
    );
  }
}

const correlationTypes: readonly unknown[] = ['TYPE_UINT64', 'TYPE_INT64', 'TYPE_UINT32', 'TYPE_INT32', 'TYPE_STRING'];

function lintSequenceBatching(config: ModelConfig, report: Report): void {
  const batching = config.sequence_batching;
  if (batching === undefined) return;
  const largest = config.max_batch_size ?? 0;
  if ((batching.oldest?.preferred_batch_size ?? []).some((size) => size < 1 || size > largest)) {
    report(
      'MW-L0360',
      'error',
      'sequence_batching.oldest.preferred_batch_size',
      `A preferred batch size is not between 1 and max_batch_size (${largest}).`,
      'Change one of the two.',
    );
  }
  const kinds = new Set<string>();
  for (const [index, input] of (batching.control_input ?? []).entries()) {
    const at = `sequence_batching.control_input[${index}]`;
    if ((input.name ?? '') === '') report('MW-L0361', 'error', `${at}.name`, 'A control input has no name.', "Write the tensor's name.");
    for (const [number, control] of (input.control ?? []).entries()) {
      const kind = String(control.kind ?? 'CONTROL_SEQUENCE_START');
      if (kinds.has(kind)) {
        report('MW-L0362', 'error', `${at}.control[${number}].kind`, `There are several tensors for ${kind}.`, 'Keep one.');
      }
      kinds.add(kind);
      lintControl(control, kind, `${at}.control[${number}]`, report);
    }
  }
}

function lintControl(control: Control, kind: string, at: string, report: Report): void {
  if (kind === 'CONTROL_SEQUENCE_CORRID') {
    if (!correlationTypes.includes(control.data_type)) {
      report(
        'MW-L0363',
        'error',
        `${at}.data_type`,
        'The correlation id has no data type that Triton allows.',
        'Use TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 or TYPE_STRING.',
      );
    }
    return;
  }
  const given = (['int32_false_true', 'fp32_false_true', 'bool_false_true'] as const).filter((name) => (control[name] ?? []).length > 0);
  const [name] = given;
  if (name === undefined) {
    report(
      'MW-L0364',
      'error',
      at,
      `${kind} says neither int32_false_true nor fp32_false_true nor bool_false_true.`,
      'Give one of them two values: the one for false and the one for true.',
    );
  } else if (given.length > 1) {
    report('MW-L0364', 'error', at, `${kind} gives more than one of ${given.join(', ')}.`, 'Keep one of them.');
  } else if (control[name]?.length !== 2) {
    report('MW-L0364', 'error', `${at}.${name}`, `${name} needs exactly two values.`, 'Give the value for false and the one for true.');
  }
}

function lintEnsemble(config: ModelConfig, context: ConfigContext, report: Report): void {
  const scheduling = config.ensemble_scheduling;
  if (config.platform === 'ensemble' && scheduling === undefined) {
    report(
      'MW-L0370',
      'error',
      'ensemble_scheduling',
      'The platform is ensemble and there is no ensemble_scheduling.',
      'Describe the steps.',
    );
  }
  if (scheduling === undefined) return;
  if (config.platform !== 'ensemble') {
    report(
      'MW-L0370',
      'error',
      'platform',
      'There is ensemble_scheduling and the platform is not "ensemble".',
      'Write platform: "ensemble".',
    );
    return;
  }
  if ((config.instance_group ?? []).length > 0) {
    report(
      'MW-L0371',
      'error',
      'instance_group',
      'An ensemble runs nothing itself and has no instance groups.',
      "Put them into the steps' models.",
    );
  }
  const steps = scheduling.step ?? [];
  if (steps.length === 0) report('MW-L0372', 'error', 'ensemble_scheduling.step', 'The ensemble has no step.', 'Add at least one.');
  const written = new Map<string, number>();
  const read = new Set<string>();
  for (const [index, step] of steps.entries()) {
    const at = `ensemble_scheduling.step[${index}]`;
    const name = step.model_name ?? '';
    if (name === '') report('MW-L0372', 'error', `${at}.model_name`, 'The step names no model.', 'Write model_name.');
    else if (name === context.directory)
      report('MW-L0373', 'error', `${at}.model_name`, 'The ensemble calls itself.', 'Name another model.');
    else if (!context.models.has(name)) {
      report('MW-L0373', 'error', `${at}.model_name`, `There is no model "${name}" in the package.`, 'Add it, or correct the name.');
    }
    if ((step.input_map ?? []).length === 0) report('MW-L0374', 'error', `${at}.input_map`, 'The step maps no input.', 'Map its inputs.');
    if ((step.output_map ?? []).length === 0)
      report('MW-L0374', 'error', `${at}.output_map`, 'The step maps no output.', 'Map its outputs.');
    for (const { value = '' } of step.input_map ?? []) read.add(value);
    for (const { value = '' } of step.output_map ?? []) {
      if (written.has(value))
        report('MW-L0375', 'error', `${at}.output_map`, `The tensor "${value}" is written twice.`, 'Rename one of them.');
      written.set(value, index);
    }
    lintStepTensors(step.input_map ?? [], 'input', name, context, `${at}.input_map`, report);
    lintStepTensors(step.output_map ?? [], 'output', name, context, `${at}.output_map`, report);
  }
  for (const [index, { name = '' }] of (config.input ?? []).entries()) {
    if (!read.has(name))
      report('MW-L0376', 'error', `input[${index}]`, `No step reads the ensemble's input "${name}".`, 'Map it, or remove it.');
  }
  for (const [index, { name = '' }] of (config.output ?? []).entries()) {
    if (!written.has(name))
      report('MW-L0376', 'error', `output[${index}]`, `No step writes the ensemble's output "${name}".`, 'Map it, or remove it.');
  }
}

function lintStepTensors(
  map: readonly { readonly key?: string | number }[],
  side: 'input' | 'output',
  model: string,
  context: ConfigContext,
  field: string,
  report: Report,
): void {
  const tensors = context.models.get(model)?.[side];
  if (tensors === undefined) return;
  const unknown = map.find(({ key }) => !tensors.some(({ name }) => name === key));
  if (unknown !== undefined) {
    report(
      'MW-L0377',
      'error',
      field,
      `Model "${model}" has no ${side} "${unknown.key ?? ''}".`,
      `Use one of ${tensors.map(({ name }) => name).join(', ')}.`,
    );
  }
}

function lintWarmup(config: ModelConfig, context: ConfigContext, report: Report): void {
  const largest = Math.max(1, config.max_batch_size ?? 0);
  const needed = (config.input ?? []).filter(({ optional }) => optional !== true);
  for (const [index, warmup] of (config.model_warmup ?? []).entries()) {
    const at = `model_warmup[${index}]`;
    const inputs = warmup.inputs ?? [];
    if ((warmup.batch_size ?? 0) > largest) {
      report('MW-L0380', 'error', `${at}.batch_size`, `The warm-up batch is larger than max_batch_size (${largest}).`, 'Lower it.');
    }
    const missing = needed.find(({ name }) => !inputs.some(({ key }) => key === name));
    if (missing !== undefined) {
      report(
        'MW-L0381',
        'error',
        `${at}.inputs`,
        `The warm-up request lacks the input "${missing.name ?? ''}".`,
        'Give every required input.',
      );
    }
    for (const { key, value } of inputs) {
      const field = `${at}.inputs["${key ?? ''}"]`;
      const declared = (config.input ?? []).find(({ name }) => name === key);
      if ((value?.dims ?? []).some((dim) => dim < 0)) {
        report('MW-L0382', 'error', `${field}.dims`, 'A warm-up input has a variable dimension.', 'Write a size.');
      }
      const file = value?.input_data_file;
      if (value?.zero_data === undefined && value?.random_data === undefined && file === undefined) {
        report('MW-L0382', 'error', field, 'A warm-up input says neither zero_data nor random_data nor input_data_file.', 'Choose one.');
      }
      if (file !== undefined && !context.files.includes(`warmup/${file}`)) {
        report('MW-L0383', 'error', `${field}.input_data_file`, `warmup/${file} is not in the model's directory.`, 'Add the file.');
      }
      if (declared?.data_type !== undefined && value?.data_type !== undefined && declared.data_type !== value.data_type) {
        report(
          'MW-L0384',
          'error',
          `${field}.data_type`,
          `The input is ${declared.data_type} and the warm-up sends ${value.data_type}.`,
          'Use the same type.',
        );
      }
    }
  }
}
