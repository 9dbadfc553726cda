import type { DataType, ModelSignature, TensorSignature } from './tensor.ts';
import { type ReadAt, type WireField, wireFields, wireText } from './wire.ts';

/** DataType of TensorFlow (types.proto), by number. */
const types: Readonly<Record<number, DataType>> = {
  1: 'FP32',
  2: 'FP64',
  3: 'INT32',
  4: 'UINT8',
  5: 'INT16',
  6: 'INT8',
  7: 'BYTES',
  9: 'INT64',
  10: 'BOOL',
  14: 'BF16',
  17: 'UINT16',
  19: 'FP16',
  22: 'UINT32',
  23: 'UINT64',
};

export interface SavedModel {
  /** Signatures of the graph tagged "serve", by name; `serving_default` is the one that servers use. */
  readonly signatures: ReadonlyMap<string, ModelSignature>;
  readonly tags: readonly string[];
}

/**
 * Reads the signatures of a `saved_model.pb` (SavedModel 2 = meta_graphs; MetaGraphDef 1 = meta_info {4 = tags}, 5 = signature_def).
 *
 * @returns undefined when the file holds no graph.
 * @throws WireError when it is damaged.
 */
export async function readSavedModel(readAt: ReadAt, sizeBytes: number): Promise<SavedModel | undefined> {
  const tags = new Set<string>();
  const signatures = new Map<string, ModelSignature>();
  let graphs = 0;
  for await (const graph of wireFields(readAt, 0, sizeBytes)) {
    if (graph.number !== 2) continue;
    graphs += 1;
    for await (const field of wireFields(readAt, graph.start, graph.end)) {
      if (field.number === 1) {
        for await (const info of wireFields(readAt, field.start, field.end)) if (info.number === 4) tags.add(await wireText(readAt, info));
      } else if (field.number === 5) {
        const { key, value } = await mapEntry(readAt, field);
        if (value !== undefined) signatures.set(key, await signature(readAt, value));
      }
    }
  }
  return graphs === 0 ? undefined : { signatures, tags: [...tags].sort() };
}

/** SignatureDef: 1 = inputs, 2 = outputs, both maps from name to TensorInfo. Sorted by name, since a map has no order. */
async function signature(readAt: ReadAt, field: WireField): Promise<ModelSignature> {
  const inputs: TensorSignature[] = [];
  const outputs: TensorSignature[] = [];
  for await (const part of wireFields(readAt, field.start, field.end)) {
    if (part.number !== 1 && part.number !== 2) continue;
    const { key, value } = await mapEntry(readAt, part);
    if (value !== undefined) (part.number === 1 ? inputs : outputs).push(await tensorInfo(readAt, key, value));
  }
  const byName = (a: TensorSignature, b: TensorSignature) => (a.name < b.name ? -1 : 1);
  return { inputs: inputs.sort(byName), outputs: outputs.sort(byName) };
}

/** TensorInfo: 2 = dtype, 3 = shape {2 = dim {1 = size}, 3 = unknown_rank}. */
async function tensorInfo(readAt: ReadAt, name: string, field: WireField): Promise<TensorSignature> {
  let dataType: DataType | undefined;
  let shape: number[] | undefined;
  for await (const part of wireFields(readAt, field.start, field.end)) {
    if (part.number === 2) dataType = types[Number(part.value)];
    if (part.number !== 3) continue;
    const dims: number[] = [];
    let unknown = false;
    for await (const item of wireFields(readAt, part.start, part.end)) {
      if (item.number === 3) unknown = item.value === 1n;
      if (item.number !== 2) continue;
      // protobuf leaves a size of 0 out.
      let size = 0;
      for await (const value of wireFields(readAt, item.start, item.end))
        if (value.number === 1) size = Number(BigInt.asIntN(64, value.value));
      dims.push(size);
    }
    shape = unknown ? undefined : dims;
  }
  return { name, dataType, shape };
}

async function mapEntry(readAt: ReadAt, field: WireField): Promise<{ key: string; value: WireField | undefined }> {
  let key = '';
  let value: WireField | undefined;
  for await (const part of wireFields(readAt, field.start, field.end)) {
    if (part.number === 1) key = await wireText(readAt, part);
    if (part.number === 2) value = part;
  }
  return { key, value };
}
