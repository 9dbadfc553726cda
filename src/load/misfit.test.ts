import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { misfitOf } from './misfit.ts';
import type { Signature } from './protocol/signature.ts';

const signature: Signature = {
  source: 'V2 metadata',
  inputs: [
    { name: 'x', dataType: 'FP64', shape: [-1, 4] },
    { name: 'mask', dataType: 'BOOL', shape: [-1, -1] },
  ],
  outputs: [],
  batched: true,
};
const mask = { name: 'mask', datatype: 'BOOL', shape: [2, 7] };
const x = (more: object = {}) => ({ name: 'x', datatype: 'FP64', shape: [2, 4], ...more });
const of = (...inputs: readonly object[]) => misfitOf({ kind: 'samples', samples: [{ inputs }] }, signature);

describe('a sample that a server refuses', () => {
  for (const [what, said, expected] of [
    ['fits', of(x(), mask), undefined],
    ['has another number of rows', of(x({ shape: [9, 4] }), mask), undefined],
    ['lacks an input', of(x()), 'the model takes an input "mask", and the sample has "x"'],
    ['names an input otherwise', of(x({ name: 'X' }), mask), 'the model takes an input "x", and the sample has "X", "mask"'],
    ['has an input too many', of(x(), mask, { name: 'y' }), 'the model takes no input "y"; it takes "x", "mask"'],
    ['has another width', of(x({ shape: [2, 3] }), mask), 'input "x" of the sample has the shape [2, 3], and the model takes [-1, 4]'],
    ['has another rank', of(x({ shape: [4] }), mask), 'input "x" of the sample has the shape [4], and the model takes [-1, 4]'],
    ['is of another type', of(x({ datatype: 'BYTES' }), mask), 'input "x" of the sample is of type BYTES, and the model takes FP64'],
    [
      'is of another type and width: the width is told',
      of(x({ datatype: 'FP32', shape: [2, 3] }), mask),
      'input "x" of the sample has the shape [2, 3], and the model takes [-1, 4]',
    ],
    ['is of V1, which has no signature of this kind', misfitOf({ kind: 'samples', samples: [{ instances: [[1]] }] }, signature), undefined],
    ['is no object', misfitOf({ kind: 'samples', samples: [null, 3] }, signature), undefined],
    ['was made from the signature', misfitOf({ kind: 'signature', signature }, signature), undefined],
  ] as const) {
    it(what, () => assert.equal(said, expected));
  }
  it('is held to every dimension where none is the batch', () => {
    const fixed: Signature = { ...signature, inputs: [{ name: 'x', dataType: 'FP64', shape: [1, 4] }], batched: false };
    assert.match(misfitOf({ kind: 'samples', samples: [{ inputs: [x()] }] }, fixed) ?? '', /\[2, 4\], and the model takes \[1, 4\]/);
  });
});
