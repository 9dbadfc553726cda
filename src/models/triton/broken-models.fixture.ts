/**
 * Broken Triton models, each with the finding that the lint gives and the words that the real server says about it
 * (tritonserver of nvidia-pytriton 0.7.0). The unit test checks the first, the packaging tests ask the server for the second.
 */
export interface BrokenModel {
  readonly id: string;
  readonly config: string | undefined;
  /** Files of the model's directory. */
  readonly files: readonly string[];
  readonly code: string;
  /** The field (or place) that our finding names. */
  readonly names: string;
  /** What Triton says. */
  readonly triton: RegExp;
}

const input = 'input [{name:"x" data_type:TYPE_FP32 dims:[4]}]\n';
const output = 'output [{name:"y" data_type:TYPE_FP32 dims:[4]}]\n';
const batched = 'backend: "python"\nmax_batch_size: 8\n';
const ensemble = 'platform: "ensemble"\nmax_batch_size: 8\n';
const pyFiles = ['1/model.py'];

interface Parts {
  readonly head?: string;
  readonly in?: string;
  readonly out?: string;
  readonly more?: string;
}

function config({ head = batched, in: inputs = input, out = output, more = '' }: Parts = {}): string {
  return head + inputs + out + more;
}

function broken(
  id: string,
  parts: Parts | string | undefined,
  code: string,
  names: string,
  triton: RegExp,
  files: readonly string[] = pyFiles,
): BrokenModel {
  return { id, config: typeof parts === 'object' ? config(parts) : parts, files, code, names, triton };
}

const step = (fields: string) => ({ head: ensemble, more: `ensemble_scheduling { step [{ ${fields} }] }` });
const control = (fields: string) => ({ more: `sequence_batching { control_input [{ name: "S" control [{ ${fields} }] }] }` });
const warmup = (fields: string, batch = 1) => ({
  more: `model_warmup [{ name: "w" batch_size: ${batch} inputs { key: "x" value { ${fields} } } }]`,
});
const one = (side: 'input' | 'output', fields: string): Parts =>
  side === 'input' ? { in: `input [{${fields}}]\n` } : { out: `output [{${fields}}]\n` };

function tensors(side: 'input' | 'output'): BrokenModel[] {
  const name = side === 'input' ? 'name:"x"' : 'name:"y"';
  const fp32 = 'data_type:TYPE_FP32';
  const unbatched = 'backend: "python"\n';
  return [
    broken(
      `${side}-no-name`,
      one(side, `${fp32} dims:[4]`),
      'MW-L0320',
      `${side}[0].name`,
      new RegExp(`model ${side} must specify 'name'`),
    ),
    broken(`${side}-no-type`, one(side, `${name} dims:[4]`), 'MW-L0321', `${side}[0].data_type`, /must specify 'data_type'/),
    broken(
      `${side}-invalid-type`,
      one(side, `${name} data_type:TYPE_INVALID dims:[4]`),
      'MW-L0321',
      `${side}[0].data_type`,
      /must specify 'data_type'/,
    ),
    broken(`${side}-no-dims`, one(side, `${name} ${fp32}`), 'MW-L0322', `${side}[0].dims`, /must specify 'dims'/),
    broken(`${side}-empty-dims`, one(side, `${name} ${fp32} dims:[]`), 'MW-L0322', `${side}[0].dims`, /must specify 'dims'/),
    broken(
      `${side}-zero-dim`,
      one(side, `${name} ${fp32} dims:[0]`),
      'MW-L0323',
      `${side}[0].dims`,
      /dimension must be integer >= 1, or -1/,
    ),
    broken(
      `${side}-negative-dim`,
      one(side, `${name} ${fp32} dims:[-2]`),
      'MW-L0323',
      `${side}[0].dims`,
      /dimension must be integer >= 1, or -1/,
    ),
    broken(
      `${side}-reshape-size`,
      one(side, `${name} ${fp32} dims:[4] reshape {shape:[3]}`),
      'MW-L0325',
      `${side}[0].reshape`,
      /different size for dims and reshape/,
    ),
    broken(
      `${side}-reshape-variable`,
      one(side, `${name} ${fp32} dims:[-1,-1] reshape {shape:[-1]}`),
      'MW-L0325',
      `${side}[0].reshape`,
      /different number of variable-size dimensions/,
    ),
    broken(
      `${side}-reshape-zero`,
      one(side, `${name} ${fp32} dims:[4] reshape {shape:[0]}`),
      'MW-L0325',
      `${side}[0].reshape`,
      /reshape dimensions must be integer >= 1/,
    ),
    broken(
      `${side}-reshape-empty`,
      one(side, `${name} ${fp32} dims:[4] reshape {shape:[]}`),
      'MW-L0325',
      `${side}[0].reshape`,
      /different size for dims and reshape/,
    ),
    broken(
      `${side}-reshape-scalar`,
      { head: unbatched, ...one(side, `${name} ${fp32} dims:[1] reshape {shape:[]}`) },
      'MW-L0325',
      `${side}[0].reshape`,
      /cannot have empty reshape for non-batching model/,
    ),
    broken(
      `${side}-shape-tensor`,
      one(side, `${name} ${fp32} dims:[4] is_shape_tensor:true`),
      'MW-L0327',
      `${side}[0].is_shape_tensor`,
      /shape tensors are only supported for TensorRT/,
    ),
  ];
}

