import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classOf, guardedLookup, isPermitted } from './address.ts';
import { RegistryError } from './error.ts';

describe('an address', () => {
  const table: Readonly<Record<ReturnType<typeof classOf>, readonly string[]>> = {
    Public: ['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'],
    Private: [
      '10.1.2.3',
      '127.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '::1',
      'fd00::1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::a00:1',
    ],
    Never: [
      '169.254.169.254',
      '0.0.0.0',
      '255.255.255.255',
      '224.0.0.1',
      '::',
      'fe80::1%eth0',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      'no address',
    ],
  };
  for (const [kind, addresses] of Object.entries(table)) {
    for (const address of addresses) it(`${address} is ${kind}`, () => assert.equal(classOf(address), kind));
  }

  it('that is private may be asked where an administrator named it, a link-local one never', () => {
    assert.equal(isPermitted('10.0.0.1', true), true);
    assert.equal(isPermitted('10.0.0.1', false), false);
    assert.equal(isPermitted('169.254.169.254', true), false);
  });
});

describe('the lookup of a connection', () => {
  const looked = (hostname: string, mayBePrivate: boolean, all: boolean) =>
    new Promise<unknown>((done, fail) =>
      guardedLookup(mayBePrivate)(hostname, { all }, (error, address) => (error ? fail(error) : done(address))),
    );

  it('gives what is permitted, in both forms that sockets ask for', async () => {
    const list = (await looked('localhost', true, true)) as { address: string }[];
    assert.ok(list.every(({ address }) => address === '127.0.0.1' || address === '::1') && list.length > 0);
    assert.match(String(await looked('localhost', true, false)), /^(127\.0\.0\.1|::1)$/);
  });

  it('refuses a name that leads to what is not', async () => {
    await assert.rejects(looked('localhost', false, true), (error) => error instanceof RegistryError && error.code === 'HostRefused');
  });

  it('says so when DNS does not know a name', async () => {
    await assert.rejects(looked('no-such-host.invalid', true, true), ({ code }: { code: string }) => /^(ENOTFOUND|EAI_AGAIN)$/.test(code));
  });
});
