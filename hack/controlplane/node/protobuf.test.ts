import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fields, message, text } from './protobuf.ts';

test('bytes are those of the protobuf documentation: field 2 with "testing"', () => {
  assert.equal(text(2, 'testing').toString('hex'), '120774657374696e67');
});

test('what is written is read, short or longer than one byte can count', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 20_000 }), { maxLength: 5 }), fc.integer({ min: 1, max: 100 }), (values, number) => {
      const bytes = Buffer.concat(values.map((value) => text(number, value)));
      assert.deepEqual(
        fields(bytes).map(String),
        fields(Buffer.concat(values.map((value) => message(number, Buffer.from(value))))).map(String),
      );
      assert.deepEqual(
        fields(bytes).map((value) => value.toString()),
        values.map((value) => Buffer.from(value).toString()),
      );
    }),
  );
});

test('other kinds of fields and cut-off messages are refused', () => {
  assert.throws(() => fields(Buffer.from([0x08, 0x01])), /wire type 0/);
  assert.throws(() => fields(Buffer.from([0x8a])), /cut off/);
});
