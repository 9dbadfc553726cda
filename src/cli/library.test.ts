import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { libraryColumns, matches, sortRows } from './library.ts';
import { printTable } from './table.ts';

function row(name: string, over: Partial<ModelDeployment['spec']> = {}, ready?: 'True' | 'False'): ModelDeployment {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace: 'models' },
    spec: { runtime: { type: 'Triton' }, source: { storageUri: 'gs://b/m' }, ...over },
    ...(ready && {
      status: {
        conditions: [{ type: 'Ready', status: ready, reason: 'Unschedulable', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        addresses: { external: { url: 'http://m.example.com', host: 'm.example.com' } },
      },
    }),
  };
}

describe('the library table', () => {
  it('shows what a person chooses a model by', () => {
    const resnet = row(
      'resnet50',
      {
        model: { description: 'Images', task: 'image-classification', framework: 'ONNX' },
        runtime: { type: 'Triton', version: '23.05-py3' },
      },
      'True',
    );
    assert.equal(
      printTable(libraryColumns({ wide: false, namespaces: false }), [resnet]),
      [
        'MODEL      DESCRIPTION   TASK                   FRAMEWORK   RUNTIME   PROTOCOL   VERSION     READY   URL',
        'resnet50   Images        image-classification   ONNX        Triton    V2         23.05-py3   True    http://m.example.com',
        '',
      ].join('\n'),
    );
  });
  it('says why a model is not ready', () => {
    assert.match(printTable(libraryColumns({ wide: false, namespaces: true }), [row('m', {}, 'False')]), /False \(Unschedulable\)/);
  });
  it('is sorted by name', () =>
    assert.deepEqual(
      sortRows([row('b'), row('a')]).map(({ metadata }) => metadata.name),
      ['a', 'b'],
    ));
});

describe('a filter', () => {
  const onnx = row('m', { model: { framework: 'ONNX', task: 'Image-Classification' } }, 'True');
  it('takes words in any case', () => assert.ok(matches(onnx, { framework: 'onnx', task: 'image-classification', runtime: 'triton' })));
  it('drops what differs in one field', () => assert.ok(!matches(onnx, { framework: 'onnx', task: 'tabular' })));
  it('tells ready models from others', () => {
    assert.ok(matches(onnx, { ready: true }) && !matches(onnx, { ready: false }));
    assert.ok(matches(row('new'), { ready: false }));
  });
});
