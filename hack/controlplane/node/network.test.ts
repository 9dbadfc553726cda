import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { releasePorts } from '../ports.ts';
import { cgroupOf } from './cgroups.ts';
import { reserveNetwork } from './network.ts';

const base = mkdtempSync(join(tmpdir(), 'modelwright-network-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('two nodes get subnets of their own, and a freed one is given again', () => {
  const folder = join(base, 'two');
  const one = reserveNetwork(folder, '/one', process.pid, []);
  const two = reserveNetwork(folder, '/two', process.pid, []);
  assert.deepEqual([one.host, one.node, one.pods], ['10.213.0.1', '10.213.0.2', '10.213.0.128/25']);
  assert.equal(two.host, '10.213.1.1');
  releasePorts(folder, process.pid);
  assert.equal(reserveNetwork(folder, '/three', process.pid, []).host, '10.213.0.1');
});

test('a subnet that this machine has a route to is left alone', () => {
  const network = reserveNetwork(join(base, 'routes'), '/one', process.pid, ['default', '10.213.0.0/24', '10.213.1.128/25']);
  assert.equal(network.host, '10.213.2.1');
});

test('names in the kernel fit and differ between instances', () => {
  const { link } = reserveNetwork(join(base, 'names'), '/some/checkout/.controlplane/default', process.pid, []);
  assert.ok(link.length <= 15, link);
  assert.notEqual(cgroupOf('/a/.controlplane/default'), cgroupOf('/b/.controlplane/default'));
});
