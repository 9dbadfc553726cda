import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { credentialsFor, readPullSecret } from './credentials.ts';

const base64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
const entry = (username: string) => ({ auth: base64(`${username}:pass:word`) });

describe('a pull secret', () => {
  it('is read in both of its forms', () => {
    const auths = { 'registry.example:5000': entry('robot') };
    for (const data of [{ '.dockerconfigjson': base64({ auths }) }, { '.dockercfg': base64(auths) }]) {
      const secret = readPullSecret(data);
      assert.deepEqual(secret && credentialsFor(secret, 'registry.example:5000', 'a'), { username: 'robot', password: 'pass:word' });
    }
  });

  it('may give name and password apart, or a refresh token', () => {
    const auths = { 'a.io': { username: 'u', password: 'p' }, 'b.io': { ...entry('u'), identitytoken: 'refresh' } };
    const secret = readPullSecret({ '.dockerconfigjson': base64({ auths }) });
    assert.deepEqual(secret?.get('a.io'), { username: 'u', password: 'p' });
    assert.equal(secret?.get('b.io')?.identityToken, 'refresh');
  });

  it('is none where its content is something else', () => {
    for (const data of [{}, { '.dockerconfigjson': base64('{') }, { '.dockerconfigjson': base64({}) }, { '.dockercfg': base64('[]') }]) {
      assert.equal(readPullSecret(data), undefined);
    }
  });
});

describe('the credentials for a repository', () => {
  const names = [
    'registry.example',
    'registry.example/team',
    'registry.example/team/app',
    '*.gcr.io',
    'https://index.docker.io/v1/',
    'port.example:5000',
  ];
  const secret = readPullSecret({
    '.dockerconfigjson': base64({ auths: Object.fromEntries(names.map((name, at) => [name, entry(String(at))])) }),
  });
  const table: readonly [host: string, repository: string, expected: string | undefined][] = [
    ['registry.example', 'other/app', 'registry.example'],
    ['registry.example', 'team/tool', 'registry.example/team'],
    ['registry.example', 'team/app', 'registry.example/team/app'],
    ['registry.example', 'team-two/app', 'registry.example'],
    ['registry.example:5000', 'team/app', undefined],
    ['port.example:5000', 'a', 'port.example:5000'],
    ['port.example', 'a', undefined],
    ['eu.gcr.io', 'a', '*.gcr.io'],
    ['gcr.io', 'a', undefined],
    ['a.b.gcr.io', 'a', undefined],
    ['docker.io', 'library/nginx', 'https://index.docker.io/v1/'],
    ['evil-registry.example', 'a', undefined],
  ];
  for (const [host, repository, expected] of table) {
    it(`${host}/${repository}: ${expected ?? 'none'}`, () =>
      assert.equal(names[Number(secret && credentialsFor(secret, host, repository)?.username)], expected));
  }
});
