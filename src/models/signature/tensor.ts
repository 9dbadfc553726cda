import type { DataType } from '../../api/tensor.ts';

export { type DataType, dataTypes } from '../../api/tensor.ts';

/** One input or output of a model. */
export interface TensorSignature {
  readonly name: string;
  /** Absent when the model uses a type that servers cannot send. */
  readonly dataType: DataType | undefined;
  /** -1 for a size that varies; undefined when the model does not say how many dimensions there are. */
  readonly shape: readonly number[] | undefined;
}

export interface ModelSignature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
}
