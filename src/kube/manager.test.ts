import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { noLogger } from '../telemetry/logger.ts';
import { type Controller, done, type ReconcileContext } from './controller.ts';
import { LeaderElector, type Lease } from './leader-elector.ts';
import { LeadershipLostError, Manager, type ManagerOptions } from './manager.ts';
import { ObjectStore } from './object-store.ts';
import { RestClient } from './rest-client.ts';
import { aWidget, type Widget, widgets } from './testing/builders.ts';
import { CannedServer } from './testing/canned-server.ts';
import { FakeClock, settled } from './testing/fake-clock.ts';
import { watch } from './watches.ts';

/** A manager over one store of widgets, with a journal of what happened in which order. */
class Scene {
  readonly clock: FakeClock;
  readonly journal: string[] = [];
  readonly store = new ObjectStore<Widget>(widgets);
  readonly stop = new AbortController();
  readonly manager: Manager;
  readonly running: Promise<void>;

  constructor(
    options: Partial<ManagerOptions> & { readonly clock?: FakeClock } = {},
    reconcile: (context: ReconcileContext) => Promise<void> = async () => {},
  ) {
    this.clock = options.clock ?? new FakeClock();
    const controller: Controller = {
      name: 'widgets',
      watches: [watch(this.store)],
      reconcile: async ({ name }, context) => {
        this.journal.push(`reconcile ${name}`);
        await reconcile(context);
        this.journal.push(`reconciled ${name}`);
        return done;
      },
    };
    this.manager = new Manager({
      log: noLogger,
      clock: this.clock,
      cache: {
        run: async (signal) => {
          this.journal.push('caches start');
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          this.journal.push('caches stop');
        },
        hasSynced: () => this.store.hasSynced(),
        pending: () => (this.store.hasSynced() ? [] : ['Widget']),
      },
      controllers: [controller],
      events: { flush: async (signal) => void this.journal.push(signal.aborted ? 'events dropped' : 'events flushed') },
      server: { host: '127.0.0.1', port: 0 },
      ...options,
    });
    this.running = this.manager.run(this.stop.signal);
    // Whoever cares about its failure awaits it.
    this.running.catch(() => {});
  }

  /** Fills the store and waits until the manager has noticed. */
  async sync(...names: string[]): Promise<void> {
    await this.clock.timer(50);
    this.store.replace(
      names.map((name) => aWidget(name)),
      '1',
    );
    await this.clock.advance(50);
  }

