/** Archives come from the hosts of the list and from nowhere else: by no redirect, no other spelling of an address, and no name that leads elsewhere. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type HostRules, hostRules } from '../../src/models/host-list.ts';
import { fetchModel } from '../../src/packaging/fetch.ts';
import { openHttp } from '../../src/packaging/remote/http.ts';

const retry = { attempts: 1, delayMilliseconds: 1, maxDelayMilliseconds: 1, timeoutMilliseconds: 10_000 };

describe('reading archives', { timeout: 120_000 }, () => {
  /** Allowed by its address; where it sends one is up to each test. */
  let allowed: Server;
  let host: string;
  let location: string | undefined;
  /** What must never be reached: on the loopback interface, at the usual port. */
  let sentinel: Server;
  let secret: string;
  let reached: string[];
  let work: string;
  /** Where names lead, one answer after the other, the last one for good. */
  let names: Record<string, string[]>;
  const realLookup = dns.lookup;

  before(async () => {
    allowed = createServer((_, response) => {
      if (location === undefined) response.writeHead(200, { 'content-length': 2, connection: 'close' }).end('no');
      else response.writeHead(302, { location, connection: 'close' }).end();
    });
    await new Promise<void>((resolve) => allowed.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(allowed.address() as AddressInfo).port}`;
    // An address of this test's own, so that nothing else is at its port.
    secret = `127.${1 + (process.pid % 200)}.${1 + Math.floor(Math.random() * 250)}.78`;
    sentinel = createServer((request, response) => {
      reached.push(`${request.headers.host}${request.url}`);
      response.end('secret');
    });
    await new Promise<void>((resolve, reject) => sentinel.once('error', reject).listen(80, secret, resolve));
    dns.lookup = ((name: string, options: unknown, callback?: unknown) => {
      const answers = names[name];
      if (answers === undefined) return (realLookup as unknown as (...all: unknown[]) => void)(name, options, callback);
      const address = answers.length > 1 ? answers.shift() : answers[0];
      const done = (typeof options === 'function' ? options : callback) as (error: null, found: unknown, family?: number) => void;
      const all = typeof options === 'object' && options !== null && 'all' in options && options.all === true;
      return process.nextTick(() => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)));
    }) as unknown as typeof dns.lookup;
  });
  after(async () => {
    dns.lookup = realLookup;
    for (const server of [allowed, sentinel]) {
      server?.closeAllConnections();
      await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
    }
  });
  beforeEach(async () => {
    reached = [];
    names = {};
    location = undefined;
    work = await mkdtemp(join(tmpdir(), 'modelwright-hosts-'));
  });
  afterEach(() => rm(work, { recursive: true, force: true }));

  const read = (url: string, list: readonly string[]) =>
    fetchModel(url, join(work, 'content'), { settings: async () => undefined, retry, sha256: '0'.repeat(64), hosts: hostRules(list) });

  async function refused(reading: Promise<unknown>, words: RegExp): Promise<void> {
    await assert.rejects(reading, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'AccessDenied', error.message);
      assert.match(error.message, words);
      return true;
    });
    assert.deepEqual(reached, []);
  }

  for (const list of [['models.example.com'], ['*.example.com']]) {
    it(`a name of ${list} that leads to the loopback interface is not connected to`, async () => {
      names = { 'models.example.com': [secret] };
      await refused(read('http://models.example.com/model.zip', list), /is the address 127\.[\d.]+, which may not be read from/);
    });
    it(`a name of ${list} that leads to where nodes keep their metadata is not connected to`, async () => {
      names = { 'models.example.com': ['169.254.169.254'] };
      await refused(read('http://models.example.com/model.zip', list), /is the address 169\.254\.169\.254, which may not be read from/);
    });
  }

  it('a name below a star has no private address', async () => {
    names = { 'models.example.com': ['10.96.0.1'] };
    await refused(
      read('http://models.example.com/model.zip', ['*.example.com']),
      /is the address 10\.96\.0\.1, which may not be read from/,
    );
  });

  it('a redirect to a host of the list is followed only to where its name may lead', async () => {
    location = 'http://inner.example.com/model.zip';
    names = { 'inner.example.com': [secret] };
    await refused(read(`http://${host}/model.zip`, [host, '*.example.com']), /leads to inner\.example\.com, which is the address 127\./);
  });

  it('a name that leads elsewhere the second time is not followed there', async () => {
    const rules: HostRules = (asked) => (asked === `models.example.com:${host.split(':')[1]}` ? ['127.0.0.1'] : undefined);
    names = { 'models.example.com': ['127.0.0.1', secret] };
    const remote = await openHttp(`http://models.example.com:${host.split(':')[1]}/model.zip`, {}, retry, undefined, rules);
    await refused(remote.stream()[Symbol.asyncIterator]().next(), /is the address 127\./);
  });

  describe('is not led to what is not listed, however that is written', () => {
    const spellings = () => {
      const [, b = 0, c = 0, d = 0] = secret.split('.').map(Number);
      const number = ((127 << 24) | (b << 16) | (c << 8) | d) >>> 0;
      const hex = (value: number) => value.toString(16).padStart(2, '0');
      const octal = (value: number) => `0${value.toString(8)}`;
      return [
        secret,
        String(number),
        `0x${number.toString(16)}`,
        `0x7f.0x${hex(b)}.0x${hex(c)}.0x${hex(d)}`,
        [127, b, c, d].map(octal).join('.'),
        `127.${b}.${c * 256 + d}`,
        `127.${b * 65_536 + c * 256 + d}`,
        `${secret}.`,
        `[::ffff:${secret}]`,
        `[::ffff:7f${hex(b)}:${hex(c)}${hex(d)}]`,
        `%EF%BC%91%EF%BC%92%EF%BC%97.${b}.${c}.${d}`,
        `${secret}:80`,
        `${host}@${secret}`,
        `models.example.com@${secret}`,
        `models.example.com:x@${secret}`,
        'models.example.com.evil.test',
        'evilmodels.example.com',
        'models.example.com:8080',
        'localhost',
      ];
    };
    it('in a redirect', async () => {
      names = { 'models.example.com.evil.test': ['127.0.0.1'], 'evilmodels.example.com': ['127.0.0.1'] };
      for (const spelling of spellings()) {
        location = `http://${spelling}/model.zip`;
        await refused(read(`http://${host}/model.zip`, [host, 'models.example.com']), /is not among the hosts that may be read from/);
      }
    });
    it('as the address itself', async () => {
      for (const spelling of spellings()) {
        const error = await read(`http://${spelling}/model.zip`, ['models.example.com']).then(
          () => undefined,
          (reason: Error & { code?: string }) => reason,
        );
        assert.ok(['AccessDenied', 'InvalidArgument'].includes(error?.code ?? ''), `${spelling}: ${error?.message}`);
      }
      assert.deepEqual(reached, []);
    });
  });

  it('reaches the sentinel where it is listed by its address: the rules, not the network, keep the others from it', async () => {
    location = `http://${secret}/model.zip`;
    await assert.rejects(read(`http://${host}/model.zip`, [host, secret]));
    assert.ok(reached.length > 0);
  });
});
