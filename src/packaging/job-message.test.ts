import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type JobResult, maxMessageBytes, parseJobMessage, printJobMessage } from './job-message.ts';

const run = '0123456789abcdef';
const result: JobResult = { sha256: 'a'.repeat(64), sizeBytes: 129, files: 1, layout: 'SKLearn', uploaded: true };

describe('the message of a packaging Job', () => {
  it('says what was made', () => assert.deepEqual(parseJobMessage(printJobMessage(run, { result }), run), { kind: 'Result', result }));

  it('says what failed, in one line that the kubelet does not cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 6000 }), fc.boolean(), (message, retry) => {
        const text = printJobMessage(run, { failure: { code: 'LintFailed', message, retry } });
        assert.ok(Buffer.byteLength(text) <= maxMessageBytes);
        const said = parseJobMessage(text, run);
        assert.ok(said.kind === 'Failure' && said.failure.retry === retry && !/[\n\r]/.test(said.failure.message));
      }),
    );
  });

  const sound = JSON.parse(printJobMessage(run, { result })) as { result: object };
  const forged: readonly (readonly [string, string | undefined])[] = [
    ['nothing', undefined],
    ['an empty one', ''],
    ['words', 'done'],
    ['a list', '[]'],
    ['another form', JSON.stringify({ ...sound, format: 'modelwright.dev/job/v2' })],
    ['another run', JSON.stringify({ ...sound, run: 'f'.repeat(16) })],
    ['neither result nor failure', JSON.stringify({ ...sound, result: undefined })],
    ['a digest that is a path', JSON.stringify({ ...sound, result: { ...sound.result, sha256: `../${'a'.repeat(61)}` } })],
    ['a digest in capitals', JSON.stringify({ ...sound, result: { ...sound.result, sha256: 'A'.repeat(64) } })],
    ['a size below nothing', JSON.stringify({ ...sound, result: { ...sound.result, sizeBytes: -1 } })],
    ['a size that is no whole number', JSON.stringify({ ...sound, result: { ...sound.result, sizeBytes: 0.5 } })],
    ['more files than there can be', JSON.stringify({ ...sound, result: { ...sound.result, files: 2 ** 40 } })],
    ['a layout that nobody knows', JSON.stringify({ ...sound, result: { ...sound.result, layout: '__proto__' } })],
    ['a failure of no kind', JSON.stringify({ ...sound, result: undefined, failure: { code: 'toString', message: 'x', retry: true } })],
    ['one that is too long', JSON.stringify({ ...sound, more: 'x'.repeat(5000) })],
  ];
  for (const [what, text] of forged) {
    it(`is not believed with ${what}`, () => assert.equal(parseJobMessage(text, run).kind, 'Invalid'));
  }

  it('is never anything else than one of three kinds, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.ok(['Result', 'Failure', 'Invalid'].includes(parseJobMessage(text, run).kind));
      }),
    );
  });
});
