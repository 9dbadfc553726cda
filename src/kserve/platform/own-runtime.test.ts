import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownRuntime } from './own-runtime.ts';

const stock = {
  apiVersion: 'serving.kserve.io/v1alpha1',
  kind: 'ClusterServingRuntime',
  metadata: { name: 'kserve-tritonserver', annotations: { 'serving.kserve.io/server-type': 'tritonserver', 'helm.sh/chart': 'x' } },
  spec: {
    protocolVersions: ['v2'],
    supportedModelFormats: [{ name: 'onnx', version: '1', autoSelect: true, priority: 1 }, { name: 'pytorch' }],
    containers: [
      { name: 'sidecar', image: 'sidecar:1' },
      { name: 'kserve-container', image: 'nvcr.io/nvidia/tritonserver:23.05-py3', args: ['tritonserver'] },
    ],
  },
};
const declaration = { type: 'Triton', version: '20.10-py3' } as const;

describe('a runtime of our own', () => {
  it('is the shipped one with another image, never chosen by KServe itself', () => {
    const { spec, metadata } = ownRuntime(declaration, stock);
    assert.deepEqual(spec, {
      protocolVersions: ['v2'],
      supportedModelFormats: [{ name: 'onnx', version: '1' }, { name: 'pytorch' }],
      containers: [
        { name: 'sidecar', image: 'sidecar:1' },
        { name: 'kserve-container', image: 'nvcr.io/nvidia/tritonserver:20.10-py3', args: ['tritonserver'] },
      ],
    });
    assert.deepEqual(metadata.annotations, { 'serving.kserve.io/server-type': 'tritonserver' });
  });

  it('takes a digest and another registry, with its port', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const { spec } = ownRuntime({ type: 'Triton', image: 'mirror:5000/triton', version: digest }, stock);
    assert.equal((spec['containers'] as { image: string }[])[1]?.image, `mirror:5000/triton@${digest}`);
  });

  it('brings its pull secrets', () => {
    assert.deepEqual(ownRuntime({ ...declaration, imagePullSecrets: ['nvcr'] }, stock).spec['imagePullSecrets'], [{ name: 'nvcr' }]);
  });

  it('adds its arguments behind the shipped ones, and has the protocols that are declared', () => {
    const { spec } = ownRuntime({ ...declaration, args: ['--strict-readiness=true'], protocols: ['V2', 'GRPCV2'] }, stock);
    assert.deepEqual((spec['containers'] as { args?: string[] }[])[1]?.args, ['tritonserver', '--strict-readiness=true']);
    assert.deepEqual(spec['protocolVersions'], ['v2', 'grpc-v2']);
  });

  it('has another name for another content, and the same for the same', () => {
    const name = ownRuntime(declaration, stock).metadata.name;
    assert.match(name, /^modelwright-triton-[0-9a-f]{8}$/);
    assert.equal(ownRuntime(declaration, structuredClone(stock)).metadata.name, name);
    assert.notEqual(ownRuntime({ ...declaration, version: '20.11-py3' }, stock).metadata.name, name);
    assert.notEqual(
      ownRuntime(declaration, { ...stock, spec: { ...stock.spec, protocolVersions: ['v2', 'grpc-v2'] } }).metadata.name,
      name,
    );
  });
});
