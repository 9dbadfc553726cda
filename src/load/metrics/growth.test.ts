import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryGrowth } from './growth.ts';
import { parsePrometheus } from './prometheus.ts';

const scrapesOf = (texts: readonly string[]) => texts.map((text, i) => ({ at: i * 1e6, samples: parsePrometheus(text) }));
const ofProcess = (...bytes: readonly number[]) =>
  memoryGrowth(scrapesOf(bytes.map((value) => `process_resident_memory_bytes ${value}\n`)));

describe('memory that grows', () => {
  it('all through the window is named, with its readings and the time between them', () => {
    assert.deepEqual(ofProcess(100, 110, 120, 130, 140), [{ of: "the server's process", firstBytes: 100, lastBytes: 140, seconds: 4 }]);
    assert.deepEqual(ofProcess(100, 100, 110, 110, 120, 120).length, 1, 'a source that refreshes more slowly than it is asked');
  });

  for (const [name, bytes] of [
    ['stands still', [100, 100, 100, 100, 100]],
    ['is given back', [100, 120, 140, 110, 150]],
    ['is taken at first, and then kept', [100, 150, 190, 200, 200, 200, 200]],
    ['grows by less than 1 %', [1000, 1002, 1004, 1006, 1008]],
    ['was read too seldom to tell', [100, 150, 200, 250]],
  ] as const) {
    it(`is not named when it ${name}`, () => assert.deepEqual(ofProcess(...bytes), []));
  }

  it('is told of each GPU in bytes, whoever tells of it, and of no other pod', () => {
    const dcgm = (mine: number, other: number) =>
      `DCGM_FI_DEV_FB_USED{UUID="GPU-a",pod="iris-0"} ${mine}\nDCGM_FI_DEV_FB_USED{UUID="GPU-b",pod="other"} ${other}\n`;
    const growing = [0, 1, 2, 3, 4].map((step) => dcgm(1000 + step * 100, 1000 + step * 100));
    assert.deepEqual(memoryGrowth(scrapesOf(growing), { pod: 'iris-0' }), [
      { of: 'GPU GPU-a', firstBytes: 1000 * 2 ** 20, lastBytes: 1400 * 2 ** 20, seconds: 4 },
    ]);
    const triton = [0, 1, 2, 3, 4].map((step) => `nv_gpu_memory_used_bytes{gpu_uuid="GPU-t"} ${1e9 + step * 1e8}\n`);
    assert.deepEqual(
      memoryGrowth(scrapesOf(triton)).map(({ of, lastBytes }) => [of, lastBytes]),
      [['GPU GPU-t', 1.4e9]],
    );
  });
});
