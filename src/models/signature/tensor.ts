/** Data types as KServe's V2 protocol names them. */
export type TensorType =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'FP32'
  | 'FP64'
  | 'BYTES'
  | 'BF16';

/** One input or output of a model. */
export interface TensorSignature {
  readonly name: string;
  /** Absent when the model uses a type that servers cannot send. */
  readonly dataType: TensorType | undefined;
  /** -1 for a size that varies; undefined when the model does not say how many dimensions there are. */
  readonly shape: readonly number[] | undefined;
}

export interface ModelSignature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
}
