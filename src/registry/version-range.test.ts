import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { highestInRange, parseVersionRange, parseVersionTag, variantsInRange } from './version-range.ts';

const highest = (range: string, tags: readonly string[], variant?: string) => {
  const parsed = parseVersionRange(range);
  assert.ok(parsed, `${range} is a range`);
  return highestInRange(tags, parsed, variant);
};

/** Some of the tags that these repositories really have. */
const triton = ['20.08-py3', '20.10-py3', '20.10-py3-sdk', '20.12-py3-min', '21.02-py3', '23.05-py3', '23.05-py3-min', 'latest'];
const tensorflow = [
  'latest',
  'nightly',
  '2.2.0',
  '2.2.3',
  '2.2.0-gpu',
  '2.2.0-devel',
  '2.6.2',
  '2.6.2-gpu',
  '2.10.0',
  '2.11.0-rc1',
  '3.0.0',
];
const kserve = ['latest', 'v0.6.1', 'v0.7.0', 'v0.7.0-rc0', 'v0.20.0'];

describe('a version range', () => {
  const table: readonly [range: string, tags: readonly string[], variant: string | undefined, expected: string | undefined][] = [
    ['^2.2', tensorflow, undefined, '2.10.0'],
    ['~2.2', tensorflow, undefined, '2.2.3'],
    ['2.x', tensorflow, undefined, '2.10.0'],
    ['2.2.x', tensorflow, undefined, '2.2.3'],
    ['2.x.x', tensorflow, undefined, '2.10.0'],
    ['^2.2-gpu', tensorflow, undefined, '2.6.2-gpu'],
    ['^2.2', tensorflow, '-gpu', '2.6.2-gpu'],
    ['^4', tensorflow, undefined, undefined],
    ['20.x-py3', triton, undefined, '20.10-py3'],
    ['20.x', triton, '-py3', '20.10-py3'],
    ['20.x', triton, undefined, undefined],
    ['^20.08-py3', triton, undefined, '20.10-py3'],
    ['~20.10-py3', triton, undefined, '20.10-py3'],
    ['20.x-py3-min', triton, undefined, '20.12-py3-min'],
    ['^0.6', kserve, undefined, 'v0.6.1'],
    ['^v0.7', kserve, undefined, 'v0.7.0'],
    ['0.x', kserve, undefined, 'v0.20.0'],
    ['^1.2', ['v1.3', '1.3', '1.2'], undefined, '1.3'],
    ['^v1.2', ['v1.3', '1.3', '1.2'], undefined, 'v1.3'],
    ['^1.2', ['1.3', '1.3.0'], undefined, '1.3.0'],
    // node-semver: ^0.2.3 is >=0.2.3 <0.3.0, ^0.0.3 is >=0.0.3 <0.0.4, ^0.0 is >=0.0.0 <0.1.0.
    ['^0.2.3', ['0.2.2', '0.2.9', '0.3.0'], undefined, '0.2.9'],
    ['^0.0.3', ['0.0.3', '0.0.4'], undefined, '0.0.3'],
    ['^0.0', ['0.0.3', '0.1.0'], undefined, '0.0.3'],
    ['~2', ['2.0.0', '2.9.1', '3.0.0'], undefined, '2.9.1'],
  ];
  for (const [range, tags, variant, expected] of table) {
    it(`${range}${variant === undefined ? '' : ` beside an image with ${variant}`} is ${expected ?? 'nothing'}`, () =>
      assert.equal(highest(range, tags, variant), expected));
  }

  it('is told from a tag', () => {
    for (const tag of ['latest', '2.2', '20.10-py3', 'v0.6.1', 'x', '^', '^2.x', 'x.2', '~latest', 'sha256:00']) {
      assert.equal(parseVersionRange(tag), undefined, tag);
    }
  });

  it('says under which variants there are tags', () => {
    const range = parseVersionRange('20.x');
    assert.deepEqual(range && variantsInRange(triton, range), ['-py3', '-py3-min', '-py3-sdk']);
  });

  const numbers = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 3 });
  it('never leaves the first number, and never goes below what is written', () => {
    fc.assert(
      fc.property(numbers, fc.array(numbers, { maxLength: 20 }), fc.constantFrom('^', '~'), (from, tags, operator) => {
        const found = highest(
          `${operator}${from.join('.')}`,
          tags.map((tag) => tag.join('.')),
        );
        if (found === undefined) return;
        const version = parseVersionTag(found)?.numbers ?? [];
        assert.equal(version[0], from[0]);
        const key = (list: readonly number[]) => [0, 1, 2].map((at) => String(list[at] ?? 0).padStart(3, '0')).join('.');
        assert.ok(key(version) >= key(from));
      }),
    );
  });

  it('does not depend on the order of the tags', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(tensorflow, { minLength: tensorflow.length }), (tags) =>
        assert.equal(highest('^2.2', tags), '2.10.0'),
      ),
    );
  });
});
