import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { GpuReading } from '../../../load/metrics/gpu-reading.ts';
import { type GpuNode, type Judgement, judgeFree, judgeLive } from './judge.ts';

const limits = { maxUtilizationPercent: 5, maxMemoryPercent: 10 };

function gpu(
  id: string,
  utilizationPercent: number | null,
  pods: readonly string[] = [],
  memoryUsedPercent: number | null = 0,
): GpuReading {
  return { id, product: 'Tesla T4', utilizationPercent, memoryUsedPercent, pods };
}
function node(name: string, more: Partial<GpuNode> = {}): GpuNode {
  return { name, exporter: { kind: 'None', why: `node ${name} has no exporter` }, allocatable: 4, shared: false, holders: [], ...more };
}
const read = (...gpus: GpuReading[]): Partial<GpuNode> => ({
  exporter: { kind: 'Read', pod: 'exporter ops/dcgm-1', url: 'http://10.0.0.9:9400/metrics', gpus },
});
const silent: Partial<GpuNode> = { exporter: { kind: 'Silent', pod: 'exporter ops/dcgm-1', why: 'does not answer: timeout' } };

function text(judgement: Judgement): string {
  const { kind, judgedBy = 'nothing' } = judgement;
  return `${kind} by ${judgedBy}: ${judgement.kind === 'Idle' ? judgement.note : judgement.busy.map(({ what, how }) => `${what}: ${how}`).join('; ')}`;
}

describe('the GPUs of a running service', () => {
  const own = new Map([['n1', ['ns/model']]]);
  const cases: readonly [what: string, pods: ReadonlyMap<string, readonly string[]>, nodes: readonly GpuNode[], text: RegExp][] = [
    [
      'are idle when they do nothing, whatever their memory',
      own,
      [node('n1', read(gpu('G1', 0, ['ns/model'], 95)))],
      /^Idle by Utilization: by the figures of the DCGM exporter$/,
    ],
    ['may do as much as is allowed', own, [node('n1', read(gpu('G1', 5, ['ns/model'])))], /^Idle by Utilization/],
    [
      'are busy above, with the figure and the Pod',
      own,
      [node('n1', read(gpu('G1', 87.4, ['ns/model'])))],
      /^Busy by Utilization: G1 on node n1, of Pod ns\/model: 87 % used, more than 5 %$/,
    ],
    ["are not others' GPUs of the node", own, [node('n1', read(gpu('G1', 0, ['ns/model']), gpu('G2', 99, ['ns/other'])))], /^Idle/],
    [
      'are busy with what shares them, and it is named',
      own,
      [node('n1', read(gpu('G1', 50, ['ns/model', 'x/neighbour'])))],
      /of Pods ns\/model and x\/neighbour: 50 % used/,
    ],
    ['are the MIG slices that it has', own, [node('n1', read(gpu('G1/3', 0, ['ns/model']), gpu('G1/4', 99, ['ns/other'])))], /^Idle/],
    [
      'are not known to be idle where their use is blank',
      own,
      [node('n1', read(gpu('G1', null, ['ns/model'])))],
      /^Busy by Utilization: G1 .*: its use is not told$/,
    ],
    [
      'are all of the node where the exporter knows no Pods',
      own,
      [node('n1', read(gpu('G1', 0), gpu('G2', 60)))],
      /^Busy by Utilization: G2 on node n1: 60 % used/,
    ],
    [
      'are not known to be idle where the exporter knows Pods and not this one',
      own,
      [node('n1', read(gpu('G1', 0, ['ns/other'])))],
      /^Busy by Utilization: Pod ns\/model: the use of its GPU is not known: exporter ops\/dcgm-1 on node n1 tells of none/,
    ],
    [
      'are not known to be idle while the exporter is silent',
      own,
      [node('n1', silent)],
      /^Busy by Utilization: GPUs of node n1: their use is not known: exporter ops\/dcgm-1 does not answer: timeout$/,
    ],
    [
      'are judged by allocation without exporter, and that is said',
      own,
      [node('n1')],
      /^Idle by Allocation: by what Pods have asked for, since node n1 has no exporter$/,
    ],
    [
      'are busy by allocation where the node shares them and others have asked',
      own,
      [
        node('n1', {
          shared: true,
          holders: [
            { pod: 'ns/model', gpus: 1 },
            { pod: 'x/y', gpus: 1 },
          ],
        }),
      ],
      /^Busy by Allocation: Pod x\/y: asks for a GPU of node n1, which are shared$/,
    ],
    [
      'are idle by allocation where others have GPUs of their own',
      own,
      [
        node('n1', {
          holders: [
            { pod: 'ns/model', gpus: 1 },
            { pod: 'x/y', gpus: 1 },
          ],
        }),
      ],
      /^Idle by Allocation/,
    ],
    [
      'are judged on every node',
      new Map([...own, ['n2', ['ns/model-2']]]),
      [node('n1', read(gpu('G1', 0, ['ns/model']))), node('n2', read(gpu('G9', 30, ['ns/model-2'])))],
      /^Busy by Utilization: G9 on node n2/,
    ],
    [
      'are judged by allocation as soon as one node has no exporter',
      new Map([...own, ['n2', ['ns/model-2']]]),
      [node('n1', read(gpu('G1', 0, ['ns/model']))), node('n2')],
      /^Idle by Allocation: .*n2 has no exporter$/,
    ],
    ['are none of a model without GPU', new Map(), [], /^Idle by nothing: the model runs on no GPU$/],
    ['are busy while a node could not be looked at', own, [], /^Busy by Allocation: node n1: its Pods are not known yet$/],
  ];
  for (const [what, pods, nodes, expected] of cases) it(what, () => assert.match(text(judgeLive(pods, nodes, limits)), expected));
});

