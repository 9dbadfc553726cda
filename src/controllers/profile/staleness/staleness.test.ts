import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeStaleness, type Provenance, type Staleness, type Subject } from './staleness.ts';

const sha = (char: string) => char.repeat(64);
const provenance: Provenance = {
  target: 'modeldeployment/iris',
  targetUid: 'u-1',
  storageUri: 'gs://bucket/iris',
  modelSha256: sha('a'),
  image: 'nvcr.io/nvidia/tritonserver:24.01',
  imageDigest: `sha256:${sha('b')}`,
  kserve: '0.15.0',
  deploymentMode: 'Standard',
  nodes: ['gpu-1', 'gpu-2'],
  gpuProduct: 'Tesla-T4',
  gpuDriver: '535.1',
  gpuUuids: ['GPU-1', 'GPU-2'],
  tool: '0.1.0',
};
const measured: Subject = { specHash: sha('c'), provenance };
const now = (more: Partial<Provenance>, specHash = measured.specHash): Subject => ({ specHash, provenance: { ...provenance, ...more } });
const unknown = (...names: (keyof Provenance)[]): Subject => ({
  specHash: measured.specHash,
  provenance: Object.fromEntries(Object.entries(provenance).filter(([name]) => !names.includes(name as keyof Provenance))) as Provenance,
});

describe('results are stale when what they are of has changed', () => {
  const cases: readonly [what: string, now: Subject, reason: Staleness['reason'], message: RegExp][] = [
    [
      'the spec',
      now({}, sha('d')),
      'SpecChanged',
      /^Since the results were measured, the spec asks for another measurement\. Change spec\.runId/,
    ],
    ['the target of the same name', now({ targetUid: 'u-2' }), 'TargetReplaced', /deleted and made anew/],
    ['the model', now({ modelSha256: sha('e') }), 'ModelChanged', /model SHA-256 aaaaaaaaaaaa… became eeeeeeeeeeee…/],
    [
      'where the model comes from',
      { specHash: sha('c'), provenance: { ...unknown('modelSha256').provenance, storageUri: 'gs://bucket/iris-2' } },
      'ModelChanged',
      /storageUri gs:\/\/bucket\/iris became gs:\/\/bucket\/iris-2/,
    ],
    [
      'the image digest',
      now({ imageDigest: `sha256:${sha('f')}` }),
      'ImageChanged',
      /image digest sha256:bbbbbbbbbbbb… became sha256:ffffffffffff…/,
    ],
    ['KServe', now({ kserve: '0.20.0' }), 'KServeChanged', /KServe 0\.15\.0 became 0\.20\.0/],
    ['the mode', now({ deploymentMode: 'Knative' }), 'KServeChanged', /deployment mode Standard became Knative/],
    ['the GPU product', now({ gpuProduct: 'A10' }), 'HardwareChanged', /GPU product Tesla-T4 became A10/],
    ['the driver', now({ gpuDriver: '550.2' }), 'HardwareChanged', /GPU driver 535\.1 became 550\.2/],
    [
      'the node',
      now({ nodes: ['gpu-1', 'gpu-9'] }),
      'HardwareChanged',
      /the model came to node gpu-9, which was not measured \(measured: gpu-1, gpu-2\)/,
    ],
    ['the GPU', now({ gpuUuids: ['GPU-7'] }), 'HardwareChanged', /came to GPU GPU-7/],
    ['the tool', now({ tool: '0.2.0' }), 'ToolChanged', /Modelwright 0\.1\.0 became 0\.2\.0/],
  ];
  for (const [what, subject, reason, message] of cases) {
    it(what, () => {
      const verdict = judgeStaleness(measured, subject);
      assert.deepEqual([verdict.status, verdict.reason], ['True', reason]);
      assert.match(verdict.message, message);
    });
  }

  it('with every change in the message, and the weightiest as the reason', () => {
    const { reason, message } = judgeStaleness(measured, now({ tool: '0.2.0', modelSha256: sha('e'), kserve: '0.20.0' }));
    assert.equal(reason, 'ModelChanged');
    assert.match(message, /model SHA-256.*; KServe .*; Modelwright /);
  });
});

describe('results are not stale', () => {
  const cases: readonly [what: string, now: Subject][] = [
    ['when nothing changed', now({})],
    ['when the target says nothing of itself for now', unknown('modelSha256', 'imageDigest', 'nodes', 'gpuProduct', 'gpuUuids', 'kserve')],
    ['when fewer of the measured nodes are in use', now({ nodes: ['gpu-2'], gpuUuids: ['GPU-1'] })],
    ['when nothing runs', now({ nodes: [], gpuUuids: [] })],
    ['when the same image has another tag', now({ image: 'mirror.example.com/tritonserver:24.01' })],
    ['when the same model has another address', now({ storageUri: 'gs://copy/iris' })],
  ];
  for (const [what, subject] of cases) {
    it(what, () => assert.deepEqual(judgeStaleness(measured, subject).reason, 'UpToDate'));
  }

  it('when something was not known then', () => {
    assert.equal(judgeStaleness(unknown('gpuUuids', 'gpuDriver', 'imageDigest', 'modelSha256'), measured).status, 'False');
  });

  it('and every trait of the provenance is looked at', () => {
    for (const name of Object.keys(provenance) as (keyof Provenance)[]) {
      const other = Array.isArray(provenance[name]) ? ['other'] : 'other';
      const changed: Partial<Provenance> = { [name]: other };
      // A name counts only where no digest says more.
      const base = name === 'image' ? unknown('imageDigest') : name === 'storageUri' ? unknown('modelSha256') : measured;
      const verdict = judgeStaleness(base, { ...base, provenance: { ...base.provenance, ...changed } });
      assert.equal(verdict.status, 'True', name);
    }
  });
});
