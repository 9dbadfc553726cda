import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from './challenge.ts';

it('reads the challenges that registries send', () => {
  assert.deepEqual(
    parseChallenges('Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'),
    [
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
      },
    ],
  );
  assert.deepEqual(parseChallenges('Basic realm="a \\"quoted\\" realm", Bearer realm=https://x/y , service=z'), [
    { scheme: 'basic', parameters: { realm: 'a "quoted" realm' } },
    { scheme: 'bearer', parameters: { realm: 'https://x/y', service: 'z' } },
  ]);
  assert.deepEqual(parseChallenges('Negotiate, BASIC Realm="r"'), [
    { scheme: 'negotiate', parameters: {} },
    { scheme: 'basic', parameters: { realm: 'r' } },
  ]);
});

it('comes to an end whatever it is given', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '=', '"', ' ', ',', '\\', '-') }), (text) => void parseChallenges(text)));
  assert.deepEqual(parseChallenges(''), []);
  assert.deepEqual(parseChallenges('"'), []);
});
