import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { changeExamples, contentExamples } from '../../../test/integration/api/rule-examples.ts';
import { judgeManifests } from './judge-manifests.ts';
import { countFindings, printFinding } from './manifest-finding.ts';

const head = 'apiVersion: modelwright.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: iris}\n';
const rest = 'source: {storageUri: "gs://b/x"}';

/** The findings about a text as they are printed. */
const printed = (text: string, file = 'x.yaml') => judgeManifests([{ file, text }]).findings.map(printFinding);
const spec = (text: string) => printed(`${head}spec:\n  ${text.split('\n').join('\n  ')}\n`);

describe('a manifest that is right', () => {
  it('has no findings', () => assert.deepEqual(spec(`runtime: {type: SKLearn}\n${rest}`), []));
  it('may stand in a List, among others, and in JSON', () => {
    const item = JSON.stringify({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelDeployment',
      metadata: { name: 'iris' },
      spec: { runtime: { type: 'SKLearn' }, source: { storageUri: 'gs://b/x' } },
    });
    const text = `{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret"}, ${item}]}`;
    assert.deepEqual(judgeManifests([{ file: 'x.json', text }]), { findings: [], objects: 1 });
  });
});

describe('a manifest that the schema refuses', () => {
  const table: readonly (readonly [what: string, spec: string, expected: readonly string[]])[] = [
    [
      'a misspelt field',
      `model: {framwork: SKLearn}\nruntime: {type: SKLearn}\n${rest}`,
      ['x.yaml:5:11: error: spec.model.framwork: is not a field of spec.model. Did you mean framework? [MW-L2003]'],
    ],
    [
      'a field in the wrong place',
      `runtime: {type: SKLearn}\nstorageUri: gs://a/b\n${rest}`,
      ['x.yaml:6:3: error: spec.storageUri: is not a field of spec. Did you mean spec.source.storageUri? [MW-L2003]'],
    ],
    [
      'a second source',
      'runtime: {type: SKLearn}\nsource: {storageUri: "gs://b/x", volume: {claimName: models}}',
      ['x.yaml:6:3: error: spec.source must have exactly one of storageUri, volume and archive. [source-one]'],
    ],
    ['no runtime', rest, ['x.yaml:4:1: error: spec.runtime: is required [MW-L2004]']],
    [
      'an unknown runtime',
      `runtime: {type: vLLM}\n${rest}`,
      ['x.yaml:5:19: error: spec.runtime.type: "vLLM" is not one of TFServing, TorchServe, Triton, SKLearn, XGBoost, LightGBM [MW-L2006]'],
    ],
    [
      'a runtime by the name KServe has for it',
      `runtime: {type: tensorflow}\n${rest}`,
      [
        'x.yaml:5:19: error: spec.runtime.type: "tensorflow" is not one of TFServing, TorchServe, Triton, SKLearn, XGBoost, LightGBM. Did you mean TFServing? [MW-L2006]',
      ],
    ],
    [
      'a version that YAML takes for a number, shown as it stands',
      `runtime: {type: Triton, version: 20.10}\n${rest}`,
      ['x.yaml:5:36: error: spec.runtime.version: must be text, and is a fraction. Write it in quotes: "20.10". [MW-L2005]'],
    ],
    [
      'a label that YAML takes for a boolean',
      `runtime: {type: SKLearn}\npodMetadata: {labels: {canary: yes}}\n${rest}`,
      ['x.yaml:6:34: error: spec.podMetadata.labels.canary: must be text, and is a boolean. Write it in quotes: "yes". [MW-L2005]'],
    ],
    [
      'a number in quotes',
      `model: {version: "1"}\nruntime: {type: SKLearn}\n${rest}`,
      ['x.yaml:5:20: error: spec.model.version: must be a whole number, and is text. Write it without quotes: 1. [MW-L2005]'],
    ],
    [
      'a fraction for a quantity',
      `runtime: {type: SKLearn}\nresources: {limits: {cpu: 0.5, memory: 1GB}}\n${rest}`,
      [
        'x.yaml:6:29: error: spec.resources.limits.cpu: "0.5" is not a quantity. Write it in quotes: "0.5". [MW-L2005]',
        'x.yaml:6:42: error: spec.resources.limits.memory: "1GB" is not a quantity. Write 500m or 4Gi, say. [MW-L2005]',
      ],
    ],
    [
      'a metric that is no number',
      `model: {metrics: [{name: acc, value: "97%"}]}\nruntime: {type: SKLearn}\n${rest}`,
      [
        'x.yaml:5:40: error: spec.model.metrics[0].value: "97%" has not the form ^-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?$. A decimal number. [MW-L2007]',
      ],
    ],
    [
      'an input given twice',
      `model:\n  inputs:\n    - {name: x, shape: [1], dataType: FP32}\n    - {name: x, shape: [2], dataType: FP32}\nruntime: {type: Triton}\n${rest}`,
      [
        'x.yaml:8:16: error: spec.model.inputs[1].name: "x" was given before in spec.model.inputs. Rename or remove one of the two. [MW-L2009]',
      ],
    ],
    [
      'too many copies',
      `runtime: {type: SKLearn}\nscaling: {maxReplicas: 5000}\n${rest}`,
      ['x.yaml:6:26: error: spec.scaling.maxReplicas: "5000" must be <= 1000. Copies at most. [MW-L2008]'],
    ],
    ['a list for a map', `runtime: [SKLearn]\n${rest}`, ['x.yaml:5:3: error: spec.runtime: must be a map, and is a list [MW-L2005]']],
  ];
  for (const [what, text, expected] of table) it(what, () => assert.deepEqual(spec(text), expected));

  it('a kind that is not there, and a version that is not there', () => {
    assert.deepEqual(printed('apiVersion: modelwright.dev/v1alpha1\nkind: ModelDeploymnet'), [
      'x.yaml:2:7: error: kind: modelwright.dev has no kind "ModelDeploymnet". Did you mean ModelDeployment? [MW-L2002]',
    ]);
    assert.deepEqual(printed('apiVersion: modelwright.dev/v1\nkind: ModelDeployment'), [
      'x.yaml:1:13: error: apiVersion: modelwright.dev has no version "v1". Write modelwright.dev/v1alpha1. [MW-L2002]',
    ]);
  });

  it('a text that is no YAML', () => {
    const [finding, ...others] = printed(`${head}spec: [`);
    assert.deepEqual(others, []);
    assert.match(finding ?? '', /^x\.yaml:4:\d+: error: This is not YAML: .*\. Correct the indentation, .* \[MW-L2001\]$/);
  });

  it('says nothing of what tools leave empty around the spec', () => {
    const text = `${head.replace('{name: iris}', '{name: iris, creationTimestamp: null}')}spec:\n  runtime: {type: SKLearn}\n  ${rest}\nstatus: {}\n`;
    assert.deepEqual(printed(text), []);
  });

  it('no metadata at all', () => {
    assert.deepEqual(printed('apiVersion: modelwright.dev/v1alpha1\nkind: ModelDeployment\n'), [
      'x.yaml:1:1: error: metadata: is required [MW-L2004]',
      'x.yaml:1:1: error: spec: is required [MW-L2004]',
    ]);
  });
});

