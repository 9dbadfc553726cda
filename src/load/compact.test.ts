import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assess } from './assess.ts';
import { compactOf } from './compact.ts';
import { judgement, observation } from './observation.fixture.ts';
import type { GpuUse } from './point.ts';

const point = assess(observation([[0, 1000]], { loop: 'closed', concurrency: 1 }), judgement);
const mebibyte = 2 ** 20;
const gpu = (more: Partial<GpuUse> = {}): GpuUse => ({
  uuid: 'GPU-1',
  model: 'Tesla T4',
  source: 'dcgm',
  samples: 4,
  stale: false,
  utilisationPercent: 40,
  utilisationActivePercent: 60,
  utilisationMaxPercent: 90,
  memoryUsedMaxBytes: 3000 * mebibyte,
  memoryTotalBytes: 15_000 * mebibyte,
  memoryPreallocated: false,
  powerWatts: 70,
  energyJoules: 140,
  ...more,
});
function columns(gpus: readonly GpuUse[] | null) {
  const compact = compactOf({ ...point, gpus }, 0, { run: 'run-00001', coldStartMicroseconds: null, scenario: null });
  return [
    compact.gpuUtilisationPermille,
    compact.gpuUtilisationActivePermille,
    compact.gpuUtilisationMaxPermille,
    compact.gpuMemoryUsedMebibytes,
    compact.gpuMemoryTotalMebibytes,
    compact.gpuPowerMilliwatts,
  ];
}

describe('the GPU columns of the compact form', () => {
  const idle = { utilisationPercent: 0, utilisationActivePercent: null, utilisationMaxPercent: 0, powerWatts: 30 };
  const cases: readonly [what: string, gpus: readonly GpuUse[] | null, columns: readonly (number | null)[]][] = [
    ['are those of the only GPU', [gpu()], [400, 600, 900, 3000, 15_000, 70_000]],
    [
      'are the mean use, the most of the busiest, and the sum of memory and power of several',
      [gpu(), gpu(idle)],
      [200, 600, 900, 6000, 30_000, 100_000],
    ],
    [
      'are null where one of several does not tell',
      [gpu(), gpu({ utilisationPercent: null, utilisationMaxPercent: null, powerWatts: null })],
      [null, null, null, 6000, 30_000, null],
    ],
    [
      'are null but for memory where the readings may be older than the point',
      [gpu({ stale: true })],
      [null, null, null, 3000, 15_000, null],
    ],
    ['are 0 where it did nothing', [gpu(idle)], [0, null, 0, 3000, 15_000, 30_000]],
    ['are null without GPUs', [], [null, null, null, null, null, null]],
    ['are null where nobody tells', null, [null, null, null, null, null, null]],
  ];
  for (const [what, gpus, expected] of cases) it(what, () => assert.deepEqual(columns(gpus), expected));
});
