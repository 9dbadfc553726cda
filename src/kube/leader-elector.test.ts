import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noLogger } from '../telemetry/logger.ts';
import type { KubeClient } from './client.ts';
import { LeaderElector, type LeaderElectorOptions, type Lease } from './leader-elector.ts';
import { leaderSlowPaths, leaderStatus } from './metrics.ts';
import { RestClient } from './rest-client.ts';
import { type CannedRequest, CannedServer } from './testing/canned-server.ts';
import { FakeClock } from './testing/fake-clock.ts';

const key = { namespace: 'modelwright-system', name: 'modelwright' };

/** One replica, and the answers that it gets. Time stands still unless the test moves it. */
class Scene implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly stop = new AbortController();
  readonly elector: LeaderElector;
  readonly #server: CannedServer;
  readonly #client: KubeClient;
  #version = 1;

  private constructor(server: CannedServer, options: Partial<LeaderElectorOptions>) {
    this.#server = server;
    this.#client = new RestClient(server.config);
    this.elector = new LeaderElector({
      client: this.#client,
      lease: key,
      identity: 'me',
      clock: this.clock,
      log: noLogger,
      random: () => 0,
      ...options,
    });
  }

  static async start(options: Partial<LeaderElectorOptions> = {}): Promise<Scene> {
    return new Scene(await CannedServer.start(), options);
  }

  /** The next request, which is to have this method. */
  async expect(method: string): Promise<CannedRequest> {
    const request = await this.#server.next();
    assert.equal(request.method, method);
    return request;
  }

  /** Answers a write with what it wrote. */
  async accept(method: 'POST' | 'PUT'): Promise<Lease['spec']> {
    const request = await this.expect(method);
    const written = JSON.parse(request.body) as Lease;
    request.json(this.lease(written.spec));
    return written.spec;
  }

  lease(spec: Lease['spec']): Lease {
    this.#version += 1;
    const metadata = { ...key, uid: 'lease', resourceVersion: String(this.#version), creationTimestamp: '2026-01-01T00:00:00Z' };
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: spec ?? {} };
  }

  /** Makes this replica leader of a lease that nobody had. */
  async lead(): Promise<void> {
    const acquired = this.elector.acquire(this.stop.signal);
    (await this.expect('GET')).fail(404, 'NotFound');
    await this.accept('POST');
    await acquired;
  }

  get untaken(): number {
    return this.#server.untaken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.#client.close();
    await this.#server[Symbol.asyncDispose]();
  }
}

const held = {
  holderIdentity: 'other',
  leaseDurationSeconds: 15,
  acquireTime: '2026-01-01T00:00:00.000000Z',
  renewTime: '2026-01-01T00:00:00.000000Z',
  leaseTransitions: 3,
};

