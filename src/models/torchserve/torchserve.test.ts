import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KServeVersion } from '../kserve-version.ts';
import { generateProperties } from './generate.ts';
import { lintTorchServe } from './lint.ts';
import { parseProperties } from './properties.ts';
import { type MarManifest, parseMarManifest, parseSnapshot } from './snapshot.ts';

const kserve: KServeVersion = { major: 0, minor: 20 };
const mar: MarManifest = { modelName: 'rcnn', modelVersion: '1.0' };
const good = generateProperties([{ ...mar, file: 'rcnn.mar' }], kserve);
const mars = new Map<string, MarManifest | undefined>([['model-store/rcnn.mar', mar]]);

function codes(properties: string | undefined, changed: { paths?: string[]; mars?: typeof mars; version?: KServeVersion } = {}): string[] {
  const archives = changed.mars ?? mars;
  return lintTorchServe(
    { paths: changed.paths ?? ['config/config.properties', ...archives.keys()], properties, mars: archives },
    changed.version ?? kserve,
  ).map(({ code }) => code);
}
const snapshotWith = (change: (text: string) => string) =>
  good.replace(/model_snapshot=(.*)/, (_, text: string) => `model_snapshot=${change(text)}`);

describe('a Java properties file', () => {
  it('is read with its comments, continuations, separators and escapes', () => {
    const text = '# c\n! c\na=1\nb : 2\nc 3\nd=x\\\n   y\ne\\ f=\\u0041\\t\ng\n';
    assert.deepEqual(
      parseProperties(text).map(({ key, value }) => [key, value]),
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
        ['d', 'xy'],
        ['e f', 'A\t'],
        ['g', ''],
      ],
    );
  });
});

describe('a TorchServe package', () => {
  it('with generated properties is right', () => {
    assert.deepEqual(codes(good), []);
    const old: KServeVersion = 'kfserving-0.6';
    assert.deepEqual(codes(generateProperties([{ ...mar, file: 'rcnn.mar' }], old), { version: old }), []);
  });
  const table: [string, string[], () => string[]][] = [
    ['no properties', ['MW-L0122'], () => codes(undefined)],
    ['misspelt properties', ['MW-L0122'], () => codes(undefined, { paths: ['config/config.propertites', 'model-store/rcnn.mar'] })],
    ['no archive', ['MW-L0120', 'MW-L0413'], () => codes(good, { mars: new Map() })],
    ['an archive elsewhere', ['MW-L0121'], () => codes(good, { paths: ['config/config.properties', 'model-store/rcnn.mar', 'other.mar'] })],
    ['an unreadable archive', ['MW-L0401'], () => codes(good, { mars: new Map([['model-store/rcnn.mar', undefined]]) })],
    [
      'a blank in the model name',
      ['MW-L0402', 'MW-L0205'],
      () => codes(good, { mars: new Map([['model-store/rcnn.mar', { ...mar, modelName: 'r cnn' }]]) }),
    ],
    ['a key twice', ['MW-L0403'], () => codes(`${good}job_queue_size=5\n`)],
    ['another model store', ['MW-L0404'], () => codes(good.replace('/mnt/models/model-store', '/home/model-server/model-store'))],
    ["the wrapper's port", ['MW-L0405'], () => codes(good.replace(':8085', ':8080'))],
    ['the default port', ['MW-L0405'], () => codes(good.replace(/inference_address.*\n/, ''))],
    ['the old envelope', ['MW-L0406'], () => codes(`${good}service_envelope=kfserving\n`)],
    ['no envelope from the environment', ['MW-L0407'], () => codes(good.replace('enable_envvars_config=true\n', ''))],
    ['no snapshot', ['MW-L0410'], () => codes(good.replace(/model_snapshot.*\n/, ''))],
    ['a snapshot that is no JSON', ['MW-L0411'], () => codes(snapshotWith((text) => text.slice(1)))],
    ['another modelCount', ['MW-L0412'], () => codes(snapshotWith((text) => text.replace('"modelCount":1', '"modelCount":2')))],
    ['an archive that is not there', ['MW-L0413', 'MW-L0418'], () => codes(snapshotWith((text) => text.replace('rcnn.mar', 'other.mar')))],
    ['version 1 for 1.0', ['MW-L0414'], () => codes(snapshotWith((text) => text.replace('"1.0"', '"1"')))],
    ['another name', ['MW-L0205'], () => codes(snapshotWith((text) => text.replace('"rcnn":', '"faster-rcnn":')))],
    [
      'more workers at least than at most',
      ['MW-L0415'],
      () => codes(snapshotWith((text) => text.replace('"minWorkers":1', '"minWorkers":9'))),
    ],
    ['a number missing', ['MW-L0416'], () => codes(snapshotWith((text) => text.replace('"batchSize":1,', '')))],
    ['no default version', ['MW-L0417'], () => codes(snapshotWith((text) => text.replace('"defaultVersion":true,', '')))],
    [
      'an archive that is not named',
      ['MW-L0418'],
      () => codes(good, { mars: new Map([...mars, ['model-store/b.mar', { ...mar, modelName: 'b' }]]) }),
    ],
  ];
  for (const [what, expected, found] of table) it(`with ${what}: ${expected.join(', ')}`, () => assert.deepEqual(found(), expected));
});

describe('JSON of an archive', () => {
  it('that is none gets a sentence or nothing', () => {
    assert.match(parseSnapshot('[]') as string, /no JSON object/);
    assert.match(parseSnapshot('{"models":{"a":1}}') as string, /no object of versions/);
    assert.equal(parseMarManifest('{'), undefined);
    assert.equal(parseMarManifest('{"model":{}}'), undefined);
  });
});
