import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { registry } from '../telemetry/registry.ts';
import { priorities, WorkQueue } from './queue.ts';
import { FakeClock, settled } from './testing/fake-clock.ts';

function aQueue(name = 'test') {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue(name, clock) };
}

/** What can be taken right now. */
async function drain(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.size > 0) {
    const key = await queue.take();
    if (key === undefined) break;
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('the queue', () => {
  it('gives keys in the order of their first addition, each once', async () => {
    const { queue } = aQueue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    assert.deepEqual(await drain(queue), ['a', 'b', 'c']);
  });

  it('gives a key added while being worked on again, but only after that work has ended', async () => {
    const { queue } = aQueue();
    queue.add('a');
    assert.equal(await queue.take(), 'a');
    queue.add('a');
    queue.add('a');
    assert.equal(queue.size, 0);
    queue.done('a');
    assert.deepEqual(await drain(queue), ['a']);
  });

  it('gives a waiting worker a key as soon as there is one', async () => {
    const { queue } = aQueue();
    const taken = [queue.take(), queue.take()];
    queue.add('a');
    queue.add('b');
    assert.deepEqual(await Promise.all(taken), ['a', 'b']);
  });

  it('lets live changes overtake the initial list, and raises a key that both name', async () => {
    const { queue } = aQueue();
    for (const key of ['old-1', 'old-2', 'both']) queue.add(key, { priority: priorities.initial });
    queue.add('live');
    queue.add('both');
    assert.deepEqual(await drain(queue), ['live', 'both', 'old-1', 'old-2']);
  });

  it('gives one key in ten of the initial list, though live ones come back for ever', async () => {
    const { queue } = aQueue();
    queue.add('old-1', { priority: priorities.initial });
    queue.add('old-2', { priority: priorities.initial });
    queue.add('loop');
    const taken: (string | undefined)[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const key = (await queue.take()) ?? '';
      taken.push(key);
      if (key === 'loop') queue.add(key);
      queue.done(key);
    }
    assert.deepEqual([taken.indexOf('old-1'), taken.indexOf('old-2')], [9, 19]);
  });

  it('keeps the higher priority of a key added while being worked on', async () => {
    const { queue } = aQueue();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a', { priority: priorities.initial });
    queue.add('other', { priority: priorities.initial });
    queue.done('a');
    assert.deepEqual(await drain(queue), ['a', 'other']);
  });

  it('keeps the priority of a key that comes back by itself: what fails at start does not push ahead', async () => {
    const { clock, queue } = aQueue();
    queue.add('failing', { priority: priorities.initial });
    queue.add('waiting', { priority: priorities.initial });
    await queue.take();
    queue.addRateLimited('failing');
    queue.done('failing');
    await clock.advance(5);
    assert.deepEqual(await drain(queue), ['waiting', 'failing']);
  });

  it('gives a delayed key when its time has come, the sooner time winning', async () => {
    const { clock, queue } = aQueue();
    queue.add('a', { afterMilliseconds: 500 });
    queue.add('a', { afterMilliseconds: 100 });
    queue.add('a', { afterMilliseconds: 900 });
    queue.add('b', { afterMilliseconds: 300 });
    await clock.advance(99);
    assert.deepEqual(await drain(queue), []);
    await clock.advance(1);
    assert.deepEqual(await drain(queue), ['a']);
    await clock.advance(1000);
    assert.deepEqual(await drain(queue), ['b']);
  });

  it('gives a delayed key at once when it is added without delay, and not again later', async () => {
    const { clock, queue } = aQueue();
    queue.add('a', { afterMilliseconds: 500 });
    queue.add('a');
    assert.deepEqual(await drain(queue), ['a']);
    await clock.advance(1000);
    assert.deepEqual(await drain(queue), []);
  });

  it('delays failures by 5 ms doubled up to 1,000 s, until the key is forgotten', async () => {
    const { clock, queue } = aQueue();
    const delays: number[] = [];
    for (let failure = 0; failure < 20; failure++) {
      queue.addRateLimited('a');
      const [delay = 0] = clock.pending;
      delays.push(delay);
      await clock.advance(delay);
      await drain(queue);
    }
    assert.deepEqual(delays.slice(0, 5), [5, 10, 20, 40, 80]);
    assert.equal(delays.at(-1), 1_000_000);
    queue.forget('a');
    queue.addRateLimited('a');
    assert.deepEqual(clock.pending, [5]);
  });

  it('shuts down when the work in progress has ended, gives out nothing more and takes nothing in', async () => {
    const { clock, queue } = aQueue();
    queue.add('a');
    queue.add('b');
    queue.add('late', { afterMilliseconds: 10 });
    const key = await queue.take();
    let drained = false;
    const shutDown = queue.shutDown().then(() => {
      drained = true;
    });
    assert.equal(await queue.take(), undefined);
    queue.add('c');
    await clock.advance(1000);
    assert.equal(drained, false);
    queue.done(key ?? '');
    await shutDown;
    assert.equal(await queue.take(), undefined);
    assert.deepEqual(clock.pending, []);
  });

  it('sends waiting workers home at shutdown', async () => {
    const { queue } = aQueue();
    const taken = queue.take();
    await queue.shutDown();
    assert.equal(await taken, undefined);
  });

  it('never gives a key to two workers at a time and never loses one', async () => {
    type Step = { readonly kind: 'add' | 'delay' | 'fail' | 'take' | 'done' | 'time'; readonly key: string; readonly initial: boolean };
    const step = fc.record<Step>({
      kind: fc.constantFrom('add', 'delay', 'fail', 'take', 'done', 'time'),
      key: fc.constantFrom('a', 'b', 'c'),
      initial: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, queue } = aQueue('property');
        const working = new Set<string>();
        const owed = new Set<string>();
        for (const { kind, key, initial } of steps) {
          const priority = initial ? priorities.initial : priorities.live;
          if (kind === 'add') queue.add(key, { priority });
          else if (kind === 'delay') queue.add(key, { priority, afterMilliseconds: 20 });
          else if (kind === 'fail') queue.addRateLimited(key);
          if (kind === 'add' || kind === 'delay' || kind === 'fail') owed.add(key);
          if (kind === 'take' && queue.size > 0) {
            const taken = (await queue.take()) ?? assert.fail();
            assert.ok(!working.has(taken), `${taken} is being worked on already`);
            assert.ok(owed.delete(taken), `${taken} was asked for by nobody`);
            working.add(taken);
          }
          if (kind === 'done' && working.delete(key)) queue.done(key);
          if (kind === 'time') await clock.advance(10);
        }
        for (const key of working) queue.done(key);
        await clock.advance(2_000_000);
        const rest = await drain(queue);
        assert.deepEqual(new Set(rest), owed);
        assert.equal(rest.length, owed.size);
        await queue.shutDown();
      }),
      { numRuns: 300 },
    );
  });

  it('shows its depth by priority, and work that has not ended', async () => {
    const { clock, queue } = aQueue('shown');
    queue.add('a');
    queue.add('b', { priority: priorities.initial });
    await queue.take();
    await clock.advance(3000);
    const text = await registry.metrics();
    assert.match(text, /^workqueue_depth\{name="shown",controller="shown",priority="0"\} 0$/m);
    assert.match(text, /^workqueue_depth\{name="shown",controller="shown",priority="-100"\} 1$/m);
    assert.match(text, /^workqueue_unfinished_work_seconds\{name="shown",controller="shown"\} 3$/m);
    assert.match(text, /^workqueue_longest_running_processor_seconds\{name="shown",controller="shown"\} 3$/m);
    assert.match(text, /^workqueue_adds_total\{name="shown",controller="shown"\} 2$/m);
    assert.match(text, /^workqueue_retries_total\{name="shown",controller="shown"\} 0$/m);
    queue.done('a');
    await queue.shutDown();
    await settled();
    assert.doesNotMatch(await registry.metrics(), /workqueue_depth\{name="shown"/);
  });
});
