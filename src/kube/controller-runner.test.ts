import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogFields, Logger } from '../telemetry/logger.ts';
import { registry } from '../telemetry/registry.ts';
import { type Controller, done, type ReconcileContext, type ReconcileResult, TerminalError } from './controller.ts';
import { ControllerRunner } from './controller-runner.ts';
import { KubeError } from './errors.ts';
import { keyText, type ObjectKey } from './object.ts';
import { ObjectStore } from './object-store.ts';
import { aWidget, widgets } from './testing/builders.ts';
import { FakeClock, settled } from './testing/fake-clock.ts';
import { watch } from './watches.ts';

interface Line extends LogFields {
  readonly level: string;
  readonly message: string;
}

function memoryLogger(lines: Line[], bound: LogFields = {}): Logger {
  const write = (level: string) => (fields: LogFields, message: string) => void lines.push({ ...bound, ...fields, level, message });
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => memoryLogger(lines, { ...bound, ...fields }),
  };
}

/** A controller over widgets whose reconciles do what the test says. */
class Scene implements AsyncDisposable {
  static #scenes = 0;
  readonly name = `scene-${++Scene.#scenes}`;
  readonly clock = new FakeClock();
  readonly store = new ObjectStore(widgets);
  readonly lines: Line[] = [];
  /** Keys in the order in which their reconciles began. */
  readonly begun: string[] = [];
  readonly stop = new AbortController();
  readonly kill = new AbortController();
  readonly running: Promise<void>;

  constructor(reconcile: (key: ObjectKey, context: ReconcileContext) => Promise<ReconcileResult>, options: Partial<Controller> = {}) {
    const controller: Controller = {
      name: this.name,
      watches: [watch(this.store)],
      reconcile: (key, context) => {
        this.begun.push(keyText(key));
        return reconcile(key, context);
      },
      ...options,
    };
    const runner = new ControllerRunner(controller, { clock: this.clock, log: memoryLogger(this.lines) });
    runner.start();
    this.running = runner.run(this.stop.signal, this.kill.signal);
  }

  put(name: string, version = '1'): void {
    this.store.put(aWidget(name, { metadata: { resourceVersion: version } }));
  }

  /** Value of a metric of this controller. */
  async metric(name: string, labels = ''): Promise<number> {
    const text = await registry.metrics();
    const line = text
      .split('\n')
      .find((other) => other.startsWith(`${name}{`) && other.includes(`controller="${this.name}"`) && other.includes(labels));
    return Number(line?.split(' ').at(-1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    this.kill.abort();
    await this.running;
  }
}

describe('a reconcile', () => {
  it('runs for each object that appears or changes, with its key in its log and an id of its own', async () => {
    await using scene = new Scene(async (_, { log, reconcileID }) => {
      log.info({ reconcileIDAgain: reconcileID }, 'Looked');
      return done;
    });
    scene.put('a');
    await settled();
    scene.put('a', '2');
    await settled();
    assert.deepEqual(scene.begun, ['default/a', 'default/a']);
    const [first, second] = scene.lines;
    assert.deepEqual(first?.['object'], { namespace: 'default', name: 'a' });
    assert.equal(first?.['controller'], scene.name);
    assert.equal(first?.['reconcileID'], first?.['reconcileIDAgain']);
    assert.notEqual(first?.['reconcileID'], second?.['reconcileID']);
    assert.equal(await scene.metric('controller_runtime_reconcile_total', 'result="success"'), 2);
  });

  it('is the only one for its key at a time, and runs again for what happened meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    await using scene = new Scene(async () => {
      await gate.promise;
      return done;
    });
    scene.put('a');
    await settled();
    scene.put('a', '2');
    scene.put('a', '3');
    await settled();
    assert.deepEqual(scene.begun, ['default/a']);
    gate.resolve();
    await settled();
    assert.deepEqual(scene.begun, ['default/a', 'default/a']);
  });

  it('comes back after the time it asked for', async () => {
    await using scene = new Scene(async () => (scene.begun.length === 1 ? { requeueAfterMilliseconds: 60_000 } : done));
    scene.put('a');
    await settled();
    await scene.clock.advance(59_999);
    assert.equal(scene.begun.length, 1);
    await scene.clock.advance(1);
    assert.equal(scene.begun.length, 2);
    assert.equal(await scene.metric('controller_runtime_reconcile_total', 'result="requeue_after"'), 1);
  });

