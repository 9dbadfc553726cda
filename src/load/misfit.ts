/** Why a server cannot make anything of a sample: held against the signature that it tells. Pure. */
import type { Payload } from './payload.ts';
import type { Signature, TensorSpec } from './protocol/signature.ts';

interface SampleInput {
  readonly name?: unknown;
  readonly datatype?: unknown;
  readonly shape?: unknown;
}

/**
 * What of the sample does not fit, in a sentence; undefined when it fits, or is of a form that no signature speaks of. Servers cast numbers as they like,
 * so that a datatype is named only where nothing else is wrong.
 */
export function misfitOf(payload: Payload, signature: Signature): string | undefined {
  if (payload.kind !== 'samples') return undefined;
  const inputs = payload.samples.flatMap((sample) => {
    const given = (sample as { inputs?: unknown } | null)?.inputs;
    return Array.isArray(given) ? [given as readonly SampleInput[]] : [];
  });
  const wrongNames = inputs.map((given) => wrongName(given, signature)).find(Boolean);
  if (wrongNames !== undefined) return wrongNames;
  const pairs = inputs.flatMap((given) =>
    signature.inputs.flatMap((spec) => {
      const input = given.find(({ name }) => name === spec.name);
      return input === undefined ? [] : [[input, spec] as const];
    }),
  );
  for (const wrong of [wrongShape, wrongType]) {
    for (const [input, spec] of pairs) {
      const said = wrong(input, spec, signature.batched);
      if (said !== undefined) return said;
    }
  }
  return undefined;
}

function wrongName(given: readonly SampleInput[], { inputs }: Signature): string | undefined {
  const names = given.map(({ name }) => String(name));
  const missing = inputs.find(({ name }) => !names.includes(name));
  if (missing !== undefined)
    return `the model takes an input "${missing.name}", and the sample has ${names.map((name) => `"${name}"`).join(', ')}`;
  const foreign = names.find((name) => !inputs.some((spec) => spec.name === name));
  return foreign === undefined
    ? undefined
    : `the model takes no input "${foreign}"; it takes ${inputs.map(({ name }) => `"${name}"`).join(', ')}`;
}

function wrongShape({ name, shape }: SampleInput, spec: TensorSpec, batched: boolean): string | undefined {
  if (!Array.isArray(shape)) return undefined;
  const given = shape.map(Number);
  // How many rows there are is scaled anyway.
  const first = batched ? 1 : 0;
  const fits = given.length === spec.shape.length && spec.shape.every((size, i) => i < first || size === -1 || size === given[i]);
  return fits
    ? undefined
    : `input "${name}" of the sample has the shape [${given.join(', ')}], and the model takes [${spec.shape.join(', ')}]`;
}

function wrongType({ name, datatype }: SampleInput, spec: TensorSpec): string | undefined {
  return datatype === undefined || datatype === spec.dataType
    ? undefined
    : `input "${name}" of the sample is of type ${String(datatype)}, and the model takes ${spec.dataType}`;
}
