import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostMatcher, hostRules } from './host-list.ts';

const may = hostMatcher(['models.example.com', 'models.example.com:8443', '*.blob.core.windows.net']);

for (const host of [
  'models.example.com',
  'MODELS.example.com',
  'models.example.com:8443',
  'team.blob.core.windows.net',
  'a.b.blob.core.windows.net',
]) {
  it(`allows ${host}`, () => assert.equal(may(host), true));
}
for (const host of [
  'example.com',
  'models.example.com:80',
  'evil-models.example.com',
  'models.example.com.evil.org',
  'blob.core.windows.net',
  '.blob.core.windows.net',
  'evilblob.core.windows.net',
  'team.blob.core.windows.net:8443',
  '169.254.169.254',
  '',
]) {
  it(`does not allow "${host}"`, () => assert.equal(may(host), false));
}
it('allows nothing where nothing is listed', () => assert.equal(hostMatcher([])('models.example.com'), false));

describe('what a host may resolve to', () => {
  const rules = hostRules(['models.example.com', '10.1.2.3:8080', '[::1]:8080', '127.0.0.1', '*.blob.core.windows.net']);
  for (const [host, expected] of [
    ['models.example.com', ['public', 'private']],
    ['team.blob.core.windows.net', ['public']],
    ['10.1.2.3:8080', ['10.1.2.3']],
    ['[::1]:8080', ['::1']],
    ['127.0.0.1', ['127.0.0.1']],
    ['10.1.2.3', undefined],
    ['elsewhere.example.com', undefined],
  ] as const) {
    it(`${host}: ${expected?.join(', ') ?? 'nothing is read from it'}`, () => assert.deepEqual(rules(host), expected));
  }
});