describe('taking the lease', () => {
  it('that is not there makes it, with times of six digits', async () => {
    await using scene = await Scene.start();
    const acquired = scene.elector.acquire(scene.stop.signal);
    (await scene.expect('GET')).fail(404, 'NotFound');
    const spec = await scene.accept('POST');
    await acquired;
    assert.deepEqual(spec, {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    assert.equal(scene.elector.isLeader, true);
    assert.equal((await leaderStatus.get()).values[0]?.value, 1);
  });

  it('that was given back is done at once, and counted as a transition', async () => {
    await using scene = await Scene.start();
    const acquired = scene.elector.acquire(scene.stop.signal);
    (await scene.expect('GET')).json(scene.lease({ ...held, holderIdentity: '', leaseDurationSeconds: 1 }));
    const spec = await scene.accept('PUT');
    await acquired;
    assert.equal(spec?.holderIdentity, 'me');
    assert.equal(spec?.leaseTransitions, 4);
  });

  it('that is our own from an earlier life is done at once, without a transition', async () => {
    await using scene = await Scene.start();
    const acquired = scene.elector.acquire(scene.stop.signal);
    (await scene.expect('GET')).json(scene.lease({ ...held, holderIdentity: 'me' }));
    const spec = await scene.accept('PUT');
    await acquired;
    assert.equal(spec?.leaseTransitions, 3);
  });

  it('of another waits until it has not changed for its duration, by our clock, whatever its times say', async () => {
    await using scene = await Scene.start();
    const acquired = scene.elector.acquire(scene.stop.signal);
    const ancient = { ...held, renewTime: '1999-01-01T00:00:00.000000Z' };
    const lease = scene.lease(ancient);
    for (let elapsed = 0; elapsed < 15_000; elapsed += 1000) {
      (await scene.expect('GET')).json(lease);
      await scene.clock.timer(1000);
      await scene.clock.advance(1000);
    }
    // Not past the moment at which it ends.
    (await scene.expect('GET')).json(lease);
    await scene.clock.timer(1);
    await scene.clock.advance(1);
    (await scene.expect('GET')).json(lease);
    await scene.accept('PUT');
    await acquired;
    assert.equal(scene.elector.isLeader, true);
  });

  it('of another that keeps renewing goes on waiting', async () => {
    await using scene = await Scene.start();
    void scene.elector.acquire(scene.stop.signal).catch(() => {});
    for (let elapsed = 0; elapsed < 40_000; elapsed += 1000) {
      (await scene.expect('GET')).json(scene.lease({ ...held, renewTime: new Date(elapsed).toISOString() }));
      await scene.clock.timer(1000);
      await scene.clock.advance(1000);
    }
    assert.equal(scene.elector.isLeader, false);
    assert.equal(scene.elector.holder, 'other');
  });

  for (const [what, status, reason] of [
    ['another replica was quicker', 409, 'Conflict'],
    ['another replica made it', 409, 'AlreadyExists'],
    ['the server fails', 500, 'InternalError'],
  ] as const) {
    it(`waits and tries again when ${what}`, async () => {
      await using scene = await Scene.start();
      const acquired = scene.elector.acquire(scene.stop.signal);
      (await scene.expect('GET')).fail(404, 'NotFound');
      (await scene.expect('POST')).fail(status, reason);
      await scene.clock.timer(1000);
      await scene.clock.advance(1000);
      (await scene.expect('GET')).fail(404, 'NotFound');
      await scene.accept('POST');
      await acquired;
    });
  }

  it('ends when told to', async () => {
    await using scene = await Scene.start();
    const acquired = scene.elector.acquire(scene.stop.signal);
    (await scene.expect('GET')).json(scene.lease(held));
    await scene.clock.timer(1000);
    scene.stop.abort(new Error('shutting down'));
    await assert.rejects(acquired, /shutting down/);
  });
});

describe('holding the lease', () => {
  it('renews every 2 s by one write, without reading, keeping when it was acquired', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const holding = scene.elector.hold(scene.stop.signal);
    for (const second of [2, 4, 6]) {
      await scene.clock.timer(2000);
      await scene.clock.advance(2000);
      const spec = await scene.accept('PUT');
      assert.equal(spec?.renewTime, `2026-01-01T00:00:0${second}.000000Z`);
      assert.equal(spec?.acquireTime, '2026-01-01T00:00:00.000000Z');
    }
    scene.stop.abort();
    assert.equal(await holding, 'stopped');
  });

  it('names the version it saw, so that a write after a takeover fails', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    void scene.elector.hold(scene.stop.signal);
    await scene.clock.timer(2000);
    await scene.clock.advance(2000);
    const request = await scene.expect('PUT');
    assert.equal(JSON.parse(request.body).metadata.resourceVersion, '2');
    request.json(scene.lease({ ...held, holderIdentity: 'me' }));
  });

  it('reads and writes again when the quick write fails, and counts that', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    leaderSlowPaths.reset();
    void scene.elector.hold(scene.stop.signal);
    await scene.clock.timer(2000);
    await scene.clock.advance(2000);
    (await scene.expect('PUT')).fail(409, 'Conflict');
    (await scene.expect('GET')).json(scene.lease({ ...held, holderIdentity: 'me' }));
    await scene.accept('PUT');
    await scene.clock.timer(2000);
    assert.equal(scene.elector.isLeader, true);
    assert.equal((await leaderSlowPaths.get()).values[0]?.value, 1);
  });

  it('is lost at once when another holds it', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const holding = scene.elector.hold(scene.stop.signal);
    await scene.clock.timer(2000);
    await scene.clock.advance(2000);
    (await scene.expect('PUT')).fail(409, 'Conflict');
    (await scene.expect('GET')).json(scene.lease(held));
    assert.equal(await holding, 'lost');
    assert.equal(scene.elector.isLeader, false);
    assert.equal((await leaderStatus.get()).values[0]?.value, 0);
  });

  it('is lost when it could not be renewed for 10 s, before others may take it', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const holding = scene.elector.hold(scene.stop.signal);
    for (let elapsed = 2000; elapsed < 10_000; elapsed += 2000) {
      await scene.clock.timer(2000);
      await scene.clock.advance(2000);
      (await scene.expect('PUT')).fail(500, 'InternalError');
      (await scene.expect('GET')).fail(500, 'InternalError');
    }
    await scene.clock.timer(2000);
    await scene.clock.advance(2000);
    assert.equal(await holding, 'lost');
    assert.equal(scene.clock.monotonic(), 10_000);
    assert.equal(scene.untaken, 0);
  });

  it('does not wait longer than half the deadline for one answer', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const holding = scene.elector.hold(scene.stop.signal);
    await scene.clock.timer(2000);
    await scene.clock.advance(2000);
    await scene.expect('PUT');
    await scene.clock.advance(5000);
    await scene.clock.timer(2000);
    await scene.clock.advance(2000);
    await scene.accept('PUT');
    await scene.clock.timer(2000);
    assert.equal(scene.elector.isLeader, true);
    scene.stop.abort();
    assert.equal(await holding, 'stopped');
  });

  it('is over by the clock alone: after a stall it says so before anything was asked', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    assert.equal(scene.elector.isLeader, true);
    await scene.clock.advance(14_999);
    assert.equal(scene.elector.isLeader, true);
    await scene.clock.advance(1);
    assert.equal(scene.elector.isLeader, false);
  });

  it('is not renewed after a stall longer than the deadline', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    await scene.clock.advance(12_000);
    assert.equal(await scene.elector.hold(scene.stop.signal), 'lost');
    assert.equal(scene.untaken, 0);
  });
});

