/** Rows that others have published, judged by the product's own code. They are no part of this repository: absent, the test says so. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bestBatches, readMlModelCi } from '../../src/load/import/mlmodelci.ts';
import { overloads, readVegetaCsv } from '../../src/load/import/vegeta.ts';

const samples = new URL('../../../shared/samples/', import.meta.url);
const given = existsSync(samples) ? {} : { skip: 'the published samples are not beside this checkout' };

describe('published rows', given, () => {
  it("MLModelCI's 30 rows agree with themselves, and give a best batch under a bound", () => {
    const rows = readMlModelCi(JSON.parse(readFileSync(new URL('mlmodelci/published-benchmark-rtx8000-tfs.json', samples), 'utf8')));
    assert.equal(rows.length, 30);
    assert.deepEqual(
      rows.flatMap((row) => row.contradictions),
      [],
    );
    const best = (bound: number | null) => Object.fromEntries([...bestBatches(rows, bound)].map(([model, choice]) => [model, choice.best]));
    assert.deepEqual(best(100_000), { ResNet50: 'b16', ResNet101: 'b16', ResNet152: 'b16', VGG16: 'b16', VGG19: 'b16' });
    // Without a bound the largest batch is not always the best, and 5 % less may be had with half of it.
    assert.deepEqual(best(null), { ResNet50: 'b16', ResNet101: 'b32', ResNet152: 'b16', VGG16: 'b32', VGG19: 'b32' });
    assert.equal(bestBatches(rows, null).get('VGG16')?.economical, 'b16');
    assert.deepEqual(best(1000), { ResNet50: null, ResNet101: null, ResNet152: null, VGG16: null, VGG19: null });
    assert.equal(bestBatches(rows, 1000).get('ResNet50')?.nearestMiss?.id, 'b1');
  });

  it('the overloaded runs of the KFServing project are those at the highest rate of each series', () => {
    const rows = readVegetaCsv(readFileSync(new URL('kfserving-0.6/published-vegeta-latency.csv', samples), 'utf8'));
    const verdicts = overloads(rows);
    for (const [i, row] of rows.entries()) {
      const highest = Math.max(...rows.filter((other) => other.series === row.series).map((other) => other.requestsPerSecond));
      assert.equal(verdicts[i]?.overloaded, row.requestsPerSecond === highest, `${row.series} at ${row.requestsPerSecond}/s`);
    }
  });
});
