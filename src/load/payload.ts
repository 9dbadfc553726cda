import { type ModelAddress, type ProtocolName, rawRequest, tensorRequest } from './protocol/protocol.ts';
import { dataTypeOf, type Signature } from './protocol/signature.ts';
import { randomInputs, type Tensor } from './protocol/tensor.ts';
import { seededRandom } from './statistics/random.ts';
import type { WireRequest } from './transport/channel.ts';
import { UsageError } from './transport/target.ts';

/** What requests carry. */
export type Payload =
  | { readonly kind: 'signature'; readonly signature: Signature }
  /** Sample requests of the user's, scaled to each batch size. */
  | { readonly kind: 'samples'; readonly samples: readonly unknown[] }
  /** Bodies sent as they are; a batch is one of them. */
  | { readonly kind: 'raw'; readonly bodies: readonly Uint8Array[]; readonly contentType: string };

/** Different requests in rotation, so that a cache of replies does not answer for the model. */
const variants = 8;

/**
 * The requests of one batch size. Samples are taken apart into rows, and each request is filled with as many as it needs, starting at
 * another row each time.
 */
export function requestsFor(payload: Payload, protocol: ProtocolName, model: ModelAddress, batchSize: number, seed: number): WireRequest[] {
  switch (payload.kind) {
    case 'signature': {
      const { signature } = payload;
      if (!signature.batched && batchSize > 1) {
        throw new UsageError(
          `the model takes inputs of a fixed shape, without a batch dimension; batch size ${batchSize} cannot be made from it`,
        );
      }
      const random = seededRandom(seed + batchSize);
      return Array.from({ length: variants }, () => tensorRequest(protocol, model, randomInputs(signature, batchSize, random)));
    }
    case 'samples':
      return fromSamples(payload.samples, protocol, model, batchSize);
    case 'raw':
      if (batchSize > 1)
        throw new UsageError(
          `a body that is sent as it is cannot be scaled to batch size ${batchSize}; give a JSON sample with "instances" or "inputs"`,
        );
      return payload.bodies.map((body) => rawRequest(protocol, model, body, payload.contentType));
  }
}

/** Whether a reply's first dimension can be held against the batch size. */
export function isBatched(payload: Payload): boolean {
  return payload.kind === 'signature' ? payload.signature.batched : payload.kind === 'samples';
}

/** One request with all rows of the samples, in their order. */
export function requestOf(
  samples: readonly unknown[],
  protocol: ProtocolName,
  model: ModelAddress,
): { readonly request: WireRequest; readonly rows: number } {
  const parsed = samples.map((sample) => rowsOf(sample, protocol, model));
  const [first] = parsed;
  if (first === undefined) throw new UsageError('there is no sample to send');
  const rows = parsed.flatMap((one) => one.rows);
  return { request: first.make(rows), rows: rows.length };
}

interface Rows {
  /** One entry a row; a V1 row is any JSON, a V2 row one tensor slice for each input. */
  readonly rows: readonly unknown[];
  readonly make: (rows: readonly unknown[]) => WireRequest;
}

function fromSamples(samples: readonly unknown[], protocol: ProtocolName, model: ModelAddress, batchSize: number): WireRequest[] {
  const parsed = samples.map((sample) => rowsOf(sample, protocol, model));
  const [first] = parsed;
  if (first === undefined) throw new UsageError('--payload holds no sample');
  const all = parsed.flatMap((one) => one.rows);
  const count = all.length > 1 ? Math.min(all.length, variants) : 1;
  return Array.from({ length: count }, (_, variant) =>
    first.make(Array.from({ length: batchSize }, (_, i) => all[(variant + i) % all.length])),
  );
}

function rowsOf(sample: unknown, protocol: ProtocolName, model: ModelAddress): Rows {
  const { instances, inputs } = (typeof sample === 'object' && sample !== null ? sample : {}) as { instances?: unknown; inputs?: unknown };
  if (Array.isArray(instances) && instances.length > 0 && (protocol === 'v1' || protocol === 'torchserve' || protocol === 'http')) {
    const rest = sample as object;
    return {
      rows: instances,
      make: (rows) => rawRequest(protocol, model, Buffer.from(JSON.stringify({ ...rest, instances: rows })), 'application/json'),
    };
  }
  if (Array.isArray(inputs) && inputs.length > 0) {
    const tensors = inputs.map(readTensor);
    const count = Math.min(...tensors.map((tensor) => tensor.shape[0] ?? 1));
    const rows = Array.from({ length: count }, (_, row) => tensors.map((tensor) => sliceOf(tensor, row)));
    return {
      rows,
      make: (chosen) =>
        tensorRequest(
          protocol,
          model,
          tensors.map((tensor, i) => ({
            ...tensor,
            shape: [chosen.length, ...tensor.shape.slice(1)],
            values: chosen.flatMap((row) => (row as (readonly unknown[])[])[i] as never[]),
          })),
        ),
    };
  }
  throw new UsageError(
    'a sample must be JSON with "instances": [row, …] (V1, TorchServe) or "inputs": [{name, shape, datatype, data}, …] (V2)',
  );
}

function sliceOf(tensor: Tensor, row: number): unknown[] {
  const size = tensor.shape.slice(1).reduce((product, dim) => product * dim, 1);
  return [...tensor.values].slice(row * size, (row + 1) * size);
}

function readTensor(input: unknown): Tensor {
  const { name, datatype, shape, data } = input as { name?: unknown; datatype?: unknown; shape?: unknown; data?: unknown };
  if (typeof name !== 'string' || !Array.isArray(shape) || !Array.isArray(data))
    throw new UsageError('an input of the sample lacks name, shape or data');
  const values = data.flat(32) as Tensor['values'];
  const expected = shape.reduce((product: number, size: number) => product * size, 1);
  if (values.length !== expected)
    throw new UsageError(`input "${name}" of the sample has ${values.length} values for the shape [${shape.join(', ')}]`);
  return { name, dataType: dataTypeOf(String(datatype)), shape, values };
}

/** Where the payload comes from, in a line of the report. */
export function describePayload(payload: Payload): string {
  switch (payload.kind) {
    case 'signature':
      return `${payload.signature.source}: ${payload.signature.inputs.map((input) => `${input.name} ${input.dataType} [${input.shape.join(', ')}]`).join('; ')}`;
    case 'samples':
      return `${payload.samples.length} sample request(s)`;
    case 'raw':
      return `${payload.bodies.length} body file(s), ${payload.contentType}`;
  }
}
