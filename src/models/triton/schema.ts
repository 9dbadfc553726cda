/**
 * The messages of Triton's model configuration (`model_config.proto`) as a table: what a `config.pbtxt` may say. One row a field:
 * its type, `*` in front when it repeats, `map` when its entries are `{key value}` pairs.
 */
export type Scalar = 'string' | 'bool' | 'int32' | 'int64' | 'uint32' | 'uint64' | 'float';

export interface Field {
  readonly type: Scalar | { readonly enum: readonly string[] } | { readonly message: string };
  readonly repeated: boolean;
  readonly map: boolean;
  /** Fields of one group exclude each other. */
  readonly oneof: string | undefined;
}

export type Message = ReadonlyMap<string, Field>;

export const dataTypes = [
  'TYPE_INVALID',
  'TYPE_BOOL',
  'TYPE_UINT8',
  'TYPE_UINT16',
  'TYPE_UINT32',
  'TYPE_UINT64',
  'TYPE_INT8',
  'TYPE_INT16',
  'TYPE_INT32',
  'TYPE_INT64',
  'TYPE_FP16',
  'TYPE_FP32',
  'TYPE_FP64',
  'TYPE_STRING',
  'TYPE_BF16',
] as const;

const enums: Readonly<Record<string, readonly string[]>> = {
  DataType: dataTypes,
  Format: ['FORMAT_NONE', 'FORMAT_NHWC', 'FORMAT_NCHW'],
  InstanceKind: ['KIND_AUTO', 'KIND_GPU', 'KIND_CPU', 'KIND_MODEL'],
  SecondaryKind: ['KIND_NVDLA'],
  Priority: ['PRIORITY_DEFAULT', 'PRIORITY_MAX', 'PRIORITY_MIN'],
  TimeoutAction: ['REJECT', 'DELAY'],
  ControlKind: ['CONTROL_SEQUENCE_START', 'CONTROL_SEQUENCE_READY', 'CONTROL_SEQUENCE_END', 'CONTROL_SEQUENCE_CORRID'],
  BatchInputKind: [
    'BATCH_ELEMENT_COUNT',
    'BATCH_ACCUMULATED_ELEMENT_COUNT',
    'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO',
    'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE',
    'BATCH_ITEM_SHAPE',
    'BATCH_ITEM_SHAPE_FLATTEN',
  ],
  BatchOutputKind: ['BATCH_SCATTER_WITH_INPUT_SHAPE'],
};