describe('a manifest that a rule refuses', () => {
  for (const [id, { breaks, passes }] of Object.entries(contentExamples)) {
    it(`${id}: found in every example that breaks it, in none that passes, at a line and column`, () => {
      const errors = (object: object) =>
        judgeManifests([{ file: 'x.json', text: JSON.stringify(object) }]).findings.filter(({ severity }) => severity === 'error');
      for (const { what, object } of breaks)
        assert.deepEqual(
          errors(object).map(({ code }) => code),
          [id],
          what,
        );
      for (const { what, object } of passes) assert.deepEqual(errors(object), [], what);
    });
  }

  it('stands where the field is', () => {
    assert.deepEqual(spec('runtime: {type: SKLearn}\nsource:\n  storageUri: ftp://x/y'), [
      'x.yaml:7:17: error: spec.source.storageUri must begin with one of gs://, s3://, pvc://, http://, https://, hdfs://, webhdfs://, oci://, hf://, in lower case, and name what follows it. [storage-uri-scheme]',
    ]);
  });

  it('rules of change are left to the API server, which has the stored object', () => {
    for (const { breaks } of Object.values(changeExamples)) {
      for (const { object } of breaks) {
        assert.deepEqual(judgeManifests([{ file: 'x.json', text: JSON.stringify(object) }]).findings, []);
      }
    }
  });
});

