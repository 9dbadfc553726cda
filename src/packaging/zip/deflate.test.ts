import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { chunkBytes, createDeflate, dictionaryBytes } from './deflate.ts';

const deflate = createDeflate();

/** Repetitive data, so that matches of every length and distance occur. */
const repetitive = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 400 })), { maxLength: 200 })
  .map((runs) => Buffer.concat(runs.map(([value, length]) => Buffer.alloc(length, value === 3 ? 'abcabd' : value))));

describe('the deterministic compressor', () => {
  it('writes what zlib reads back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 5000 }), repetitive), (data) => {
        assert.deepEqual(inflateRawSync(deflate(data, 0, true)), Buffer.from(data));
      }),
      { numRuns: 500 },
    );
  });

  it('joins chunks that refer to the text before them', () => {
    const text = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(60_000));
    const parts: Uint8Array[] = [];
    for (let at = 0; at < text.length; at += chunkBytes) {
      const from = Math.max(0, at - dictionaryBytes);
      const to = Math.min(text.length, at + chunkBytes);
      parts.push(deflate(text.subarray(from, to), at - from, to === text.length).slice());
    }
    assert.ok(parts.length > 2);
    assert.ok(inflateRawSync(Buffer.concat(parts)).equals(text));
  });

  it('stores what does not compress, with a few bytes of overhead', () => {
    const noise = Buffer.alloc(300_000);
    let state = 1;
    for (let index = 0; index < noise.length; index += 1) {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      noise[index] = state >> 16;
    }
    const packed = deflate(noise, 0, true);
    assert.ok(inflateRawSync(packed).equals(noise));
    assert.ok(packed.length < noise.length + 100, String(packed.length));
  });

  it('compresses text about as well as zlib', () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, index) => `{"id": ${(index * 7919) % 20_011}, "name": "entry-${index}", "score": ${index / 7}}`,
    );
    const text = Buffer.from(lines.join('\n'));
    const packed = deflate(text, 0, true);
    assert.ok(inflateRawSync(packed).equals(text));
    assert.ok(packed.length < text.length / 2.5, `${packed.length} of ${text.length}`);
  });

  it('gives these bytes on every machine', () => {
    const text = Buffer.from(Array.from({ length: 5000 }, (_, index) => `line ${index} of ${index % 97}\n`).join(''));
    const digest = createHash('sha256')
      .update(deflate(text, 0, true))
      .digest('hex');
    assert.equal(digest, '449c37469eea77eb842e783f1c6924b12a44bf6d5644a92cc059d1999192a97b');
  });
});
