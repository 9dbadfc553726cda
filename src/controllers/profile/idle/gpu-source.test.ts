import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cached } from '../../../kube/store.ts';
import type { GpuReading } from '../../../load/metrics/gpu-reading.ts';
import type { NodeObject } from '../resources.ts';
import { aTargetPod } from '../testing/objects.ts';
import { exporterAmong, metricsUrlOf } from './exporters.ts';
import { gpuSourceOf, hardwareOf } from './gpu-source.ts';
import type { GpuNode } from './judge.ts';
import { gpusOf, type NodePod } from './node-pods.ts';

const url = 'http://10.0.0.9:9400/metrics';
const gpu = (id: string, ...pods: string[]): GpuReading => ({ id, product: null, utilizationPercent: 0, memoryUsedPercent: 0, pods });
const node = (name: string, exporter: GpuNode['exporter']): GpuNode => ({ name, exporter, allocatable: 4, shared: false, holders: [] });
const read = (...gpus: GpuReading[]): GpuNode['exporter'] => ({ kind: 'Read', pod: 'exporter ops/dcgm', url, gpus });
const pod = (name: string, on: string, gpus = 1) => aTargetPod({ name, uid: name, node: on, gpus });

describe('where the load pod reads the GPUs', () => {
  it('is the exporter of the node, of the GPUs that the Pod has', () => {
    const source = gpuSourceOf('m', [pod('a', 'n1')], [node('n1', read(gpu('G1', 'm/a'), gpu('G2', 'm/b')))]);
    assert.deepEqual(source, {
      target: { dcgmUrl: url, gpuLabels: { namespace: 'm', pod: 'a' } },
      uuids: ['G1'],
      text: 'DCGM exporter ops/dcgm on node n1, for Pod a',
    });
  });
  it('is not troubled by a GPU whose name the status cannot hold', () => {
    const source = gpuSourceOf('m', [pod('a', 'n1')], [node('n1', read(gpu('G'.repeat(97), 'm/a'), gpu('G2', 'm/a')))]);
    assert.deepEqual(source.uuids, ['G2']);
  });
  it('is one Pod of several, and the GPUs of all are known', () => {
    const nodes = [node('n1', read(gpu('G1', 'm/a'))), node('n2', read(gpu('G7', 'm/b')))];
    const source = gpuSourceOf('m', [pod('a', 'n1'), pod('b', 'n2')], nodes);
    assert.deepEqual([source.uuids, source.text], [['G1', 'G7'], 'DCGM exporter ops/dcgm on node n1, for Pod a, one of 2']);
  });
  it('is the next Pod where a node has no exporter', () => {
    const nodes = [node('n1', { kind: 'None', why: 'none here' }), node('n2', read(gpu('G7', 'm/b')))];
    assert.deepEqual(gpuSourceOf('m', [pod('a', 'n1'), pod('b', 'n2')], nodes).target.gpuLabels, { namespace: 'm', pod: 'b' });
  });
  it('is all of a node that has no other GPUs, where the exporter knows no Pods', () => {
    const source = gpuSourceOf('m', [pod('a', 'n1', 2)], [node('n1', read(gpu('G1'), gpu('G2')))]);
    assert.deepEqual([source.target, source.uuids], [{ dcgmUrl: url }, ['G1', 'G2']]);
  });
  const nowhere: readonly [what: string, pods: readonly ReturnType<typeof pod>[], nodes: readonly GpuNode[], text: RegExp][] = [
    ['of a model without GPU', [], [], /^the model runs on no GPU$/],
    [
      'without exporter',
      [pod('a', 'n1')],
      [node('n1', { kind: 'None', why: 'node n1 has no Pod of a DCGM exporter' })],
      /^node n1 has no Pod/,
    ],
    [
      'with an exporter that does not answer',
      [pod('a', 'n1')],
      [node('n1', { kind: 'Silent', pod: 'exporter ops/dcgm', why: 'does not answer' })],
      /^exporter ops\/dcgm does not answer$/,
    ],
    [
      'with an exporter that knows the Pods of others only',
      [pod('a', 'n1')],
      [node('n1', read(gpu('G1', 'm/b')))],
      /does not tell which GPU Pod a has/,
    ],
    [
      'with an exporter that knows no Pods, among other GPUs',
      [pod('a', 'n1')],
      [node('n1', read(gpu('G1'), gpu('G2')))],
      /does not tell which GPU Pod a has/,
    ],
    ['on a node that was not looked at', [pod('a', 'n1')], [], /^the node of the model is not known$/],
  ];
  for (const [what, pods, nodes, text] of nowhere) {
    it(`is nowhere ${what}, and that is said`, () => {
      const source = gpuSourceOf('m', pods, nodes);
      assert.deepEqual(source.target, {});
      assert.match(source.text, text);
    });
  }
});