  it('that fails is logged, counted and tried again, later each time, and from the beginning after a success', async () => {
    let failing = true;
    await using scene = new Scene(async () => {
      if (failing) throw new KubeError('HTTP_500', 500, '', 'the API server answered 500');
      return done;
    });
    scene.put('a');
    await settled();
    for (const delay of [5, 10, 20]) {
      assert.ok(scene.clock.pending.includes(delay), `${scene.clock.pending}`);
      if (delay === 20) failing = false;
      await scene.clock.advance(delay);
    }
    assert.equal(scene.begun.length, 4);
    failing = true;
    scene.put('a', '2');
    await settled();
    assert.ok(scene.clock.pending.includes(5));
    assert.equal(await scene.metric('controller_runtime_reconcile_errors_total'), 4);
    assert.equal(await scene.metric('controller_runtime_reconcile_total', 'result="error"'), 4);
    assert.equal(await scene.metric('controller_runtime_reconcile_panics_total'), 0);
    assert.equal(scene.lines.filter(({ level }) => level === 'error').length, 4);
  });

  it('that fails for good waits for the next change', async () => {
    await using scene = new Scene(async () => {
      throw new TerminalError('the archive is not a zip file');
    });
    scene.put('a');
    await settled();
    await scene.clock.advance(2_000_000);
    assert.equal(scene.begun.length, 1);
    scene.put('a', '2');
    await settled();
    assert.equal(scene.begun.length, 2);
    assert.equal(await scene.metric('controller_runtime_terminal_reconcile_errors_total'), 2);
  });

  it('that meets a conflict is tried again, and alarms nobody', async () => {
    await using scene = new Scene(async () => {
      if (scene.begun.length === 1) throw new KubeError('CONFLICT', 409, 'Conflict', 'the object has been modified');
      return done;
    });
    scene.put('a');
    await settled();
    await scene.clock.advance(5);
    assert.equal(scene.begun.length, 2);
    assert.deepEqual(
      scene.lines.map(({ level }) => level),
      ['info'],
    );
  });

  for (const [what, thrown] of [
    ['a type error', new TypeError('undefined is not a function')],
    ['no Error at all', 'just text'],
  ] as const) {
    it(`that throws ${what} is counted as a panic and stops nothing`, async () => {
      await using scene = new Scene(async ({ name }) => {
        if (name === 'bad') throw thrown;
        return done;
      });
      scene.put('bad');
      scene.put('good');
      await settled();
      assert.deepEqual(scene.begun, ['default/bad', 'default/good']);
      assert.equal(await scene.metric('controller_runtime_reconcile_panics_total'), 1);
    });
  }

  it('that takes too long gets its signal aborted, and the next one is not delayed by it', async () => {
    await using scene = new Scene(
      async ({ name }, { signal }) => {
        if (name !== 'slow') return done;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw signal.reason;
      },
      { timeoutMilliseconds: 1000, workers: 2 },
    );
    scene.put('slow');
    scene.put('quick');
    await settled();
    assert.deepEqual(scene.begun, ['default/slow', 'default/quick']);
    await scene.clock.advance(1000);
    assert.equal(await scene.metric('controller_runtime_reconcile_timeouts_total'), 1);
    assert.match(String(scene.lines[0]?.['err']), /longer than 1000 ms/);
    assert.ok(scene.clock.pending.includes(5));
  });
});

describe('a poisoned object', () => {
  it('that throws, hangs or comes back at once, for ever, keeps none of the others from being reconciled', async () => {
    const poison: Readonly<Record<string, (signal: AbortSignal) => Promise<ReconcileResult>>> = {
      throws: async () => assert.fail('always'),
      loops: async () => ({ requeueAfterMilliseconds: 0 }),
      'loops-too': async () => ({ requeueAfterMilliseconds: 0 }),
      hangs: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    };
    await using scene = new Scene(
      async ({ name }, { signal }) => {
        // A millisecond of work.
        void scene.clock.advance(1);
        return poison[name]?.(signal) ?? done;
      },
      { workers: 2, timeoutMilliseconds: 1000 },
    );
    // There at start, and not as urgent as what goes on.
    scene.store.replace(
      Array.from({ length: 30 }, (_, index) => aWidget(`old-${index}`)),
      '1',
    );
    for (const name of Object.keys(poison)) scene.put(name);
    for (let index = 0; index < 30; index++) scene.put(`live-${index}`);
    const sound = () => new Set(scene.begun.filter((key) => /old|live/.test(key))).size;
    for (let turn = 0; sound() < 60; turn++) {
      assert.ok(turn < 2000, `${sound()} of 60 were reconciled`);
      await settled();
    }
    for (const name of Object.keys(poison)) assert.ok(scene.begun.includes(`default/${name}`), name);
  });
});