describe('advice', () => {
  const model = (text: string, runtime = 'Triton') => spec(`model: ${text}\nruntime: {type: ${runtime}}\n${rest}`);
  const codes = (lines: readonly string[]) => lines.map((line) => /\[([^\]]+)\]$/.exec(line)?.[1]);

  it('a runtime that does not load the framework', () => {
    assert.deepEqual(model('{framework: PyTorch}', 'TFServing'), [
      'x.yaml:5:22: warning: spec.model.framework: TFServing does not load models of PyTorch; it loads TensorFlow. Correct spec.model.framework or spec.runtime.type. [MW-L2101]',
    ]);
    assert.deepEqual(model('{framework: PyTorch}'), []);
  });
  it('a tag that moves', () => {
    assert.deepEqual(codes(spec(`runtime: {type: SKLearn, version: latest}\n${rest}`)), ['MW-L2102']);
    assert.deepEqual(codes(spec(`runtime: {type: TFServing, version: latest-gpu}\ngpu: {count: 1}\n${rest}`)), ['MW-L2102']);
  });
  it('a tensor name with blanks', () => {
    assert.deepEqual(codes(model('{inputs: [{name: " x", shape: [-1], dataType: FP32}]}')), ['MW-L2103']);
  });
  it('a layout of an image on a shape that is none', () => {
    assert.deepEqual(codes(model('{inputs: [{name: x, shape: [-1, 3, 224], dataType: FP32, layout: NCHW}]}')), ['MW-L2104']);
    assert.deepEqual(codes(model('{inputs: [{name: x, shape: [-1, 3, 224, 224], dataType: FP32, layout: NCHW}]}')), []);
  });
  it('a batch that one tensor has free and another fixed', () => {
    const mixed = '{inputs: [{name: x, shape: [-1, 4], dataType: FP32}], outputs: [{name: z, shape: [1, 3], dataType: FP32}]}';
    assert.deepEqual(codes(model(mixed)), ['MW-L2105']);
  });
  it('a batch that is fixed', () => {
    assert.deepEqual(codes(model('{inputs: [{name: x, shape: [1, 3, 224, 224], dataType: FP32}]}')), ['MW-L2106']);
    assert.deepEqual(codes(model('{inputs: [{name: x, shape: [-1, 3, 224, 224], dataType: FP32}]}')), []);
    assert.deepEqual(codes(model('{inputs: [{name: x, shape: [4], dataType: FP32}]}')), [], 'a vector has no batch dimension to speak of');
  });
  it('references that are given twice, or are no URLs', () => {
    assert.deepEqual(codes(model('{references: [a, a, "https://"]}')), ['MW-L2107', 'MW-L2108']);
  });
  it('an attribute that has a field of its own', () => {
    assert.deepEqual(model('{attributes: {Dataset: COCO, owner: me}}'), [
      'x.yaml:5:33: warning: spec.model.attributes["Dataset"]: There is a field for this: the library neither shows nor selects by an attribute Dataset. Write it as spec.model.dataset. [MW-L2109]',
    ]);
  });
  it('a field without a value, which the API server leaves out', () => {
    assert.deepEqual(spec(`runtime: {type: SKLearn}\ngpu:\n${rest}`), [
      'x.yaml:6:3: warning: spec.gpu: has no value; the API server leaves the field out. Give it a value, or remove it. [MW-L2011]',
    ]);
  });
});

describe('several manifests', () => {
  const object = `${head}spec:\n  runtime: {type: SKLearn}\n  ${rest}\n`;

  it('may not hold the same object twice', () => {
    const { findings, objects } = judgeManifests([
      { file: 'a.yaml', text: object },
      { file: 'b.yaml', text: `---\n${object}` },
    ]);
    assert.equal(objects, 2);
    assert.deepEqual(findings.map(printFinding), [
      'b.yaml:4:18: error: metadata.name: ModelDeployment iris stands in a.yaml already; applied together, the later one replaces the earlier. Rename one of the two, or give them different namespaces. [MW-L2010]',
    ]);
  });
  it('are asked whether two of them are the same model', () => {
    const model = (name: string, version: string) =>
      object
        .replace('iris', name)
        .replace('spec:\n', `spec:\n  model: {architecture: gbdt, framework: SKLearn, task: ranking, dataset: clicks${version}}\n`);
    const lint = (a: string, b: string) =>
      judgeManifests([
        { file: 'a.yaml', text: a },
        { file: 'b.yaml', text: b },
      ]).findings.map(printFinding);
    assert.deepEqual(lint(model('one', ''), model('two', '')), [
      'b.yaml:5:3: warning: spec.model: ModelDeployment one in a.yaml describes the same model: architecture gbdt, framework SKLearn, runtime SKLearn, task ranking, dataset clicks, no version. Give spec.model.version, or whatever else tells the two apart. [MW-L2012]',
    ]);
    assert.deepEqual(lint(model('one', ''), model('two', ', version: 2')), []);
  });
  it('may hold the same name in different namespaces', () => {
    const other = object.replace('{name: iris}', '{name: iris, namespace: other}');
    assert.deepEqual(judgeManifests([{ file: 'a.yaml', text: `${object}---\n${other}` }]), { findings: [], objects: 2 });
  });
  it('are told in the order of files and lines', () => {
    const broken = `${head}spec:\n  a: 1\n  b: 2\n`;
    const { findings } = judgeManifests([
      { file: 'b.yaml', text: broken },
      { file: 'a.yaml', text: broken.replace('iris', 'rose') },
    ]);
    assert.deepEqual(
      findings.map(({ file, line }) => `${file}:${line}`),
      ['a.yaml:4', 'a.yaml:4', 'a.yaml:5', 'a.yaml:6', 'b.yaml:4', 'b.yaml:4', 'b.yaml:5', 'b.yaml:6'],
    );
    assert.equal(countFindings(findings), '8 errors');
  });
});

