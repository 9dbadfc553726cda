import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hostMatcher } from './host-list.ts';

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
