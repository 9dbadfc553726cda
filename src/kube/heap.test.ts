import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Heap } from './heap.ts';

it('gives everything back, lowest rank first, however pushes and pops alternate', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer())), (steps) => {
      const heap = new Heap<number>();
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) {
          assert.equal(heap.peek()?.value, model[0]);
          assert.equal(heap.pop(), model.shift());
        } else {
          heap.push(step, step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        assert.equal(heap.size, model.length);
      }
    }),
  );
});