describe('the workers', () => {
  it('are as many as asked for', async () => {
    const gate = Promise.withResolvers<void>();
    await using scene = new Scene(
      async () => {
        await gate.promise;
        return done;
      },
      { workers: 3 },
    );
    for (const name of ['a', 'b', 'c', 'd', 'e']) scene.put(name);
    await settled();
    assert.equal(scene.begun.length, 3);
    assert.equal(await scene.metric('controller_runtime_active_workers'), 3);
    assert.equal(await scene.metric('controller_runtime_max_concurrent_reconciles'), 3);
    gate.resolve();
    await settled();
    assert.equal(scene.begun.length, 5);
    assert.equal(await scene.metric('controller_runtime_active_workers'), 0);
  });

  it('let the event loop have its turn, though no reconcile waits for anything', async () => {
    let begunAtFirstTurn: number | undefined;
    await using scene = new Scene(async () => {
      // A millisecond of work.
      void scene.clock.advance(1);
      return done;
    });
    for (let index = 0; index < 100; index++) scene.put(`w${index}`);
    setImmediate(() => {
      begunAtFirstTurn = scene.begun.length;
    });
    await settled();
    assert.ok(begunAtFirstTurn !== undefined && begunAtFirstTurn < 50, `${begunAtFirstTurn} reconciles before the first turn`);
    while (scene.begun.length < 100) await settled();
  });

  it('take live changes before what was there at start', async () => {
    const clock = new FakeClock();
    const store = new ObjectStore(widgets);
    const begun: string[] = [];
    const controller: Controller = {
      name: 'priorities',
      watches: [watch(store)],
      workers: 1,
      async reconcile({ name }) {
        begun.push(name);
        return done;
      },
    };
    const runner = new ControllerRunner(controller, { clock, log: memoryLogger([]) });
    runner.start();
    store.replace([aWidget('old-1'), aWidget('old-2')], '1');
    store.put(aWidget('live', { metadata: { resourceVersion: '2' } }));
    const stop = new AbortController();
    const running = runner.run(stop.signal, new AbortController().signal);
    await settled();
    stop.abort();
    await running;
    assert.deepEqual(begun, ['live', 'old-1', 'old-2']);
  });
});

describe('stopping', () => {
  it('lets reconciles in progress finish and begins none', async () => {
    const gate = Promise.withResolvers<void>();
    await using scene = new Scene(
      async () => {
        await gate.promise;
        return done;
      },
      { workers: 1 },
    );
    scene.put('a');
    scene.put('b');
    await settled();
    let ended = false;
    void scene.running.then(() => {
      ended = true;
    });
    scene.stop.abort();
    scene.put('c');
    await settled();
    assert.equal(ended, false);
    gate.resolve();
    await scene.running;
    assert.deepEqual(scene.begun, ['default/a']);
  });

  it('by force aborts what is in progress, and calls that no failure', async () => {
    await using scene = new Scene(async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw signal.reason;
    });
    scene.put('a');
    await settled();
    scene.stop.abort();
    scene.kill.abort(new Error('the grace period is over'));
    await scene.running;
    assert.equal(await scene.metric('controller_runtime_reconcile_errors_total'), 0);
    assert.deepEqual(
      scene.lines.map(({ level }) => level),
      ['info'],
    );
  });
});

describe('metrics', () => {
  it('are there, as zeros, before anything happened', async () => {
    await using scene = new Scene(async () => done);
    for (const result of ['success', 'error', 'requeue', 'requeue_after']) {
      assert.equal(await scene.metric('controller_runtime_reconcile_total', `result="${result}"`), 0);
    }
    for (const name of [
      'reconcile_errors_total',
      'terminal_reconcile_errors_total',
      'reconcile_panics_total',
      'reconcile_timeouts_total',
    ]) {
      assert.equal(await scene.metric(`controller_runtime_${name}`), 0);
    }
    assert.equal(await scene.metric('controller_runtime_reconcile_time_seconds_count'), 0);
  });
});