export const brokenModels: readonly BrokenModel[] = [
  // Text that protobuf cannot read: Triton logs the line and column and then "failed to read text proto".
  broken('unclosed-list', { more: 'instance_group [ { count: 1 }' }, 'MW-L0301', 'instance_group', /Expected ",", found ""/),
  broken('unknown-field', { more: 'max_batchsize: 8' }, 'MW-L0301', 'max_batchsize', /no field named "max_batchsize"/),
  broken('field-in-capitals', { head: 'Backend: "python"\n' }, 'MW-L0301', 'Backend', /no field named "Backend"/),
  broken(
    'number-in-quotes',
    { head: 'backend: "python" max_batch_size: "8"\n' },
    'MW-L0301',
    'max_batch_size',
    /Expected integer, got: "?8/,
  ),
  broken(
    'unknown-enum',
    { in: 'input [{name:"x" data_type:FP32 dims:[4]}]' },
    'MW-L0301',
    'input[0].data_type',
    /Unknown enumeration value of "FP32" for field "data_type"/,
  ),
  broken(
    'enum-in-quotes',
    { in: 'input [{name:"x" data_type:"TYPE_FP32" dims:[4]}]' },
    'MW-L0301',
    'input[0].data_type',
    /Expected integer or identifier/,
  ),
  broken('no-value', { more: 'default_model_filename:' }, 'MW-L0301', 'default_model_filename', /Expected string, got:/),
  broken('open-string', { more: 'default_model_filename: "model.py' }, 'MW-L0301', ':5:', /Unexpected end of string/),
  broken('broken-string', { head: 'backend: "py\nthon"\n' }, 'MW-L0301', ':1:', /String literals cannot cross line boundaries/),
  broken('bad-escape', { head: 'backend: "py\\qthon"\n' }, 'MW-L0301', ':1:', /Invalid escape sequence/),
  broken('no-quotes', { head: 'backend: python\n' }, 'MW-L0301', 'backend', /Expected string, got: python/),
  broken(
    'overflow',
    { head: 'backend: "python" max_batch_size: 99999999999\n' },
    'MW-L0301',
    'max_batch_size',
    /Integer out of range \(99999999999\)/,
  ),
  broken(
    'bad-octal',
    { head: 'backend: "python" max_batch_size: 08\n' },
    'MW-L0301',
    ':1:',
    /Numbers starting with leading zero must be in octal/,
  ),
  broken(
    'float-dim',
    { in: 'input [{name:"x" data_type:TYPE_FP32 dims:[1.5]}]' },
    'MW-L0301',
    'input[0].dims',
    /Expected integer, got: 1\.5/,
  ),
  broken(
    'float-delay',
    { more: 'dynamic_batching { max_queue_delay_microseconds: 1e3 }' },
    'MW-L0301',
    'dynamic_batching.max_queue_delay_microseconds',
    /Expected integer, got: 1e3/,
  ),
  broken(
    'trailing-comma',
    { in: 'input [{name:"x" data_type:TYPE_FP32 dims:[4,]}]' },
    'MW-L0301',
    'input[0].dims',
    /Expected integer, got: \]/,
  ),
  broken('twice', { more: 'backend: "python"' }, 'MW-L0301', 'backend', /Non-repeated field "backend" is specified multiple times/),
  broken(
    'two-policies',
    { more: 'version_policy { latest {num_versions:1} all {} }' },
    'MW-L0301',
    'version_policy.all',
    /another member of oneof "policy_choice"/,
  ),
  broken(
    'two-schedulers',
    { more: 'dynamic_batching {} sequence_batching {}' },
    'MW-L0301',
    'sequence_batching',
    /another member of oneof "scheduling_choice"/,
  ),
  broken(
    'negative-unsigned',
    { more: 'dynamic_batching { priority_levels: -1 }' },
    'MW-L0301',
    'dynamic_batching.priority_levels',
    /Expected integer, got: -/,
  ),
  broken('scalar-for-message', { more: 'dynamic_batching: 1' }, 'MW-L0301', 'dynamic_batching', /Expected "\{", found "1"/),
  broken(
    'list-for-message',
    { more: 'version_policy [{ latest {num_versions:1} }]' },
    'MW-L0301',
    'version_policy',
    /Expected "\{", found "\["/,
  ),
  broken(
    'message-for-scalar',
    { more: 'default_model_filename { x: 1 }' },
    'MW-L0301',
    'default_model_filename',
    /Expected ":", found "\{"/,
  ),
  broken('extra-brace', { more: '}' }, 'MW-L0301', ':5:1', /Expected identifier, got: \}/),
  broken(
    'bad-bool',
    { more: 'dynamic_batching { preserve_ordering: yes }' },
    'MW-L0301',
    'dynamic_batching.preserve_ordering',
    /Invalid value for boolean field "preserve_ordering"/,
  ),
  broken(
    'number-for-bool',
    { more: 'dynamic_batching { preserve_ordering: 2 }' },
    'MW-L0301',
    'dynamic_batching.preserve_ordering',
    /Integer out of range \(2\)/,
  ),
  broken('json', '{"name":"x"}', 'MW-L0301', ':1:1', /Expected identifier, got: \{/),
  broken('byte-order-mark', `\ufeff${config()}`, 'MW-L0301', ':1:1', /Interpreting non ascii codepoint/),
  broken('control-character', { more: '\x01' }, 'MW-L0301', ':5:1', /Invalid control characters/),
  broken('slash-comment', { more: '// served by the team' }, 'MW-L0301', ':5:1', /Expected identifier, got: \//),
  broken('extension', { more: '[foo.bar]: 1' }, 'MW-L0301', ':5:', /Extension "foo\.bar" is not defined/),
  // Names, back-ends, sizes.
  broken(
    'other-name',
    { head: `name: "other"\n${batched}` },
    'MW-L0204',
    'name',
    /unexpected directory name 'other-name' for model 'other', directory name must equal model name/,
  ),
  broken('unknown-platform', { head: 'platform: "onnx"\nmax_batch_size: 8\n' }, 'MW-L0310', 'platform', /unexpected platform type 'onnx'/),
  broken(
    'pair-tensorrt',
    { head: 'platform: "tensorrt_plan" backend: "onnxruntime"\n' },
    'MW-L0310',
    'platform',
    /unexpected 'platform' and 'backend' pair/,
  ),
  broken(
    'pair-tensorflow',
    { head: 'platform: "tensorflow_savedmodel" backend: "onnxruntime"\n' },
    'MW-L0310',
    'platform',
    /unexpected 'platform' and 'backend' pair/,
  ),
  broken('no-backend', undefined, 'MW-L0312', 'config.pbtxt', /Could not determine backend|at least one version/, ['README.md']),
  broken('unknown-runtime', { more: 'runtime: "nosuch.so"' }, 'MW-L0313', 'runtime', /unable to find backend library 'nosuch\.so'/),
  broken(
    'negative-batch',
    { head: 'backend: "python" max_batch_size: -1\n' },
    'MW-L0311',
    'max_batch_size',
    /'max_batch_size' must be non-negative/,
  ),
  ...tensors('input'),
  ...tensors('output'),
  broken(
    'nhwc-two-dims',
    one('input', 'name:"x" data_type:TYPE_FP32 format:FORMAT_NHWC dims:[4,4]'),
    'MW-L0324',
    'input[0].format',
    /NHWC\/NCHW require 3 dims/,
  ),
  broken(
    'nchw-four-dims',
    one('input', 'name:"x" data_type:TYPE_FP32 format:FORMAT_NCHW dims:[1,3,4,4]'),
    'MW-L0324',
    'input[0].format',
    /NHWC\/NCHW require 3 dims/,
  ),
  broken(
    'non-linear',
    one('input', 'name:"x" data_type:TYPE_FP32 dims:[4] is_non_linear_format_io:true'),
    'MW-L0328',
    'input[0].is_non_linear_format_io',
    /Non-linear IO format is only supported/,
  ),
  broken(
    'no-label-file',
    one('output', 'name:"y" data_type:TYPE_FP32 dims:[4] label_filename:"none.txt"'),
    'MW-L0329',
    'output[0].label_filename',
    /failed to open text file for read .*none\.txt/,
  ),
  // Versions.
  broken(
    'latest-zero',
    { more: 'version_policy { latest { num_versions: 0 } }' },
    'MW-L0330',
    'version_policy.latest.num_versions',
    /at least one version must be available/,
  ),
  broken(
    'specific-empty',
    { more: 'version_policy { specific { } }' },
    'MW-L0331',
    'version_policy.specific.versions',
    /at least one version must be available/,
  ),
  broken(
    'specific-missing',
    { more: 'version_policy { specific { versions: [7] } }' },
    'MW-L0331',
    'version_policy.specific.versions',
    /version 7 is specified for model 'specific-missing', but the version directory is not present/,
  ),
  broken(
    'specific-negative',
    { more: 'version_policy { specific { versions: [-1] } }' },
    'MW-L0331',
    'version_policy.specific.versions',
    /at least one version must be available/,
  ),
  broken('no-version', {}, 'MW-L0101', 'no-version', /at least one version must be available/, ['README.md']),
  broken('flat', {}, 'MW-L0101', 'flat', /at least one version must be available/, ['model.py']),
  broken('version-with-v', {}, 'MW-L0103', 'version-with-v/v1', /at least one version must be available/, ['v1/model.py']),
  broken('leading-zero', {}, 'MW-L0103', 'leading-zero/01', /at least one version must be available/, ['01/model.py']),
  // Instances.
  broken(
    'cpu-with-gpus',
    { more: 'instance_group [{kind:KIND_CPU gpus:[0]}]' },
    'MW-L0333',
    'instance_group[0].gpus',
    /has kind KIND_CPU but specifies one or more GPUs/,
  ),
  broken(
    'model-with-gpus',
    { more: 'instance_group [{kind:KIND_MODEL gpus:[0]}]' },
    'MW-L0333',
    'instance_group[0].gpus',
    /has kind KIND_MODEL but specifies one or more GPUs/,
  ),
  broken(
    'negative-gpu',
    { more: 'instance_group [{kind:KIND_GPU gpus:[-1]}]' },
    'MW-L0333',
    'instance_group[0].gpus',
    /invalid or unsupported gpu id -1/,
  ),
  broken(
    'gpu-without-gpu',
    { more: 'instance_group [{kind:KIND_GPU}]' },
    'MW-L0334',
    'instance_group[0].kind',
    /has kind KIND_GPU but no GPUs are available/,
  ),
  broken('auto-with-gpus', { more: 'instance_group [{gpus:[0]}]' }, 'MW-L0334', 'instance_group[0].gpus', /specifies one or more GPUs/),
  broken(
    'profile',
    { more: 'instance_group [{kind:KIND_CPU profile:["a"]}]' },
    'MW-L0335',
    'instance_group[0].profile',
    /profile field which is only supported for TensorRT/,
  ),
  // Batch tensors, agents, parameters, cache.
  broken(
    'batch-input-type',
    { more: 'batch_input [{ kind: BATCH_ELEMENT_COUNT target_name:["BC"] source_input:["x"] data_type: TYPE_STRING }]' },
    'MW-L0340',
    'batch_input[0].data_type',
    /batch input data type must be TYPE_INT32 or TYPE_FP32/,
  ),
  broken(
    'batch-input-source',
    { more: 'batch_input [{ kind: BATCH_ELEMENT_COUNT target_name:["BC"] data_type: TYPE_FP32 }]' },
    'MW-L0340',
    'batch_input[0].source_input',
    /expects 1 source input, got 0/,
  ),
  broken(
    'batch-input-unknown',
    { more: 'batch_input [{ kind: BATCH_ELEMENT_COUNT target_name:["BC"] source_input:["q"] data_type: TYPE_FP32 }]' },
    'MW-L0341',
    'batch_input[0].source_input',
    /unknown source input name 'q'/,
  ),
  broken(
    'batch-output-source',
    { more: 'batch_output [{ target_name:["y"] kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input:["q"] }]' },
    'MW-L0341',
    'batch_output[0].source_input',
    /unknown source input name 'q'/,
  ),
  broken(
    'batch-output-target',
    { more: 'batch_output [{ target_name:["q"] kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input:["x"] }]' },
    'MW-L0341',
    'batch_output[0].target_name',
    /unknown target output name 'q'/,
  ),
  broken(
    'agent-without-name',
    { more: 'model_repository_agents { agents [{ }] }' },
    'MW-L0345',
    'model_repository_agents.agents[0].name',
    /for repo agent ''/,
  ),
  broken(
    'python-parameter',
    { more: 'parameters { key:"FORCE_CPU_ONLY_INPUT_TENSORS" value { string_value:"maybe" } }' },
    'MW-L0346',
    'parameters[0]',
    /Incorrect value for FORCE_CPU_ONLY_INPUT_TENSORS/,
  ),
  broken(
    'cache-decoupled',
    { more: 'response_cache { enable: true } model_transaction_policy { decoupled: true }' },
    'MW-L0344',
    'response_cache',
    /Response Cache does not currently support/,
  ),
  // Scheduling.
  broken(
    'preferred-zero',
    { more: 'dynamic_batching { preferred_batch_size:[0] }' },
    'MW-L0351',
    'dynamic_batching.preferred_batch_size',
    /preferred size must be positive/,
  ),
  broken(
    'preferred-large',
    { more: 'dynamic_batching { preferred_batch_size:[4,16] }' },
    'MW-L0351',
    'dynamic_batching.preferred_batch_size',
    /preferred size must be <= max batch size/,
  ),
  broken(
    'priority-high',
    { more: 'dynamic_batching { priority_levels: 2 default_priority_level: 3 }' },
    'MW-L0352',
    'dynamic_batching.default_priority_level',
    /default priority level must be in range \[1, 2\]/,
  ),
  broken(
    'priority-missing',
    { more: 'dynamic_batching { priority_levels: 2 }' },
    'MW-L0352',
    'dynamic_batching.default_priority_level',
    /default priority level must be in range \[1, 2\]/,
  ),
  broken(
    'priority-policy',
    {
      more: 'dynamic_batching { priority_levels: 2 default_priority_level: 1 priority_queue_policy { key: 5 value { max_queue_size: 1 } } }',
    },
    'MW-L0353',
    'dynamic_batching.priority_queue_policy',
    /priority queue policy must have priority level in range \[1, 2\]/,
  ),
  broken(
    'oldest-preferred',
    { more: 'sequence_batching { oldest { max_candidate_sequences: 4 preferred_batch_size:[64] } }' },
    'MW-L0360',
    'sequence_batching.oldest.preferred_batch_size',
    /preferred batch size must be <= max batch size/,
  ),
  broken(
    'control-no-name',
    { more: 'sequence_batching { control_input [{ control [{ kind: CONTROL_SEQUENCE_START int32_false_true:[0,1] }] }] }' },
    'MW-L0361',
    'sequence_batching.control_input[0].name',
    /control tensor must have a name/,
  ),
  broken(
    'control-twice',
    {
      more: 'sequence_batching { control_input [{ name:"S" control [{ kind: CONTROL_SEQUENCE_START int32_false_true:[0,1] }] },{ name:"T" control [{ kind: CONTROL_SEQUENCE_START int32_false_true:[0,1] }] }] }',
    },
    'MW-L0362',
    'sequence_batching.control_input[1].control[0].kind',
    /multiple CONTROL_SEQUENCE_START tensors/,
  ),
  broken(
    'control-one-value',
    control('kind: CONTROL_SEQUENCE_START int32_false_true:[0]'),
    'MW-L0364',
    'control[0].int32_false_true',
    /'int32_false_true' must have exactly 2 entries/,
  ),
  broken(
    'control-no-value',
    control('kind: CONTROL_SEQUENCE_START'),
    'MW-L0364',
    'control_input[0].control[0]',
    /must specify either 'int32_false_true'/,
  ),
  broken(
    'control-two-values',
    control('kind: CONTROL_SEQUENCE_START int32_false_true:[0,1] fp32_false_true:[0,1]'),
    'MW-L0364',
    'control_input[0].control[0]',
    /specifies more than one from 'int32_false_true'/,
  ),
  broken(
    'correlation-no-type',
    control('kind: CONTROL_SEQUENCE_CORRID'),
    'MW-L0363',
    'control[0].data_type',
    /unexpected data type for control CONTROL_SEQUENCE_CORRID/,
  ),
  broken(
    'correlation-float',
    control('kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_FP32'),
    'MW-L0363',
    'control[0].data_type',
    /unexpected data type for control CONTROL_SEQUENCE_CORRID/,
  ),
  broken(
    'ensemble-no-platform',
    {
      more: 'ensemble_scheduling { step [{ model_name:"good" model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"y"} }] }',
    },
    'MW-L0370',
    'platform',
    /ensemble scheduling cannot be set for model/,
  ),
  broken('ensemble-no-steps', { head: ensemble }, 'MW-L0370', 'ensemble_scheduling', /ensemble scheduling must be set for ensemble/),
  broken(
    'ensemble-empty',
    { head: ensemble, more: 'ensemble_scheduling { }' },
    'MW-L0372',
    'ensemble_scheduling.step',
    /must specify 'step' for ensemble/,
  ),
  broken(
    'step-no-model',
    step('model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"y"}'),
    'MW-L0372',
    'ensemble_scheduling.step[0].model_name',
    /must specify 'model_name' in step 0/,
  ),
  broken(
    'step-no-input',
    step('model_name:"good" model_version:-1 output_map{key:"y" value:"y"}'),
    'MW-L0374',
    'ensemble_scheduling.step[0].input_map',
    /must specify 'input_map' in step 0/,
  ),
  broken(
    'step-no-output',
    step('model_name:"good" model_version:-1 input_map{key:"x" value:"x"}'),
    'MW-L0374',
    'ensemble_scheduling.step[0].output_map',
    /must specify 'output_map' in step 0/,
  ),
  broken(
    'step-unknown-model',
    step('model_name:"nosuch" model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"y"}'),
    'MW-L0373',
    'ensemble_scheduling.step[0].model_name',
    /contains models that are not available or ambiguous: nosuch/,
  ),
  broken(
    'step-itself',
    step('model_name:"step-itself" model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"y"}'),
    'MW-L0373',
    'ensemble_scheduling.step[0].model_name',
    /circular dependency between ensembles/,
  ),
  broken(
    'ensemble-input-unused',
    step('model_name:"good" model_version:-1 input_map{key:"x" value:"z"} output_map{key:"y" value:"y"}'),
    'MW-L0376',
    'input[0]',
    /ensemble input 'x' for ensemble .* is not used/,
  ),
  broken(
    'ensemble-output-unused',
    step('model_name:"good" model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"q"}'),
    'MW-L0376',
    'output[0]',
    /ensemble output 'y' for ensemble .* is not used/,
  ),
  broken(
    'ensemble-instances',
    {
      head: ensemble,
      more: 'ensemble_scheduling { step [{ model_name:"good" model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"y"} }] } instance_group [{count:1}]',
    },
    'MW-L0371',
    'instance_group',
    /instance group should not be specified for ensemble/,
  ),
  broken(
    'ensemble-written-twice',
    {
      head: ensemble,
      more: 'ensemble_scheduling { step [{ model_name:"good" model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"y"} },{ model_name:"good" model_version:-1 input_map{key:"x" value:"x"} output_map{key:"y" value:"y"} }] }',
    },
    'MW-L0375',
    'ensemble_scheduling.step[1].output_map',
    /can appear in an output map only once/,
  ),
  // Warm-up.
  broken(
    'warmup-variable',
    warmup('data_type: TYPE_FP32 dims:[-1] zero_data:true'),
    'MW-L0382',
    'model_warmup[0].inputs["x"].dims',
    /expects all variable-size dimensions are specified for input 'x'/,
  ),
  broken(
    'warmup-no-data',
    warmup('data_type: TYPE_FP32 dims:[4]'),
    'MW-L0382',
    'model_warmup[0].inputs["x"]',
    /expects input 'x' to have input_data_type set/,
  ),
  broken(
    'warmup-large',
    warmup('data_type: TYPE_FP32 dims:[4] zero_data:true', 16),
    'MW-L0380',
    'model_warmup[0].batch_size',
    /batch size 16 for 'warmup-large_0', max allowed is 8/,
  ),
  broken(
    'warmup-no-file',
    warmup('data_type: TYPE_FP32 dims:[4] input_data_file:"none"'),
    'MW-L0383',
    'input_data_file',
    /failed to open text file for read .*warmup\/none/,
  ),
  broken(
    'warmup-type',
    warmup('data_type: TYPE_INT32 dims:[4] zero_data:true'),
    'MW-L0384',
    'model_warmup[0].inputs["x"].data_type',
    /data-type is 'INT32', but model 'warmup-type' expects 'FP32'/,
  ),
  broken(
    'warmup-no-inputs',
    { more: 'model_warmup [{ name: "w" batch_size: 1 }]' },
    'MW-L0381',
    'model_warmup[0].inputs',
    /missing required input\(s\) \['x'\]/,
  ),
  broken(
    'warmup-other-input',
    { more: 'model_warmup [{ name: "w" batch_size: 1 inputs { key: "zz" value { data_type: TYPE_FP32 dims:[4] zero_data:true } } }]' },
    'MW-L0381',
    'model_warmup[0].inputs',
    /missing required input\(s\) \['x'\]/,
  ),
];

/** Configurations that Triton loads, in every spelling that protobuf's text format allows. */
export const goodConfigs: Readonly<Record<string, string>> = {
  good: config(),
  quotes: config({ in: "input: [{name:'x', data_type: TYPE_FP32, dims: 4}]\n" }),
  comments: config({ more: '# one version\nversion_policy: { latest { num_versions: 1 } };' }),
  'angle-brackets': config({ more: 'dynamic_batching < preserve_ordering: true >' }),
  hexadecimal: config({ head: 'backend: "python" max_batch_size: 0x8\n' }),
  'two-strings': config({ head: 'backend: "py" "thon"\n' }),
  escapes: config({ head: 'backend: "py\\164hon"\n' }),
  'enum-number': config({ in: 'input [{name:"x" data_type: 11 dims:[4]}]\n' }),
  'map-list': config({ more: 'parameters [{ key:"a" value:{ string_value:"b" } }, { key:"a" value:{ string_value:"c" } }]' }),
  'no-name-no-backend': config({ head: 'max_batch_size: 8\n' }),
  optional: config({ in: 'input [{name:"x" data_type:TYPE_FP32 dims:[4] optional:true}]\n' }),
  'string-type': config({ in: 'input [{name:"x" data_type:TYPE_STRING dims:[4]}]\n' }),
  bf16: config({ in: 'input [{name:"x" data_type:TYPE_BF16 dims:[4]}]\n' }),
  'reshape-to-scalar': config({ in: 'input [{name:"x" data_type:TYPE_FP32 dims:[1] reshape {shape:[]}}]\n' }),
};
