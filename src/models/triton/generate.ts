import type { ModelSignature, TensorSignature } from '../signature/tensor.ts';
import type { ModelConfig, Tensor } from './config.ts';

/** A model file whose signature is known. */
export interface SignedModel {
  readonly name: string;
  readonly platform: 'onnxruntime_onnx' | 'tensorflow_savedmodel';
  readonly signature: ModelSignature;
}

/** The largest batch of a generated configuration: Triton's own choice when it completes one (`default-max-batch-size`). */
export const defaultMaxBatch = 4;

/**
 * A configuration from a model's signature. When the first dimension of every input and output varies, it is the batch: it is left out of
 * the dims and the server batches; otherwise there is no batching.
 *
 * @returns a sentence when the signature lacks a name, a type or the number of dimensions.
 */
export function generateConfig(model: SignedModel): ModelConfig | string {
  const { inputs, outputs } = model.signature;
  if (inputs.length === 0 || outputs.length === 0) return `${model.name} has no inputs or no outputs.`;
  const all = [...inputs, ...outputs];
  for (const tensor of all) {
    if (tensor.dataType === undefined) return `Tensor "${tensor.name}" of ${model.name} has a type that Triton cannot send.`;
    if (tensor.shape === undefined) return `Tensor "${tensor.name}" of ${model.name} does not say how many dimensions it has.`;
  }
  const batched = all.every(({ shape }) => shape !== undefined && shape.length > 0 && shape[0] === -1);
  const bare = batched && all.some(({ shape }) => shape?.length === 1);
  return {
    name: model.name,
    platform: model.platform,
    max_batch_size: batched ? defaultMaxBatch : 0,
    input: inputs.map((tensor) => describe(tensor, batched)),
    output: outputs.map((tensor) => describe(tensor, batched)),
    ...(batched && !bare ? { dynamic_batching: {} } : {}),
  };
}

function describe(tensor: TensorSignature, batched: boolean): Tensor {
  const shape = (tensor.shape ?? []).slice(batched ? 1 : 0);
  const type = tensor.dataType === 'BYTES' ? 'STRING' : (tensor.dataType ?? 'INVALID');
  const scalar = shape.length === 0;
  return {
    name: tensor.name,
    data_type: `TYPE_${type}`,
    dims: scalar ? [1] : shape,
    // Triton has no scalars: [1] per request, the empty shape towards the model.
    ...(scalar ? { reshape: { shape: [] } } : {}),
  };
}
