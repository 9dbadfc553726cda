/** `modelwright bench` as a load pod of a ModelProfile runs it: single points, one list for each completion index, bounds, a termination message. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodePoints } from '../../src/load/point-code.ts';
import { bench } from './bench.ts';
import { startTruthServer, type TruthServer } from './servers/start.ts';

const run = 'r0123456789a';

describe('a load pod', () => {
  let server: TruthServer;
  let folder: string;
  before(async () => {
    server = await startTruthServer({ kind: 'batch', baseMicroseconds: 2000, eachMicroseconds: 50 });
    folder = mkdtempSync(join(tmpdir(), 'modelwright-load-pod-'));
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs it, and reads what it leaves behind. */
  async function measure(flags: readonly string[], url = server.url) {
    const file = join(folder, 'termination');
    rmSync(file, { force: true });
    const common = ['--model', 'truth', '--run', run, '--warmup', '100ms', '--duration', '600ms', '--no-repeat-first', '--no-verdict'];
    const { code, stderr } = await bench([url, ...common, '--termination', file, ...flags]);
    const decoded = code === 0 ? decodePoints(readFileSync(file, 'utf8'), run) : undefined;
    const points = decoded?.ok === true ? decoded.points : [];
    const ids = points.map(
      ({ batchSize, load }) => `b${batchSize}-${load.loop === 'closed' ? `c${load.concurrency}` : `r${load.requestsPerSecond}`}`,
    );
    return { code, stderr, points, ids };
  }

  it('measures the points of its index, in their order', async () => {
    const lists = ['--points', 'b1-c1,b1-c2', '--points', 'b4-c2,b1-c1,b8-c3'];
    assert.deepEqual((await measure([...lists, '--points-index', '1'])).ids, ['b4-c2', 'b1-c1', 'b8-c3']);
    assert.deepEqual((await measure([...lists, '--points-index', '0'])).ids, ['b1-c1', 'b1-c2']);
    assert.deepEqual((await measure(['--points', 'b1-r50'])).ids, ['b1-r50']);
  });

  it('searches at the batch size of its index, and keeps the levels around what it found', async () => {
    const flags = [
      '--search',
      'concurrency',
      '--search-max',
      '512',
      '--slo',
      'p50=20ms',
      '--tolerance',
      '1',
      '--points',
      'b1',
      '--points',
      'b4',
    ];
    const { points, code, stderr } = await measure([...flags, '--points-index', '1', '--duration', '200ms']);
    assert.equal(code, 0, stderr);
    assert.ok(points.length >= 1 && points.length <= 8);
    assert.ok(points.every(({ batchSize }) => batchSize === 4));
    assert.equal(new Set(points.map(({ load }) => JSON.stringify(load))).size, points.length);
  });

  it('measures a scenario at the batch size of its index, and says which of its rules were not met', async () => {
    const flags = ['--scenario', 'MultiStream', '--points', 'b2', '--points', 'b4', '--points-index', '1', '--requests', '5'];
    const { points, ids, code, stderr } = await measure(flags);
    assert.equal(code, 0, stderr);
    assert.deepEqual(ids, ['b4-c1']);
    // 600 ms and a little hold at most four hundred queries of 2.2 ms; an estimate of p99 needs 662.
    assert.deepEqual(points[0]?.scenario, { name: 'MultiStream', unmet: ['early stopping'], valueThousandths: null });
    assert.ok(points[0]?.invalidReasons.includes('ScenarioInvalid'));

    const met = await measure(['--scenario', 'SingleStream', '--points', 'b1', '--requests', '5', '--duration', '3s']);
    assert.deepEqual(met.points[0]?.scenario?.unmet, []);
    assert.ok((met.points[0]?.scenario?.valueThousandths ?? 0) >= 2_050_000, 'nanoseconds');
  });

  it('says what is wrong with its points', async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [['--points', 'b1-c1', '--points-index', '1'], /--points-index 1: there are 1 lists/],
      [['--points', 'b1'], /--points "b1" names no load/],
      [['--points', '1x16'], /--points "1x16" is no setting/],
      [['--points', 'b1-c1,b1-c2,b1-c3,b1-c4,b1-c5,b1-c6,b1-c7,b1-c8,b1-c9'], /--termination holds 8 points, this sweep has 9/],
      [['--points', 'b1-c1', '--concurrency', '4'], /--points says it all/],
      [['--scenario', 'Offline', '--points', 'b1,b2'], /--scenario measures one batch size/],
    ];
    for (const [flags, said] of cases) {
      const { code, stderr } = await measure(flags);
      assert.equal(code, 2);
      assert.match(stderr, said);
    }
  });

  it('stays below a rate that a closed loop would go beyond, and is valid all the same', async () => {
    let slots = false;
    // A machine that stands still just when the window begins leaves requests to it that began before: then Little's law is rightly not found.
    for (let attempt = 0; attempt < 4 && !slots; attempt++) {
      const { points } = await measure(['--points', 'b1-c4', '--max-rate', '80', '--duration', '2s', '--slo', 'p50=1s']);
      const [point] = points;
      assert.ok(point !== undefined && point.requests > 0);
      const rate = point.requests / (point.durationMilliseconds / 1000);
      assert.ok(rate <= 84, `${rate} per second`);
      slots = !point.invalidReasons.includes('LittlesLaw');
    }
    assert.ok(slots, 'empty slots are no fault of the client');
  });

  it('ends after the first point that is slower than its guard, with what it has', async () => {
    assert.deepEqual((await measure(['--points', 'b1-c1,b2-c1,b4-c1', '--stop-above', 'p50=1ms'])).ids, ['b1-c1']);
    assert.deepEqual((await measure(['--points', 'b1-c1,b2-c1,b4-c1', '--stop-above', 'p50=10s'])).ids.length, 3);
  });

  it('connects only where it may, whatever a name resolves to', async () => {
    const local = server.url.replace('127.0.0.1', 'localhost');
    const byName = await measure(['--points', 'b1-c1', '--allow-addresses', 'public,private'], local);
    assert.equal(byName.code, 3);
    assert.match(byName.stderr, /localhost is (127\.0\.0\.1|::1).*may not be loaded/);
    const byAddress = await measure(['--points', 'b1-c1', '--allow-addresses', 'public,private']);
    assert.equal(byAddress.code, 2);
    assert.match(byAddress.stderr, /127\.0\.0\.1 may not be loaded/);
    assert.equal((await measure(['--points', 'b1-c1', '--allow-addresses', 'public,127.0.0.0/8,::1'], local)).code, 0);
    const wrong = await measure(['--points', 'b1-c1', '--allow-addresses', 'everything']);
    assert.match(wrong.stderr, /--allow-addresses "everything" is neither public nor private/);
  });
});
