import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FakeClock } from '../../kube/testing/fake-clock.ts';
import type { ImageAnswer, ImageQuery } from './image-query.ts';
import { ImageWatch } from './image-watch.ts';

const probe = (image: string): ImageQuery => ({ kind: 'Probe', key: image, image });
const unreachable: ImageAnswer = { kind: 'Failed', cause: 'Unreachable', message: 'x' };
const settled = () => new Promise((done) => setImmediate(done));

describe('what registries are asked', () => {
  let clock: FakeClock;
  let watch: ImageWatch;
  let asked: string[];
  let told: number;
  let answers: Map<string, ImageAnswer | Promise<ImageAnswer>>;
  let stop: () => void;

  beforeEach(() => {
    clock = new FakeClock();
    asked = [];
    told = 0;
    answers = new Map();
    watch = new ImageWatch({
      clock,
      keys: () => [{ name: 'default' }],
      ask: async ({ image }) => {
        asked.push(image);
        return (await answers.get(image)) ?? { kind: 'Found' };
      },
    });
    stop = watch.start(() => void told++);
  });
  afterEach(() => stop());

  it('is asked once, however often it is wanted, and who wants it is called', async () => {
    watch.want([probe('a')]);
    watch.want([probe('a')]);
    assert.equal(watch.answers().size, 0);
    await settled();
    watch.want([probe('a')]);
    await settled();
    assert.deepEqual([asked, told], [['a'], 1]);
    assert.deepEqual(watch.answers().get('a'), { kind: 'Found' });
  });

  it('is asked again after a failure, later and later, and nobody is called while it stays the same', async () => {
    answers.set('a', unreachable);
    watch.want([probe('a')]);
    await settled();
    for (const wait of [10_000, 20_000, 40_000]) {
      clock.advance(wait - 1);
      await settled();
      const before = asked.length;
      clock.advance(1);
      await settled();
      assert.equal(asked.length, before + 1);
    }
    assert.equal(told, 1);
    answers.set('a', { kind: 'Found' });
    clock.advance(80_000);
    await settled();
    assert.equal(told, 2);
  });

  it('waits as long as a registry asks for', async () => {
    answers.set('a', { kind: 'Failed', cause: 'RateLimited', message: 'x', retryAfterMilliseconds: 60_000 });
    watch.want([probe('a')]);
    await settled();
    clock.advance(59_000);
    await settled();
    assert.equal(asked.length, 1);
    clock.advance(1000);
    await settled();
    assert.equal(asked.length, 2);
  });

  it('is asked at once after a change of the settings, unless it is resolved', async () => {
    answers.set('a', unreachable);
    answers.set('b', { kind: 'Resolved', version: { wanted: '1' }, platforms: [], resolvedTime: '' });
    watch.want([probe('a'), probe('b')]);
    await settled();
    watch.retry();
    await settled();
    assert.deepEqual(asked, ['a', 'b', 'a']);
  });

  it('is forgotten when nobody wants it any more, and an answer that comes too late changes nothing', async () => {
    let give: (answer: ImageAnswer) => void = () => undefined;
    answers.set('a', new Promise((done) => (give = done)));
    watch.want([probe('a')]);
    watch.want([]);
    give({ kind: 'Found' });
    await settled();
    assert.deepEqual([watch.answers().size, told], [0, 0]);
  });

  it('is never more than four at a time', async () => {
    const gives: ((answer: ImageAnswer) => void)[] = [];
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names) answers.set(name, new Promise((done) => gives.push(done)));
    watch.want(names.map(probe));
    await settled();
    assert.equal(asked.length, 4);
    gives[0]?.({ kind: 'Found' });
    await settled();
    assert.equal(asked.length, 5);
    for (const give of gives) give({ kind: 'Found' });
    await settled();
    assert.equal(watch.answers().size, 6);
  });
});
