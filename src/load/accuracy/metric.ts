/** When a prediction counts as right. Pure. */
import type { Prediction } from './predictions.ts';

export const accuracyMetrics = ['top1', 'top5', 'custom'] as const;
export type AccuracyMetric = (typeof accuracyMetrics)[number];

/** How far a number may be from what is expected: `absolute + relative × |expected|`, as NumPy's `allclose` has it. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** What a sample of the dataset says is right: a class by its number or name, or for `custom` the values themselves. */
export type Expected = { readonly label: number | string } | { readonly values: readonly (number | string)[] };

/**
 * - `top1`: the class that the model names; where it gives several scores, the position of the largest of them, the first of equal ones.
 * - `top5`: the label is among the positions of the five largest scores, the first of equal ones going first.
 * - `custom`: as many values as expected, and each within the tolerance; texts equal.
 *
 * @throws Error with a sentence where the prediction and the metric do not go together
 */
export function isRight(metric: AccuracyMetric, prediction: Prediction, expected: Expected, tolerance: Tolerance): boolean {
  if (metric === 'custom') {
    if (!('values' in expected)) throw new Error('metric custom compares "expected" values, and the sample has a label');
    const { values } = expected;
    return values.length === prediction.length && values.every((value, i) => isNear(prediction[i] as number | string, value, tolerance));
  }
  if (!('label' in expected)) throw new Error(`metric ${metric} needs the "label" of each sample`);
  const { label } = expected;
  if (metric === 'top1') {
    const [only] = prediction;
    return prediction.length === 1 ? isSame(only as number | string, label) : ranked(prediction)[0] === Number(label);
  }
  if (prediction.length < 2) throw new Error('metric top5 needs the scores of all classes, and the model gives one value');
  return ranked(prediction).slice(0, 5).includes(Number(label));
}

/** Positions by falling score. */
function ranked(scores: Prediction): number[] {
  if (scores.some((score) => typeof score !== 'number')) throw new Error('the model gives several texts, which are no scores');
  const numbers = scores as readonly number[];
  return numbers.map((_, i) => i).sort((a, b) => (numbers[b] as number) - (numbers[a] as number) || a - b);
}

function isSame(prediction: number | string, label: number | string): boolean {
  return prediction === label || (prediction !== '' && label !== '' && Number(prediction) === Number(label));
}

function isNear(got: number | string, want: number | string, { relative, absolute }: Tolerance): boolean {
  if (typeof got === 'string' || typeof want === 'string') return String(got) === String(want);
  return Math.abs(got - want) <= absolute + relative * Math.abs(want);
}
