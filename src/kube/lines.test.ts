import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { linesOf } from './lines.ts';

async function lines(chunks: readonly Buffer[]): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(chunksOf(chunks))) found.push(line.toString('utf8'));
  return found;
}

async function* chunksOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

it('gives the same lines wherever the stream is cut, even within a character', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replaceAll('\n', '⏎')),
        { maxLength: 8 },
      ),
      fc.array(fc.nat(200), { maxLength: 6 }),
      async (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        assert.deepEqual(await lines(chunks), texts);
      },
    ),
  );
});

it('holds back a last line without an end', async () => {
  assert.deepEqual(await lines([Buffer.from('{"a":1}\n{"b"')]), ['{"a":1}']);
});

it('passes over empty lines', async () => {
  assert.deepEqual(await lines([Buffer.from('\n{"a":1}\n\n')]), ['{"a":1}']);
});
