import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { distance, nearest } from './nearest.ts';

describe('the nearest name', () => {
  const runtimes = ['TFServing', 'TorchServe', 'Triton', 'SKLearn', 'XGBoost', 'LightGBM'];
  for (const [word, meant] of [
    ['tfserving', 'TFServing'],
    ['torch-serve', 'TorchServe'],
    ['Tritno', 'Triton'],
    ['xgbost', 'XGBoost'],
    ['tensorflow', 'TFServing'],
    ['scikit-learn', 'SKLearn'],
    ['vllm', undefined],
    ['', undefined],
  ] as const) {
    it(`to "${word}" is ${meant}`, () => assert.equal(nearest(word, runtimes), meant));
  }
  it('of a field is found too', () => assert.equal(nearest('framwork', ['name', 'framework', 'format']), 'framework'));
});

describe('the distance of two words', () => {
  for (const [a, b, edits] of [
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
  ] as const) {
    it(`${a || '""'} and ${b} is ${edits}`, () => {
      assert.equal(distance(a, b), edits);
      assert.equal(distance(b, a), edits);
    });
  }
});
