import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allowsAddress, isAddressRange } from './addresses.ts';

describe('which addresses may be connected to', () => {
  const rows: readonly [rules: string, address: string, allowed: boolean][] = [
    ['public', '8.8.8.8', true],
    ['public', '10.1.2.3', false],
    ['public,private', '10.1.2.3', true],
    ['public,private', '172.31.0.1', true],
    ['public', '172.32.0.1', true],
    ['public,private', '192.168.1.1', true],
    ['public,private', '100.64.0.1', true],
    ['public,private', '127.0.0.1', false],
    ['public,private', '169.254.169.254', false],
    ['public,private', '0.0.0.0', false],
    ['public,private', '224.0.0.1', false],
    ['public,private', '255.255.255.255', false],
    ['public,private', '::1', false],
    ['public,private', '::', false],
    ['public,private', 'fe80::1', false],
    ['public', 'fd00::1', false],
    ['public,private', 'fd00::1', true],
    ['public', '2001:4860:4860::8888', true],
    // What a socket takes for IPv4 is judged as IPv4.
    ['public,private', '::ffff:127.0.0.1', false],
    ['public,private', '::ffff:169.254.169.254', false],
    ['public', '::ffff:10.0.0.1', false],
    ['public,private', '64:ff9b::7f00:1', false],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['169.254.0.0/16', '169.254.169.254', true],
    ['10.2.0.0/16', '10.2.9.9', true],
    ['10.2.0.0/16', '10.3.0.1', false],
    ['10.2.0.0/16', '8.8.8.8', false],
    ['fe80::/10', 'fe80::2', true],
    ['public', 'example.com', false],
  ];
  for (const [rules, address, allowed] of rows) {
    it(`${rules} ${allowed ? 'lets' : 'does not let'} ${address} through`, () => {
      assert.equal(allowsAddress(rules.split(','), address), allowed);
    });
  }

  it('knows a range from a name', () => {
    assert.deepEqual(
      ['10.0.0.0/8', '10.0.0.1', '::1', 'fd00::/8', '10.0.0.0/33', 'fd00::/129', 'example.com', '10.0.0', 'public', ''].map(isAddressRange),
      [true, true, true, true, false, false, false, false, false, false],
    );
  });

  it('never lets loopback or link-local through that nobody named', () => {
    const special = fc.oneof(
      fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map(([a, b, c]) => `127.${a}.${b}.${c}`),
      fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `169.254.${a}.${b}`),
    );
    fc.assert(
      fc.property(special, (address) => {
        assert.equal(allowsAddress(['public', 'private', '10.0.0.0/8'], address), false);
        assert.equal(allowsAddress(['public', 'private'], `::ffff:${address}`), false);
      }),
    );
  });
});