describe('lint', () => {
  it('asks extra rules of what keeps the schema, and places what they find', () => {
    const extra = () => [{ code: 'X', severity: 'warning' as const, path: 'spec.source.storageUri', sentence: 'is far away', fix: '' }];
    const { findings } = judgeManifests([{ file: 'x.yaml', text: `${head}spec:\n  runtime: {type: SKLearn}\n  ${rest}\n` }], {
      extraRules: [extra],
    });
    assert.deepEqual(findings.map(printFinding), ['x.yaml:6:24: warning: spec.source.storageUri: is far away [X]']);
    assert.equal(judgeManifests([{ file: 'x.yaml', text: `${head}spec: {}` }], { extraRules: [extra] }).findings.length, 2);
  });

  it('shows no signature and no password of a URI', () => {
    const lines = spec(
      `runtime: {type: SKLearn}\nmodel: {documentationURL: "ftp://me:hunter2@x/?sig=s3cr3t"}\nsource: {storageUri: "https://me:hunter2@x/y?sig=s3cr3t"}`,
    );
    assert.ok(lines.length > 0);
    for (const line of lines) assert.doesNotMatch(line, /hunter2|s3cr3t/);
  });

  it('never fails, whatever the spec', () => {
    fc.assert(
      fc.property(
        fc.object({ maxDepth: 3, key: fc.constantFrom('spec', 'model', 'runtime', 'type', 'inputs', 'shape', 'metadata', 'name', 'x') }),
        (object) => {
          const text = JSON.stringify({
            metadata: { name: 'x' },
            spec: object,
            ...object,
            apiVersion: 'modelwright.dev/v1alpha1',
            kind: 'ModelDeployment',
          });
          for (const { line, column } of judgeManifests([{ file: 'x', text }]).findings) assert.ok(line === 1 && column >= 1);
        },
      ),
    );
  });
});

describe('advice about a ModelProfile', () => {
  const scheduled = (schedule: string) =>
    printed(
      `apiVersion: modelwright.dev/v1alpha1\nkind: ModelProfile\nmetadata: {name: iris}\nspec:\n  target: {modelDeployment: iris}\n  sweep: {concurrency: [1]}\n  schedule: ${schedule}\n`,
    );
  it('a schedule that never comes', () => {
    assert.deepEqual(scheduled('{cron: "0 0 30 2 *"}'), [
      'x.yaml:7:20: error: spec.schedule.cron: "0 0 30 2 *" never comes: no month that it names has such a day. Correct the day or the month. [MW-L2110]',
    ]);
  });
  it('a schedule that cannot be read, and a time zone that is none', () => {
    assert.match(
      scheduled('{cron: "60 * * * *"}')[0] ?? '',
      /spec\.schedule\.cron: "60 \* \* \* \*" cannot be read: Invalid value for minute: 60\. Write minute, hour.* \[MW-L2110\]$/,
    );
    assert.match(
      scheduled('{cron: "0 3 * * *", timeZone: Europe/Nowhere}')[0] ?? '',
      /spec\.schedule\.timeZone: "Europe\/Nowhere" is not known\. Write a name/,
    );
  });
  it('none about a schedule that comes', () => assert.deepEqual(scheduled('{cron: "0 3 * * 1-5", timeZone: Europe/Berlin}'), []));
});
