import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { difference } from './difference.ts';

const lines = (...text: string[]) => text.join('\n');

describe('a difference', () => {
  it('of equal texts is empty', () => assert.equal(difference('a\nb', 'a\nb'), ''));

  it('shows a changed line with its neighbours', () => {
    assert.equal(
      difference(lines('1', '2', '3', '4', '5', '6', '7'), lines('1', '2', '3', 'four', '5', '6', '7')),
      lines('  …', '  2', '  3', '- 4', '+ four', '  5', '  6', '  …'),
    );
  });

  it('shows what was added and removed', () => {
    assert.equal(difference(lines('a', 'c'), lines('a', 'b', 'c')), lines('  a', '+ b', '  c'));
    assert.equal(difference(lines('a', 'b', 'c'), lines('a', 'c')), lines('  a', '- b', '  c'));
  });

  it('of a long change ends with how much more there is', () => {
    const long = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
    assert.match(difference('', long), / {2}… and 41 lines more$/);
  });

  it('leads from one text to the other', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 }).map((all) => all.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const shown = difference(before, after).split('\n');
        const count = (sign: string) => shown.filter((line) => line.startsWith(`${sign} `)).length;
        assert.equal(before.split('\n').length - count('-'), after.split('\n').length - count('+'));
      }),
    );
  });
});