  async probe(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.manager.port}${path}`);
    return { status: answer.status, text: await answer.text() };
  }
}

/** An elector whose lease lives on a canned server, which accepts every write until told otherwise. */
async function anElector(clock: FakeClock, journal: string[]) {
  const server = await CannedServer.start();
  const client = new RestClient(server.config);
  const elector = new LeaderElector({ client, lease: { namespace: 'default', name: 'lease' }, identity: 'me', clock, log: noLogger });
  const state = { holder: undefined as string | undefined, refuse: false, silentAtRelease: false };
  let version = 0;
  void (async () => {
    for (;;) {
      const request = await server.next();
      const metadata = { namespace: 'default', name: 'lease', uid: 'lease', resourceVersion: String(++version), creationTimestamp: '' };
      if (state.silentAtRelease && request.method !== 'GET' && request.body.includes('"holderIdentity":""')) continue;
      if (state.refuse) request.fail(500, 'InternalError');
      else if (request.method !== 'GET') {
        const { spec } = JSON.parse(request.body) as Lease;
        if (spec?.holderIdentity !== state.holder) journal.push(spec?.holderIdentity === '' ? 'lease released' : 'lease taken');
        state.holder = spec?.holderIdentity;
        request.json({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
      } else if (state.holder === undefined) request.fail(404, 'NotFound');
      else
        request.json({
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata,
          spec: { holderIdentity: state.holder, leaseDurationSeconds: 15 },
        });
    }
  })();
  return {
    elector,
    state,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    assert.ok(turn < 5000, 'it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe('starting', () => {
  it('goes probes, caches, controllers: nothing is reconciled before the caches have synced', async () => {
    const scene = new Scene();
    await scene.clock.timer(50);
    assert.deepEqual(scene.journal, ['caches start']);
    assert.equal((await scene.probe('/healthz')).status, 200);
    assert.deepEqual(await scene.probe('/readyz'), { status: 503, text: '[-]caches failed: waiting for Widget\n[+]shutdown ok\n' });
    await scene.sync('a');
    await settled();
    assert.deepEqual(scene.journal, ['caches start', 'reconcile a', 'reconciled a']);
    assert.equal(scene.manager.state, 'leading');
    assert.deepEqual(await scene.probe('/readyz'), { status: 200, text: 'ok' });
    assert.match(
      (await scene.probe('/metrics')).text,
      /^controller_runtime_reconcile_total\{controller="widgets",result="success"\} \d+$/m,
    );
    assert.match((await scene.probe('/metrics')).text, /^nodejs_eventloop_lag_p99_seconds/m);
    scene.stop.abort();
    await scene.running;
  });

  it('fails with the kinds that could not be read and what to look at', async () => {
    const scene = new Scene();
    for (let waited = 0; waited <= 120_000; waited += 50) await scene.clock.advance(50);
    await assert.rejects(
      scene.running,
      /could not read Widget within 120 s: are the CRDs installed, and may this service account list and watch them\?/,
    );
    assert.equal(scene.manager.state, 'stopped');
    assert.ok(scene.journal.includes('caches stop'));
  });

  it('fails when its port is taken', async () => {
    const first = new Scene();
    await first.clock.timer(50);
    const second = new Scene({ server: { host: '127.0.0.1', port: first.manager.port ?? 0 } });
    await assert.rejects(second.running, /EADDRINUSE/);
    first.stop.abort();
    await first.running;
  });

  it('can be stopped while the caches still fill', async () => {
    const scene = new Scene();
    await scene.clock.timer(50);
    scene.stop.abort();
    await scene.running;
    assert.deepEqual(scene.journal, ['caches start', 'caches stop', 'events flushed']);
  });
});

describe('stopping', () => {
  it('goes controllers, caches, probes, events, lease', async () => {
    const journal: string[] = [];
    const clock = new FakeClock();
    await using lease = await anElector(clock, journal);
    const gate = Promise.withResolvers<void>();
    const scene = new Scene({ elector: lease.elector, clock }, () => gate.promise);
    await scene.sync('a');
    await until(() => scene.journal.includes('reconcile a'));
    scene.journal.push(...journal.splice(0));
    scene.stop.abort();
    await settled();
    assert.equal(scene.manager.state, 'draining');
    assert.equal((await scene.probe('/readyz')).status, 503);
    assert.equal((await scene.probe('/healthz')).status, 200);
    scene.store.put(aWidget('b'));
    const { port } = scene.manager;
    gate.resolve();
    await scene.running;
    assert.deepEqual(clock.pending, [], 'a timer would keep the process');
    assert.deepEqual(scene.journal, ['caches start', 'reconcile a', 'lease taken', 'reconciled a', 'caches stop', 'events flushed']);
    assert.deepEqual(journal, ['lease released']);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
  });

  it('gives reconciles 30 s, then aborts them', async () => {
    const scene = new Scene({}, ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
    await scene.sync('a');
    await settled();
    scene.stop.abort();
    await scene.clock.timer(30_000);
    await scene.clock.advance(29_999);
    assert.equal(scene.manager.state, 'draining');
    await scene.clock.advance(1);
    await scene.running;
    assert.ok(!scene.journal.includes('reconciled a'));
  });

  it('does not wait for ever for a reconcile that heeds nothing', async () => {
    const scene = new Scene({}, () => new Promise(() => {}));
    await scene.sync('a');
    await settled();
    scene.stop.abort();
    await scene.clock.timer(30_000);
    await scene.clock.advance(30_000);
    await scene.clock.advance(4_000);
    await scene.running;
  });

  it('is over before the kubelet kills the pod, though nothing ends by itself', async () => {
    const clock = new FakeClock();
    await using lease = await anElector(clock, []);
    const never = (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    const scene = new Scene({ clock, elector: lease.elector, events: { flush: never } }, () => new Promise(() => {}));
    await scene.sync('a');
    await until(() => scene.journal.includes('reconcile a'));
    lease.state.silentAtRelease = true;
    const told = clock.monotonic();
    scene.stop.abort();
    let ended = false;
    void scene.running.finally(() => (ended = true)).catch(() => {});
    while (!ended && clock.monotonic() - told < 60_000) {
      await clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // terminationGracePeriodSeconds of manifests/operator.
    const took = clock.monotonic() - told;
    assert.ok(took > 35_000 && took < 45_000, `it took ${took} ms`);
  });

  it('keeps the lease renewed while it drains', async () => {
    const clock = new FakeClock();
    await using lease = await anElector(clock, []);
    const gate = Promise.withResolvers<void>();
    const scene = new Scene({ elector: lease.elector, clock }, () => gate.promise);
    await scene.sync('a');
    await until(() => scene.journal.includes('reconcile a'));
    scene.stop.abort();
    for (let elapsed = 0; elapsed < 20_000; elapsed += 2000) {
      await clock.timer(2000);
      await clock.advance(2000);
    }
    assert.equal(lease.elector.isLeader, true);
    gate.resolve();
    await scene.running;
    assert.equal(lease.state.holder, '');
  });
});

describe('with an election', () => {
  it('a standby keeps warm caches, is ready, and reconciles nothing', async () => {
    const clock = new FakeClock();
    await using lease = await anElector(clock, []);
    lease.state.holder = 'other';
    const scene = new Scene({ elector: lease.elector, clock });
    await scene.sync('a');
    await until(() => lease.elector.holder === 'other');
    assert.equal(scene.manager.state, 'standby');
    assert.equal((await scene.probe('/readyz')).status, 200);
    assert.deepEqual(scene.journal, ['caches start']);
    scene.stop.abort();
    await scene.running;
    assert.equal(lease.state.holder, 'other');
  });

  it('a leader that loses the lease aborts its reconciles at once, writes no more, and fails', async () => {
    const clock = new FakeClock();
    await using lease = await anElector(clock, []);
    const scene = new Scene(
      { elector: lease.elector, clock },
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    await scene.sync('a');
    await until(() => scene.journal.includes('reconcile a'));
    lease.state.refuse = true;
    for (let elapsed = 0; elapsed < 10_000; elapsed += 2000) {
      await clock.timer(2000);
      await clock.advance(2000);
    }
    await assert.rejects(scene.running, LeadershipLostError);
    assert.ok(!scene.journal.includes('reconciled a'));
    assert.ok(scene.journal.includes('events dropped'));
    assert.equal(lease.state.holder, 'me');
  });
});

describe('signals', () => {
  const program = `
    import { shutdownSignal } from ${JSON.stringify(import.meta.resolve('./manager.ts'))};
    const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
    const signal = shutdownSignal(quiet);
    const alive = setInterval(() => {}, 1000);
    signal.addEventListener('abort', () => console.log('draining'));
    console.log('ready');
  `;

  it('the first one asks for a drain, the second one ends the process at once', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.push(...text.trim().split('\n'));
      // Each signal in answer to what it said, so that none comes too early.
      if (text.includes('ready') || text.includes('draining')) child.kill('SIGTERM');
    });
    const [code] = await once(child, 'exit');
    assert.deepEqual(said, ['ready', 'draining']);
    assert.equal(code, 143);
  });
});