describe('giving the lease back', () => {
  it('writes an empty holder and one second, on the version seen', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const released = scene.elector.release();
    const spec = await scene.accept('PUT');
    await released;
    assert.equal(spec?.holderIdentity, '');
    assert.equal(spec?.leaseDurationSeconds, 1);
    assert.equal(scene.elector.isLeader, false);
  });

  it('is resolved only when the server has answered', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    let over = false;
    const released = scene.elector.release().then(() => {
      over = true;
    });
    const request = await scene.expect('PUT');
    assert.equal(over, false);
    request.json(scene.lease({}));
    await released;
  });

  it('that fails is no error: others wait for its end', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const released = scene.elector.release();
    (await scene.expect('PUT')).fail(500, 'InternalError');
    await released;
    assert.equal(scene.untaken, 0);
  });

  it('reaches a lease that was renewed by a request whose answer nobody waited for any more', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const leave = new AbortController();
    const holding = scene.elector.hold(leave.signal);
    await scene.clock.timer(2000);
    await scene.clock.advance(2000);
    const renewal = await scene.expect('PUT');
    const renewed = scene.lease((JSON.parse(renewal.body) as Lease).spec);
    leave.abort();
    assert.equal(await holding, 'stopped');
    const released = scene.elector.release();
    (await scene.expect('PUT')).fail(409, 'Conflict');
    (await scene.expect('GET')).json(renewed);
    const last = await scene.expect('PUT');
    const { metadata, spec } = JSON.parse(last.body) as Lease;
    last.json(scene.lease(spec));
    await released;
    assert.deepEqual([metadata.resourceVersion, spec?.holderIdentity], [renewed.metadata.resourceVersion, '']);
  });

  it('leaves it alone when another has it by now', async () => {
    await using scene = await Scene.start();
    await scene.lead();
    const released = scene.elector.release();
    (await scene.expect('PUT')).fail(409, 'Conflict');
    (await scene.expect('GET')).json(scene.lease(held));
    await released;
    assert.equal(scene.untaken, 0);
  });

  it('does nothing for a replica that does not lead', async () => {
    await using scene = await Scene.start();
    await scene.elector.release();
    assert.equal(scene.untaken, 0);
  });
});

describe('settings that could elect two leaders or none', () => {
  for (const [what, options] of [
    ['a lease that ends before the leader gives up', { leaseMilliseconds: 10_000 }],
    ['a deadline that one late retry exceeds', { renewDeadlineMilliseconds: 2_400 }],
    ['no identity', { identity: '' }],
  ] as const) {
    it(`are refused: ${what}`, () => {
      const client = new RestClient({
        server: 'http://127.0.0.1:1',
        namespace: 'default',
        credentials: async () => ({ headers: {}, tls: {} }),
      });
      const usual = { client, lease: key, identity: 'me', clock: new FakeClock(), log: noLogger };
      assert.throws(() => new LeaderElector({ ...usual, ...options }), RangeError);
    });
  }
});
