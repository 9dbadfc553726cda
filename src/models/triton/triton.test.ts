import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { brokenModels, goodConfigs } from './broken-models.fixture.ts';
import { PbtxtError } from './lexer.ts';
import { lintTritonRepository, type TritonModel } from './lint-repository.ts';
import { parseConfig } from './parse.ts';
import { printConfig } from './print.ts';

const good: TritonModel = { directory: 'good', files: ['1/model.py'], config: goodConfigs['good'] ?? '' };

describe('a broken Triton model', () => {
  for (const { id, config, files, code, names } of brokenModels) {
    it(`${id}: ${code} names ${names}`, () => {
      const model: TritonModel = { directory: id, files, ...(config === undefined ? {} : { config }) };
      const findings = lintTritonRepository([good, model], 0).filter(({ severity, path }) => severity === 'error' && path.startsWith(id));
      const finding = findings.find((candidate) => candidate.code === code);
      assert.ok(finding, `found ${findings.map((other) => `${other.code} ${other.path}`).join('; ') || 'nothing'}`);
      assert.ok(finding.path.includes(names), finding.path);
      assert.ok(finding.sentence.endsWith('.') && finding.fix.endsWith('.'), finding.sentence);
    });
  }
  it('the table is long enough to mean something', () => assert.ok(brokenModels.length >= 100));
});

describe('a good Triton model', () => {
  for (const [id, config] of Object.entries(goodConfigs)) {
    it(`${id} has no error`, () => {
      const findings = lintTritonRepository([{ directory: id, files: ['1/model.py'], config }], 0);
      assert.deepEqual(
        findings.filter(({ severity }) => severity === 'error'),
        [],
      );
    });
    it(`${id} prints and reads back as the same configuration`, () => {
      const parsed = parseConfig(config);
      assert.deepEqual(parseConfig(printConfig(parsed)), parsed);
    });
  }
  it('warns when the batch is baked into dims', () => {
    const config = 'platform: "onnxruntime_onnx" input [{name:"x" data_type:TYPE_FP32 dims:[1,3,224,224]}]';
    const codes = lintTritonRepository([{ directory: 'resnet', files: ['1/model.onnx'], config }]).map(({ code }) => code);
    assert.deepEqual(codes, ['MW-L0315']);
  });
});

describe('the config.pbtxt parser', () => {
  it('says line, column and field', () => {
    assert.throws(
      () => parseConfig('name: "a"\ninput [\n  { dims: [ x ] }\n]'),
      (error: unknown) => error instanceof PbtxtError && error.line === 3 && error.column === 13 && error.field === 'input[0].dims[0]',
    );
  });
  it('reads escaped UTF-8 as Python writes it', () => assert.equal(parseConfig('name: "\\346\\250\\241"').name, '模'));
  it('reads numbers that only protobuf calls octal', () => assert.equal(parseConfig('max_batch_size: 010').max_batch_size, 8));
  it('keeps __proto__ harmless', () => {
    const parsed = parseConfig('parameters { key: "__proto__" value { string_value: "x" } }');
    assert.equal(parsed.parameters?.[0]?.key, '__proto__');
    assert.equal(({} as { string_value?: string }).string_value, undefined);
  });
  it('answers any text with a configuration or a PbtxtError', () => {
    const token = fc.constantFrom(
      'name',
      'input',
      ':',
      '"a"',
      '{',
      '}',
      '[',
      ']',
      '1',
      '-',
      ',',
      '<',
      '>',
      'dims',
      'TYPE_FP32',
      '\n',
      '#',
      "'",
      '\\',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(token).map((tokens) => tokens.join(' ')),
        ),
        (text) => {
          try {
            parseConfig(text);
          } catch (error) {
            assert.ok(error instanceof PbtxtError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
