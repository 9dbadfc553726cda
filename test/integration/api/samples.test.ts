import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { load } from 'js-yaml';
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import { rules } from '../../../src/api/model-deployment/rules.ts';
import { applyCrds, freshNamespace, kubectl } from '../../support/cluster.ts';
import { librarySamples, samples } from './samples.ts';
import { dryRun } from './verdict.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = join(root, 'manifests/samples');

function sample(name: string): ModelDeployment {
  return load(readFileSync(join(folder, `${name}.yaml`), 'utf8')) as ModelDeployment;
}

describe('the samples', () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  before(async () => {
    await applyCrds();
    namespace = await freshNamespace('samples');
  });
  after(() => namespace[Symbol.asyncDispose]());

  const files = globSync('*.yaml', { cwd: folder })
    .filter((file) => file !== 'kustomization.yaml' && file !== 'serving-platform.yaml')
    .sort();

  it('are the ten of the library and the public one, each in a file of its name, all in the kustomization and the README', () => {
    assert.deepEqual(
      files,
      Object.keys(samples)
        .map((name) => `${name}.yaml`)
        .sort(),
    );
    const { resources } = load(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
    assert.deepEqual(resources, files);
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const file of files) assert.ok(readme.includes(`| [${basename(file, '.yaml')}](${file}) |`), file);
  });

  for (const [name, expected] of Object.entries(samples)) {
    it(`${name} says what its model is and how it runs`, () => {
      const { metadata, spec } = sample(name);
      assert.deepEqual(metadata, { name });
      assert.equal(spec.model?.architecture, expected.model);
      assert.equal(spec.model?.framework, expected.framework);
      assert.equal(spec.model?.format, expected.format);
      assert.equal(spec.model?.task, expected.task);
      assert.deepEqual(spec.runtime, {
        type: expected.runtime,
        ...(expected.version === undefined ? {} : { version: expected.version }),
        protocol: expected.protocol,
      });
      assert.equal(spec.source.storageUri, expected.storageUri);
      const [cpu, memory] = expected.requests;
      const [cpuLimit, memoryLimit] = expected.limits;
      assert.deepEqual(spec.resources, { requests: { cpu, memory }, limits: { cpu: cpuLimit, memory: memoryLimit } });
    });

    it(`${name} is accepted by the API server and breaks no rule`, async () => {
      assert.deepEqual(await dryRun('create', sample(name), namespace.name), { accepted: true, complaints: [] });
      assert.deepEqual(
        rules.filter((rule) => !rule.holds(sample(name))),
        [],
      );
    });
  }

  it('apply all at once', async () => {
    const said = await kubectl(['apply', '--dry-run=server', '-n', namespace.name, '-k', folder]);
    assert.equal(said.trim().split('\n').length, Object.keys(samples).length, said);
  });
});

interface SourceInferenceService {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly predictor: Readonly<
      Record<
        string,
        { runtimeVersion: string; storageUri: string; resources: Record<'limits' | 'requests', Record<string, string | number>> }
      >
    >;
  };
}

const library = join(root, '../shared/samples/aimp');
const absent = existsSync(library) ? false : `the library the samples come from is not at ${library}`;

describe('the samples beside the InferenceServices they come from', { skip: absent }, () => {
  const runtimeOf: Readonly<Record<string, string>> = {
    tensorflow: 'TFServing',
    pytorch: 'TorchServe',
    triton: 'Triton',
    sklearn: 'SKLearn',
  };
  const asText = (quantities: object) => Object.fromEntries(Object.entries(quantities).map(([key, value]) => [key, String(value)]));
  const services = globSync('isvc/*.yaml', { cwd: library }).map(
    (file) => load(readFileSync(join(library, file), 'utf8')) as SourceInferenceService,
  );

  it('are the same ten', () => assert.deepEqual(services.map(({ metadata }) => metadata.name).sort(), Object.keys(librarySamples).sort()));

  for (const { metadata, spec } of services) {
    it(`${metadata.name}: runtime, storageUri and resources as they were`, () => {
      const [[kind, predictor] = []] = Object.entries(spec.predictor);
      assert.ok(kind !== undefined && predictor !== undefined);
      const { spec: now } = sample(metadata.name);
      assert.equal(now.runtime.type, runtimeOf[kind]);
      assert.equal(now.source.storageUri, predictor.storageUri);
      assert.deepEqual(asText(now.resources?.requests ?? {}), asText(predictor.resources.requests));
      assert.deepEqual(asText(now.resources?.limits ?? {}), asText(predictor.resources.limits));
      // The one version that names an image which does not exist.
      if (metadata.name === 'iris') assert.equal(predictor.runtimeVersion, 'v0.6.1');
      else assert.equal(now.runtime.version, predictor.runtimeVersion);
    });
  }

  /** Where the source's table was wrong, or says in one word what are two here. */
  const corrections: Readonly<Record<string, { readonly service?: string; readonly model?: string; readonly task?: string }>> = {
    'iris-sklearn': { service: 'iris', task: '分类' },
    efficientnet_v2_s: { task: '图像分类' },
    efficientnet_v2_l: { task: '图像分类' },
    fasterrcnn_resnet50_fpn_coco: { model: 'fasterrcnn_resnet50_fpn' },
  };
  const [, ...rows] = readFileSync(join(library, 'library.tsv'), 'utf8').trimEnd().split('\n');

  for (const row of rows) {
    const [model = '', task = '', , service = '', , format, protocol = ''] = row.split('\t');
    const corrected = corrections[model] ?? {};
    it(`${model}: model, task, format and protocol of the library's table`, () => {
      const { spec } = sample(corrected.service ?? service.replaceAll(' ', ''));
      assert.equal(spec.model?.architecture, corrected.model ?? model);
      assert.ok(spec.model?.description?.includes(corrected.task ?? task), `${spec.model?.description} names ${task}`);
      assert.equal(spec.model?.format, format);
      assert.equal(spec.runtime.protocol, protocol.toUpperCase());
    });
  }
});
