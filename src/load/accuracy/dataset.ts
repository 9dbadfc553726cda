/** Labelled samples: what is sent, and what is right. */
import { hash } from 'node:crypto';
import { UsageError } from '../transport/target.ts';
import type { Expected } from './metric.ts';

export interface LabelledSample {
  /** A request of one row, as `--payload` takes them: `{"instances": [row]}` or `{"inputs": [tensors with a first dimension of 1]}`. */
  readonly request: object;
  readonly expected: Expected;
}

export interface Dataset {
  readonly sha256: string;
  readonly samples: readonly LabelledSample[];
}

/** Longest dataset that is read. */
export const mostDatasetBytes = 256 << 20;

/**
 * Reads JSON Lines, one sample a line (schemas/accuracy-sample.schema.json): `{"instance": row, "label": 2}`, `{"inputs": [tensor, …], "label": "cat"}`, or with
 * `"expected": [values]` in place of the label. A JSON array of such objects is taken too. Throws a `UsageError` that names the line.
 */
export function readDataset(text: string, where: string): Dataset {
  const entries = /^\s*\[/.test(text) ? entriesOfArray(text, where) : entriesOfLines(text, where);
  if (entries.length === 0) throw new UsageError(`${where} holds no sample`);
  return { sha256: hash('sha256', text, 'hex'), samples: entries.map(([entry, place]) => sampleOf(entry, place)) };
}

function entriesOfArray(text: string, where: string): [unknown, string][] {
  try {
    return (JSON.parse(text) as unknown[]).map((entry, i) => [entry, `${where}, sample ${i + 1}`]);
  } catch (error) {
    throw new UsageError(`${where} is not JSON: ${(error as Error).message}`);
  }
}

function entriesOfLines(text: string, where: string): [unknown, string][] {
  return text.split('\n').flatMap((line, i): [unknown, string][] => {
    if (line.trim() === '') return [];
    const place = `${where}, line ${i + 1}`;
    try {
      return [[JSON.parse(line), place]];
    } catch (error) {
      throw new UsageError(`${place} is not JSON: ${(error as Error).message}`);
    }
  });
}

function sampleOf(entry: unknown, place: string): LabelledSample {
  const { instance, inputs, label, expected } = (typeof entry === 'object' && entry !== null ? entry : {}) as Readonly<
    Record<string, unknown>
  >;
  if ((instance === undefined) === (inputs === undefined))
    throw new UsageError(`${place} needs "instance" (a row of V1), or "inputs" (tensors of V2)`);
  if (inputs !== undefined && !Array.isArray(inputs)) throw new UsageError(`${place}: "inputs" must be a list of tensors`);
  if ((label === undefined) === (expected === undefined)) throw new UsageError(`${place} needs "label" (a class), or "expected" (values)`);
  const request = instance === undefined ? { inputs } : { instances: [instance] };
  if (typeof label === 'number' || typeof label === 'string') return { request, expected: { label } };
  if (label !== undefined) throw new UsageError(`${place}: "label" must be a number or a text`);
  const values = (Array.isArray(expected) ? expected.flat(16) : [expected]) as unknown[];
  if (!values.every((value): value is number | string => typeof value === 'number' || typeof value === 'string'))
    throw new UsageError(`${place}: "expected" must be a number, a text, or a list of them`);
  return { request, expected: { values } };
}
