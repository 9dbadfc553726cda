import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parsePath, printPath } from './field-path.ts';
import { parseYaml, type YamlDocument, YamlError } from './yaml-document.ts';

const lines = (...text: string[]) => text.join('\n');
const at = (document: YamlDocument | undefined, path: string) => {
  assert.ok(document);
  const { line, column } = document.position(parsePath(path));
  return `${line}:${column}`;
};

describe('a YAML text', () => {
  const [first, second] = parseYaml(
    lines('# comment', 'a: 1', 'b:', '  - c: "x y"', '    d: [1, {e: 2}]', '  - plain', 'f:', '  g: {h: i}', '--- # next', 'a: 3'),
  );

  it('has a place for every scalar', () => {
    assert.equal(at(first, 'a'), '2:4');
    assert.equal(at(first, 'b[0].c'), '4:8');
    assert.equal(at(first, 'b[0].d[1].e'), '5:16');
    assert.equal(at(first, 'b[1]'), '6:5');
    assert.equal(at(first, 'f.g.h'), '8:10');
  });
  it('has maps and lists at their name', () => {
    assert.equal(at(first, 'b'), '3:1');
    assert.equal(at(first, 'b[0]'), '4:5');
    assert.equal(at(first, 'f.g'), '8:3');
  });
  it('has names where they stand', () => assert.deepEqual(first?.keyPosition(['b', 0, 'c']), { line: 4, column: 5 }));
  it('has what is missing at its nearest parent', () => {
    assert.equal(at(first, 'f.g.nothing.there'), '8:3');
    assert.equal(at(first, 'b[7]'), '3:1');
    assert.equal(at(first, 'nothing'), '2:1');
  });
  it('has its documents apart', () => {
    assert.deepEqual(second?.value, { a: 3 });
    assert.equal(at(second, 'a'), '10:4');
  });
  it('gives scalars as they were written', () => {
    const [document] = parseYaml('{a: 20.10, b: "q", c: [x]}');
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => document?.written([key])),
      ['20.10', 'q', undefined],
    );
  });
  it('counts characters, whatever ends the lines and whatever begins the file', () => {
    assert.equal(at(parseYaml('\uFEFFa: 1\r\nb: {模型: x}\r\n')[0], 'b["模型"]'), '2:9');
    assert.equal(at(parseYaml('\uFEFFa: 1')[0], 'a'), '1:4');
  });
  it('takes aliases and merges as their places', () => {
    const [document] = parseYaml(lines('base: &base {x: 1}', 'copy: *base', 'more:', '  <<: *base', '  z: 2'));
    assert.deepEqual(document?.value, { base: { x: 1 }, copy: { x: 1 }, more: { x: 1, z: 2 } });
    assert.equal(at(document, 'copy.x'), '2:1');
    assert.equal(at(document, 'more.x'), '3:1');
    assert.equal(at(document, 'more.z'), '5:6');
  });
  it('is refused when its aliases would unfold without end', () => {
    const level = (index: number) => `l${index}: &l${index} [${Array.from({ length: 9 }, () => `*l${index - 1}`).join(', ')}]`;
    const bomb = ['l0: &l0 x', ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(level)].join('\n');
    assert.throws(
      () => parseYaml(bomb),
      (error) => error instanceof YamlError && /alias/.test(error.message),
    );
  });
  it('takes a key that is an alias, and goes on behind it', () => assert.equal(at(parseYaml('a: &x b\n*x : c\nd: 2')[0], 'd'), '3:4'));
  it('may be JSON', () => assert.equal(at(parseYaml('{"a": {"b": [1, 2]}}')[0], 'a.b[1]'), '1:17'));
  it('may be empty', () => {
    assert.deepEqual(
      parseYaml('').map(({ value }) => value),
      [],
    );
    assert.deepEqual(
      parseYaml('---\n---\na: 1').map(({ value }) => value),
      [null, { a: 1 }],
    );
  });

  for (const [text, position] of [
    ['a: 1\nb: [1\nc: 2', { line: 3, column: 1 }],
    ['a: 1\na: 2', { line: 2, column: 1 }],
    ['a: *nobody', { line: 1, column: 5 }],
  ] as const) {
    it(`says where ${JSON.stringify(text)} is none`, () => {
      assert.throws(
        () => parseYaml(text),
        (error) =>
          error instanceof YamlError && error.position.line === position.line && Math.abs(error.position.column - position.column) <= 1,
      );
    });
  }

  it('never fails otherwise, and every value has a place inside the text', () => {
    const text = fc
      .array(fc.constantFrom('a: ', 'b', '- ', '[', ']', '{', '}', '\n', '  ', '"', ': ', ',', '&x ', '*x', '---\n', '|', '# c'))
      .map((all) => all.join(''));
    fc.assert(
      fc.property(text, (source) => {
        const height = source.split('\n').length;
        try {
          for (const document of parseYaml(source)) {
            for (const path of pathsOf(document.value)) assert.ok(document.position(path).line <= height);
          }
        } catch (error) {
          assert.ok(error instanceof YamlError, String(error));
        }
      }),
    );
  });
});

describe('scalars', () => {
  /** As kubectl printed them with `create --dry-run=client -o json`. */
  const table: readonly (readonly [string, unknown])[] = [
    ...['y', 'yes', 'on', 'True', 'TRUE'].map((text) => [text, true] as const),
    ...['n', 'Off'].map((text) => [text, false] as const),
    ...['~', 'null', 'Null'].map((text) => [text, null] as const),
    ['0777', 511],
    ['1_000', 1000],
    ['0o17', 15],
    ['1e3', 1000],
    ['.5', 0.5],
    ['2001-01-01', '2001-01-01'],
    ['0x1F', 31],
    ['12:30', '12:30'],
    ['1.', 1],
    ['+1', 1],
    ['0b11', 3],
    ['1_000.5', 1000.5],
    ['20.10', 20.1],
    ['0777.5', 777.5],
    ['089', 89],
    ['20.10-py3', '20.10-py3'],
  ];
  for (const [text, value] of table) {
    it(`${text} is ${JSON.stringify(value)}, as to kubectl`, () => assert.deepEqual(parseYaml(`a: ${text}`)[0]?.value, { a: value }));
  }
});

describe('a field path', () => {
  it('reads what it prints', () => {
    const step = fc.oneof(fc.nat(20), fc.string({ minLength: 1, maxLength: 12 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), (path) => {
        assert.deepEqual(parsePath(printPath(path)), path);
      }),
    );
  });
  it('prints as users write it', () => {
    assert.equal(printPath(['spec', 'model', 'inputs', 0, 'shape']), 'spec.model.inputs[0].shape');
    assert.equal(printPath(['metadata', 'labels', 'example.com/x']), 'metadata.labels["example.com/x"]');
  });
});

function* pathsOf(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (typeof value !== 'object' || value === null || path.length > 5) return;
  for (const [key, child] of Object.entries(value)) yield* pathsOf(child, [...path, Array.isArray(value) ? Number(key) : key]);
}
