/**
 * Triton's model configuration as the parser returns it: only what the file says, absent where it says nothing.
 * An enumeration is its name, or a number when the file gives one that has no name.
 */
export interface ModelConfig {
  readonly name?: string;
  readonly platform?: string;
  readonly backend?: string;
  readonly runtime?: string;
  readonly version_policy?: VersionPolicy;
  readonly max_batch_size?: number;
  readonly input?: readonly Tensor[];
  readonly output?: readonly Tensor[];
  readonly batch_input?: readonly BatchTensor[];
  readonly batch_output?: readonly BatchTensor[];
  readonly dynamic_batching?: DynamicBatching;
  readonly sequence_batching?: SequenceBatching;
  readonly ensemble_scheduling?: { readonly step?: readonly EnsembleStep[] };
  readonly instance_group?: readonly InstanceGroup[];
  readonly default_model_filename?: string;
  readonly cc_model_filenames?: readonly MapEntry<string>[];
  readonly parameters?: readonly MapEntry<{ readonly string_value?: string }>[];
  readonly model_warmup?: readonly Warmup[];
  readonly model_transaction_policy?: { readonly decoupled?: boolean };
  readonly model_repository_agents?: { readonly agents?: readonly { readonly name?: string }[] };
  readonly response_cache?: { readonly enable?: boolean };
  readonly model_metrics?: object;
}

export interface MapEntry<V> {
  readonly key?: string | number;
  readonly value?: V;
}

export interface VersionPolicy {
  readonly latest?: { readonly num_versions?: number };
  readonly all?: object;
  readonly specific?: { readonly versions?: readonly number[] };
}

/** An input or an output. */
export interface Tensor {
  readonly name?: string;
  readonly data_type?: string | number;
  readonly format?: string | number;
  readonly dims?: readonly number[];
  readonly reshape?: { readonly shape?: readonly number[] };
  readonly label_filename?: string;
  readonly is_shape_tensor?: boolean;
  readonly allow_ragged_batch?: boolean;
  readonly optional?: boolean;
  readonly is_non_linear_format_io?: boolean;
}

export interface BatchTensor {
  readonly kind?: string | number;
  readonly target_name?: readonly string[];
  readonly data_type?: string | number;
  readonly source_input?: readonly string[];
}

export interface DynamicBatching {
  readonly preferred_batch_size?: readonly number[];
  readonly max_queue_delay_microseconds?: number;
  readonly priority_levels?: number;
  readonly default_priority_level?: number;
  readonly priority_queue_policy?: readonly MapEntry<object>[];
}

export interface SequenceBatching {
  readonly oldest?: { readonly max_candidate_sequences?: number; readonly preferred_batch_size?: readonly number[] };
  readonly control_input?: readonly { readonly name?: string; readonly control?: readonly Control[] }[];
}

export interface Control {
  readonly kind?: string | number;
  readonly int32_false_true?: readonly number[];
  readonly fp32_false_true?: readonly number[];
  readonly bool_false_true?: readonly boolean[];
  readonly data_type?: string | number;
}

export interface EnsembleStep {
  readonly model_name?: string;
  readonly model_version?: number;
  readonly input_map?: readonly MapEntry<string>[];
  readonly output_map?: readonly MapEntry<string>[];
}

export interface InstanceGroup {
  readonly name?: string;
  readonly kind?: string | number;
  readonly count?: number;
  readonly gpus?: readonly number[];
  readonly profile?: readonly string[];
}

export interface Warmup {
  readonly name?: string;
  readonly batch_size?: number;
  readonly inputs?: readonly MapEntry<WarmupInput>[];
}

export interface WarmupInput {
  readonly data_type?: string | number;
  readonly dims?: readonly number[];
  readonly zero_data?: boolean;
  readonly random_data?: boolean;
  readonly input_data_file?: string;
}
