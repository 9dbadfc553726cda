import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JsonTextError, readAt, removeAt, setAt } from './json-text.ts';

const odd = '{ "a" : {\n\t"image":"x" ,\n\t"list": [1,{"image":"no"}]\n},"b":{}, "e\\"": -1.5e3 }';

describe('an edit inside a JSON text', () => {
  it('changes one value and no other byte', () => {
    assert.equal(setAt(odd, ['a', 'image'], 'y"z'), odd.replace('"x"', '"y\\"z"'));
  });

  it('adds a member in the layout of the one before, and takes it away again', () => {
    const added = setAt(odd, ['a', 'tag'], 'v1');
    assert.equal(added, odd.replace('"no"}]', '"no"}],\n\t"tag": "v1"'));
    assert.equal(removeAt(added, ['a', 'tag']), odd);
    assert.equal(removeAt(setAt(odd, ['b', 'tag'], 'v1'), ['b', 'tag']), odd);
  });

  it('refuses what is no JSON object, and a parent that is not there', () => {
    for (const text of ['', '{"a":', '[]', '"a"', '{"a":1,}']) assert.throws(() => setAt(text, ['a'], 'x'), JsonTextError);
    assert.throws(() => setAt(odd, ['missing', 'image'], 'x'), /no object at missing/);
    assert.throws(() => setAt(odd, ['e"', 'image'], 'x'), JsonTextError);
  });

  it('is what parsing, changing and parsing again gives, for any object and any layout', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const text = fc.tuple(fc.dictionary(fc.string(), value, { minKeys: 1 }), fc.constantFrom(undefined, 1, '\t', '\r\n '));
    fc.assert(
      fc.property(text, fc.string(), fc.string(), ([object, indent], key, replacement) => {
        const before = JSON.stringify(object, null, indent);
        const parsed = JSON.parse(before) as Record<string, unknown>;
        const after = setAt(before, [key], replacement);
        assert.deepEqual({ ...(JSON.parse(after) as object) }, { ...parsed, [key]: replacement });
        if (!Object.hasOwn(parsed, key)) assert.equal(removeAt(after, [key]), before);
        else if (typeof parsed[key] === 'string') assert.equal(setAt(after, [key], parsed[key]), before);
        assert.equal(readAt(after, [key]), replacement);
      }),
    );
  });
});