/** `name: type`; `*type` repeats; `{type}` is a map from string (or, with `#`, from a number); `name@group` belongs to a oneof. */
const text: Readonly<Record<string, string>> = {
  ModelConfig: `name:string platform:string backend:string runtime:string version_policy:VersionPolicy max_batch_size:int32
    input:*Input output:*Output batch_input:*BatchInput batch_output:*BatchOutput optimization:Optimization
    dynamic_batching@scheduling_choice:DynamicBatching sequence_batching@scheduling_choice:SequenceBatching
    ensemble_scheduling@scheduling_choice:Ensembling instance_group:*InstanceGroup default_model_filename:string
    cc_model_filenames:{string} metric_tags:{string} parameters:{Parameter} model_warmup:*Warmup model_operations:Operations
    model_transaction_policy:TransactionPolicy model_repository_agents:RepositoryAgents response_cache:ResponseCache
    model_metrics:Metrics`,
  VersionPolicy: 'latest@policy_choice:Latest all@policy_choice:All specific@policy_choice:Specific',
  Latest: 'num_versions:uint32',
  All: '',
  Specific: 'versions:*int64',
  Input: `name:string data_type:DataType format:Format dims:*int64 reshape:Reshape is_shape_tensor:bool allow_ragged_batch:bool
    optional:bool is_non_linear_format_io:bool`,
  Output: `name:string data_type:DataType dims:*int64 reshape:Reshape label_filename:string is_shape_tensor:bool
    is_non_linear_format_io:bool`,
  Reshape: 'shape:*int64',
  BatchInput: 'kind:BatchInputKind target_name:*string data_type:DataType source_input:*string',
  BatchOutput: 'target_name:*string kind:BatchOutputKind source_input:*string',
  Optimization: `graph:Graph priority:Priority cuda:Cuda execution_accelerators:ExecutionAccelerators input_pinned_memory:PinnedMemory
    output_pinned_memory:PinnedMemory gather_kernel_buffer_threshold:uint32 eager_batching:bool`,
  Graph: 'level:int32',
  Cuda: 'graphs:bool busy_wait_events:bool graph_spec:*GraphSpec output_copy_stream:bool',
  GraphSpec: 'batch_size:int32 input:{Shape} graph_lower_bound:LowerBound',
  LowerBound: 'batch_size:int32 input:{Shape}',
  Shape: 'dim:*int64',
  ExecutionAccelerators: 'gpu_execution_accelerator:*Accelerator cpu_execution_accelerator:*Accelerator',
  Accelerator: 'name:string parameters:{string}',
  PinnedMemory: 'enable:bool',
  DynamicBatching: `preferred_batch_size:*int32 max_queue_delay_microseconds:uint64 preserve_ordering:bool priority_levels:uint64
    default_priority_level:uint64 default_queue_policy:QueuePolicy priority_queue_policy:{#QueuePolicy}`,
  QueuePolicy: 'timeout_action:TimeoutAction default_timeout_microseconds:uint64 allow_timeout_override:bool max_queue_size:uint32',
  SequenceBatching: `direct@strategy_choice:Direct oldest@strategy_choice:Oldest max_sequence_idle_microseconds:uint64
    control_input:*ControlInput state:*State iterative_sequence:bool`,
  Direct: 'max_queue_delay_microseconds:uint64 minimum_slot_utilization:float',
  Oldest: 'max_candidate_sequences:int32 preferred_batch_size:*int32 max_queue_delay_microseconds:uint64 preserve_ordering:bool',
  ControlInput: 'name:string control:*Control',
  Control: 'kind:ControlKind int32_false_true:*int32 fp32_false_true:*float bool_false_true:*bool data_type:DataType',
  State: `input_name:string output_name:string data_type:DataType dims:*int64 initial_state:*InitialState
    use_same_buffer_for_input_output:bool use_growable_memory:bool`,
  InitialState: 'data_type:DataType dims:*int64 zero_data@state_data:bool data_file@state_data:string name:string',
  Ensembling: 'step:*Step',
  Step: 'model_name:string model_version:int64 input_map:{string} output_map:{string} model_namespace:string',
  InstanceGroup: `name:string kind:InstanceKind count:int32 rate_limiter:RateLimiter gpus:*int32 secondary_devices:*SecondaryDevice
    profile:*string passive:bool host_policy:string`,
  RateLimiter: 'resources:*Resource priority:uint32',
  Resource: 'name:string global:bool count:uint32',
  SecondaryDevice: 'kind:SecondaryKind device_id:int64',
  Parameter: 'string_value:string',
  Warmup: 'name:string batch_size:uint32 inputs:{WarmupInput} count:uint32',
  WarmupInput:
    'data_type:DataType dims:*int64 zero_data@input_data_type:bool random_data@input_data_type:bool input_data_file@input_data_type:string',
  Operations: 'op_library_filename:*string',
  TransactionPolicy: 'decoupled:bool',
  RepositoryAgents: 'agents:*Agent',
  Agent: 'name:string parameters:{string}',
  ResponseCache: 'enable:bool',
  Metrics: 'metric_control:*MetricControl',
  MetricControl: 'metric_identifier:MetricIdentifier histogram_options:HistogramOptions',
  MetricIdentifier: 'family:string',
  HistogramOptions: 'buckets:*float',
};

const scalars: ReadonlySet<string> = new Set(['string', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'float']);
const messages = new Map<string, Message>();
for (const [name, rows] of Object.entries(text)) messages.set(name, readRows(name, rows));

/** The fields of a message of the table, by name. */
export function messageOf(name: string): Message {
  const message = messages.get(name);
  if (message === undefined) throw new Error(`no message ${name} in the table`);
  return message;
}

function readRows(owner: string, rows: string): Message {
  const fields = new Map<string, Field>();
  for (const row of rows.split(/\s+/).filter((word) => word !== '')) {
    const [left = '', right = ''] = row.split(':');
    const [name = '', oneof] = left.split('@');
    const map = /^\{(#?)(.+)\}$/.exec(right);
    if (map === null) {
      fields.set(name, { type: typeOf(right.replace('*', '')), repeated: right.startsWith('*'), map: false, oneof });
      continue;
    }
    const entry = `${owner}.${name}`;
    messages.set(
      entry,
      new Map([
        ['key', { type: map[1] === '#' ? 'uint64' : 'string', repeated: false, map: false, oneof: undefined }],
        ['value', { type: typeOf(map[2] ?? ''), repeated: false, map: false, oneof: undefined }],
      ]),
    );
    fields.set(name, { type: { message: entry }, repeated: true, map: true, oneof: undefined });
  }
  return fields;
}

function typeOf(word: string): Field['type'] {
  if (scalars.has(word)) return word as Scalar;
  const values = enums[word];
  return values === undefined ? { message: word } : { enum: values };
}