describe('GPU product and driver', () => {
  const labelled = (labels: Record<string, string>) => ({ metadata: { labels } }) as unknown as Cached<NodeObject>;
  const t4 = { 'nvidia.com/gpu.product': 'Tesla-T4' };
  const cases: readonly [what: string, nodes: readonly (Cached<NodeObject> | undefined)[], expected: object][] = [
    [
      'by the labels of today',
      [labelled({ ...t4, 'nvidia.com/cuda.driver-version.full': '550.54.15' })],
      { gpuProduct: 'Tesla-T4', gpuDriver: '550.54.15' },
    ],
    [
      'by the labels of before',
      [labelled({ 'nvidia.com/cuda.driver.major': '535', 'nvidia.com/cuda.driver.minor': '104', 'nvidia.com/cuda.driver.rev': '05' })],
      { gpuDriver: '535.104.05' },
    ],
    ['of AMD', [labelled({ 'amd.com/gpu.product': 'MI300X' })], { gpuProduct: 'MI300X' }],
    ['where all nodes agree', [labelled(t4), labelled(t4)], { gpuProduct: 'Tesla-T4' }],
    ['not where they differ', [labelled(t4), labelled({ 'nvidia.com/gpu.product': 'A10' })], {}],
    ['not where a node is not known', [labelled(t4), undefined], {}],
  ];
  for (const [what, nodes, expected] of cases) it(what, () => assert.deepEqual(hardwareOf(nodes), expected));
});

describe('the exporter among the Pods of a node', () => {
  const one = (name: string, more: Partial<NodePod> = {}): NodePod => ({
    namespace: 'gpu-operator',
    name,
    labels: { app: 'nvidia-dcgm-exporter' },
    running: true,
    address: '10.0.0.9',
    gpus: {},
    ...more,
  });
  const found = (pods: readonly NodePod[], settings = {}) => {
    const exporter = exporterAmong('n1', pods, settings);
    return exporter.kind === 'Found' ? `${exporter.pod} ${metricsUrlOf(exporter)}` : exporter.why;
  };
  it('is that of the GPU operator, of the chart, or of GKE', () => {
    for (const labels of [
      { app: 'nvidia-dcgm-exporter' },
      { 'app.kubernetes.io/name': 'dcgm-exporter' },
      { 'app.kubernetes.io/name': 'gke-managed-dcgm-exporter' },
    ]) {
      assert.equal(found([one('other', { labels: { app: 'x' } }), one('dcgm', { labels })]), `gpu-operator/dcgm ${url}`);
    }
  });
  it('is what the ServingPlatform names', () => {
    const settings = { selector: { matchLabels: { team: 'gpu' } }, namespaces: ['metrics'], port: 9500 };
    const own = one('own', { namespace: 'metrics', labels: { team: 'gpu' }, address: 'fd00::9' });
    assert.equal(found([one('dcgm'), own], settings), 'metrics/own http://[fd00::9]:9500/metrics');
  });
  const none: readonly [what: string, pods: readonly NodePod[], why: RegExp][] = [
    ['is none where no Pod has the labels', [one('x', { labels: {} })], /^node n1 has no Pod of a DCGM exporter/],
    [
      'is none in a namespace that is not named',
      [one('x', { namespace: 'tenant' })],
      /^Pod tenant\/x on node n1 is in a namespace that spec\.benchmark\.dcgmExporter\.namespaces/,
    ],
    ['is none that does not run', [one('x', { running: false })], /does not run$/],
  ];
  for (const [what, pods, why] of none) it(what, () => assert.match(found(pods), why));
  it('is none by an empty selector, which every Pod has', () =>
    assert.match(found([one('x')], { selector: { matchLabels: {} } }), /no Pod of a DCGM exporter/));
});

describe('the GPUs that a Pod has asked for', () => {
  it('are those of its containers, slices among them, and of the greediest that runs before', () => {
    const limits = (limits: Record<string, string | number>) => ({ resources: { limits } });
    assert.deepEqual(
      gpusOf({
        containers: [limits({ 'nvidia.com/gpu': '1', cpu: '4' }), limits({ 'nvidia.com/gpu': 2, 'nvidia.com/mig-1g.5gb': '1' }), {}],
        initContainers: [limits({ 'nvidia.com/gpu': '4' })],
      }),
      { 'nvidia.com/gpu': 4, 'nvidia.com/mig-1g.5gb': 1 },
    );
    assert.deepEqual(gpusOf({ containers: [limits({ 'nvidia.com/gpu.shared': '1', 'example.com/fpga': '1' })] }), {
      'nvidia.com/gpu.shared': 1,
    });
    assert.deepEqual(gpusOf(undefined), {});
  });
});