describe('a place for a temporary copy', () => {
  const wanted = { resource: 'nvidia.com/gpu', count: 2 };
  const holders = [{ pod: 'x/y', gpus: 3 }];
  const cases: readonly [what: string, nodes: readonly GpuNode[], text: RegExp][] = [
    [
      'is a node with GPUs to spare that are idle',
      [node('n1', read(gpu('G1', 0), gpu('G2', 1), gpu('G3', 99, ['x/y'])))],
      /^Idle by Utilization: node n1 has 2 nvidia\.com\/gpu to spare, by the figures of the DCGM exporter$/,
    ],
    [
      'is none whose GPUs are taken, and the Pods are named',
      [node('n1', { holders })],
      /^Busy by Allocation: node n1: 3 of its 4 GPUs are taken by Pod x\/y, and 2 are wanted$/,
    ],
    [
      'is any of the nodes',
      [node('n1', { holders }), node('n2')],
      /^Idle by Allocation: node n2 has 2 nvidia\.com\/gpu to spare, by what Pods have asked for, since node n2 has no exporter$/,
    ],
    [
      'is none where somebody works past Kubernetes',
      [node('n1', read(gpu('G1', 80), gpu('G2', 0)))],
      /^Busy by Utilization: G1 on node n1: 80 % used/,
    ],
    [
      'is none where memory is held',
      [node('n1', read(gpu('G1', 0, [], 60), gpu('G2', 0)))],
      /^Busy by Utilization: G1 on node n1: 60 % of its memory in use, more than 10 %/,
    ],
    ['is none where memory is not told', [node('n1', read(gpu('G1', 0, [], null), gpu('G2', 0)))], /G1 on node n1: its memory is not told/],
    ['is one where enough others are idle', [node('n1', read(gpu('G1', 80), gpu('G2', 0), gpu('G3', 0)))], /^Idle/],
    ['is none where the exporter is silent', [node('n1', silent)], /^Busy by Utilization: GPUs of node n1: their use is not known/],
    ['is none where the exporter tells of too few', [node('n1', read(gpu('G1', 0)))], /tells of 1 GPUs that no Pod has, and 2 are wanted/],
    ['is none where no node can take it', [], /^Busy by Allocation: nvidia\.com\/gpu: no node that can take the copy offers any$/],
  ];
  for (const [what, nodes, expected] of cases) it(what, () => assert.match(text(judgeFree(wanted, nodes, limits)), expected));
  it('is anywhere for a copy without GPU', () =>
    assert.equal(judgeFree({ resource: 'nvidia.com/gpu', count: 0 }, [], limits).kind, 'Idle'));

  it('is never found where the exporter tells of fewer idle GPUs than are wanted', () => {
    const reading = fc.record({
      use: fc.option(fc.integer({ min: 0, max: 100 })),
      memory: fc.option(fc.integer({ min: 0, max: 100 })),
      taken: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 8 }), fc.integer({ min: 1, max: 8 }), (readings, count) => {
        const gpus = readings.map(({ use, memory, taken }, i) => gpu(`G${i}`, use, taken ? [`x/${i}`] : [], memory));
        const holders = readings.flatMap(({ taken }, i) => (taken ? [{ pod: `x/${i}`, gpus: 1 }] : []));
        const one = node('n1', { ...read(...gpus), allocatable: gpus.length, holders });
        const idle = readings.filter(
          ({ use, memory, taken }) => !taken && use !== null && use <= 5 && memory !== null && memory <= 10,
        ).length;
        assert.equal(judgeFree({ resource: 'nvidia.com/gpu', count }, [one], limits).kind, idle >= count ? 'Idle' : 'Busy');
      }),
    );
  });
});
