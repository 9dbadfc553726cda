import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Active, type Contender, shownPosition, turnOf } from './queue.ts';

const run = (key: string, second = 0, target = key): Contender => ({
  key,
  namespace: key.split('/')[0] ?? '',
  target,
  queuedTime: `2026-11-21T12:00:${String(second).padStart(2, '0')}Z`,
});
const go = { kind: 'Go' };

describe('whose turn it is', () => {
  it('goes where there is room', () => {
    assert.deepEqual(turnOf(run('a/x'), [], [], 1), go);
    assert.deepEqual(turnOf(run('a/x'), [], [run('b/y')], 2), go);
  });

  it('waits while as many run as may', () => {
    const turn = turnOf(run('a/x'), [], [run('b/y')], 1);
    assert.equal(turn.kind === 'Wait' && turn.ahead, 1);
  });

  it('goes by the time it was asked for, then by name', () => {
    const waiting = [run('a/late', 9), run('a/early', 1), run('a/also-early', 1)];
    assert.deepEqual(turnOf(run('a/also-early', 1), waiting, [], 1), go);
    const turn = turnOf(run('a/late', 9), waiting, [], 1);
    assert.equal(turn.kind === 'Wait' && turn.ahead, 2);
  });

  it('lets namespaces take turns: one with fifty runs does not keep the others out', () => {
    const many = Array.from({ length: 50 }, (_, i) => run(`a/${i}`, i));
    assert.deepEqual(turnOf(run('b/only', 59), many, [run('a/now')], 2), go);
    const turn = turnOf(many[0] as Contender, [...many, run('b/only', 59)], [run('a/now')], 2);
    assert.equal(turn.kind === 'Wait' && turn.ahead, 1);
  });

  it('never loads one target twice, and nobody else waits for that', () => {
    const first = run('a/x', 1, 'a/iris');
    const turn = turnOf(first, [], [run('a/y', 0, 'a/iris')], 5);
    assert.equal(turn.kind === 'Wait' && turn.message, 'ModelProfile a/y measures the same target');
    assert.deepEqual(turnOf(run('b/z', 9), [first], [run('a/y', 0, 'a/iris')], 2), go);
    const both = [run('a/p', 1, 'a/iris'), run('a/q', 2, 'a/iris')];
    assert.deepEqual(turnOf(both[0] as Contender, both, [], 5), go);
    assert.equal(turnOf(both[1] as Contender, both, [], 5).kind, 'Wait');
  });

  it('never measures on a GPU that another run measures on', () => {
    const self = { ...run('a/x', 1, 'a/iris'), gpus: ['GPU-2', 'node/shared'] };
    const message = (gpus: readonly string[]) => {
      const turn = turnOf(self, [], [{ ...run('a/y', 0, 'a/other'), gpus }], 5);
      return turn.kind === 'Wait' ? turn.message : turn.kind;
    };
    assert.equal(message(['GPU-1', 'GPU-2']), 'ModelProfile a/y measures on the same GPU-2');
    assert.equal(message(['node/shared']), 'ModelProfile a/y measures on the same GPUs of node shared');
    assert.equal(message(['GPU-1', 'node/other']), 'Go');
    assert.deepEqual(turnOf(self, [], [{ ...self, key: 'a/x' }], 5), go);
  });

  it('starts no more than may run, none twice at one target, and always somebody where there is room', () => {
    const contender = fc
      .tuple(fc.nat(3), fc.nat(9), fc.nat(59), fc.nat(4))
      .map(([namespace, name, second, target]) => run(`n${namespace}/p${name}`, second, `t${target}`));
    const arbitrary = fc.tuple(fc.uniqueArray(contender, { selector: ({ key }) => key, maxLength: 20 }), fc.integer({ min: 1, max: 4 }));
    fc.assert(
      fc.property(arbitrary, ([waiting, limit]) => {
        const active: Active[] = [];
        const left = [...waiting];
        for (;;) {
          const next = left.findIndex((one) => turnOf(one, left, active, limit).kind === 'Go');
          if (next < 0) break;
          active.push(...left.splice(next, 1));
        }
        assert.ok(active.length <= limit);
        assert.equal(new Set(active.map(({ target }) => target)).size, active.length);
        const free = left.filter(({ target }) => !active.some((one) => one.target === target));
        assert.ok(active.length === limit || free.length === 0);
      }),
    );
  });

  it('shows a far position coarsely', () => {
    assert.deepEqual([0, 1, 10, 11, 20, 95, 101, 499].map(shownPosition), [0, 1, 10, 20, 20, 100, 200, 500]);
  });
});
