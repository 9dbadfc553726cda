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

  it('counts a run that has just begun once, though its status has it in the queue still', () => {
    const [first, second] = [run('a/x', 1, 'a/iris'), run('a/y', 2, 'a/iris')];
    const turn = turnOf(second, [first, second], [first], 5);
    assert.deepEqual(turn, { kind: 'Wait', ahead: 1, message: 'ModelProfile a/x measures the same target' });
    const other = turnOf(run('a/z', 3), [first, run('a/z', 3)], [first], 1);
    assert.equal(other.kind === 'Wait' && other.ahead, 1);
    assert.deepEqual(turnOf(run('a/z', 3), [first, run('a/z', 3)], [first], 2), go);
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

  describe('of copies that want the GPUs of one node', () => {
    const wanting = (key: string, second: number, each: number): Contender => ({
      ...run(key, second),
      claim: { resource: 'nvidia.com/gpu', each, pods: 1, nodes: [{ name: 'gpu-1', offers: 4, shared: false }], on: [] },
    });
    const measuring = (key: string, each: number): Active => ({ ...wanting(key, 0, each) });
    const told = (turn: ReturnType<typeof turnOf>) => (turn.kind === 'Wait' ? `${turn.ahead} ${turn.message}` : turn.kind);

    it('is theirs for whom there is room, however many may run', () => {
      const first = measuring('a/first', 3);
      const message = 'ModelProfile a/first measures on GPUs of node gpu-1, and there is no room beside it for 2 nvidia.com/gpu';
      assert.equal(told(turnOf(wanting('b/two', 1, 2), [], [first], 9)), `1 ${message}`);
      assert.deepEqual(turnOf(wanting('b/one', 1, 1), [], [first], 9), go);
      assert.deepEqual(turnOf(wanting('b/two', 1, 2), [], [run('a/on-no-gpu')], 9), go);
    });

    it('is theirs who were there before: a small one does not slip past one that waits for the whole node', () => {
      const waiting = [wanting('b/whole', 1, 4), wanting('c/small', 2, 1)];
      const [whole, small] = waiting as [Contender, Contender];
      const first = measuring('a/first', 1);
      assert.match(told(turnOf(whole, waiting, [first], 9)), /^1 ModelProfile a\/first measures on GPUs of node gpu-1/);
      assert.equal(
        told(turnOf(small, waiting, [first], 9)),
        '2 ModelProfile a/first measures on GPUs of node gpu-1, and there is no room beside it for 1 nvidia.com/gpu',
      );
      assert.deepEqual(turnOf(whole, waiting, [], 9), go);
      assert.match(told(turnOf(small, waiting, [], 9)), /^1 ModelProfile b\/whole is to measure on GPUs of node gpu-1 first/);
    });

    it('keeps nobody out who wants none of them, and takes no place among the runs at once', () => {
      const waiting = [wanting('b/whole', 1, 4)];
      assert.deepEqual(turnOf(run('c/cpu', 2), waiting, [measuring('a/first', 1)], 2), go);
      assert.match(told(turnOf(run('c/cpu', 2), waiting, [], 1)), /^1 1 run at once/);
    });

    it('comes to everybody, and never to more than there are GPUs for', () => {
      const arbitrary = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 });
      fc.assert(
        fc.property(arbitrary, fc.integer({ min: 1, max: 5 }), (sizes, limit) => {
          const left = sizes.map((each, i) => wanting(`n${i % 3}/p${i}`, i, each));
          const active: Active[] = [];
          while (left.length > 0) {
            const next = left.findIndex((one) => turnOf(one, left, active, limit).kind === 'Go');
            if (next >= 0) active.push(...left.splice(next, 1));
            else {
              assert.ok(active.length > 0, 'somebody runs while others wait');
              active.shift();
            }
            const taken = active.reduce((sum, { claim }) => sum + (claim?.each ?? 0), 0);
            assert.ok(taken <= 4 && active.length <= limit);
          }
        }),
      );
    });
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
