import assert from 'node:assert/strict';
import { it } from 'node:test';
import { apiHost, canonicalHost, isSound, parseReference } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

const table: readonly [image: string, expected: object][] = [
  ['nginx', { host: 'docker.io', repository: 'library/nginx' }],
  ['nginx:1.2', { host: 'docker.io', repository: 'library/nginx', tag: '1.2' }],
  ['tensorflow/serving:2.6.2', { host: 'docker.io', repository: 'tensorflow/serving', tag: '2.6.2' }],
  ['index.docker.io/nginx', { host: 'docker.io', repository: 'library/nginx' }],
  ['nvcr.io/nvidia/tritonserver:20.10-py3', { host: 'nvcr.io', repository: 'nvidia/tritonserver', tag: '20.10-py3' }],
  ['Registry:5000/a', { host: 'registry:5000', repository: 'a' }],
  ['localhost/a:1', { host: 'localhost', repository: 'a', tag: '1' }],
  [`host:5000/a/b:1@${digest}`, { host: 'host:5000', repository: 'a/b', tag: '1', digest }],
  [`a/b@${digest}`, { host: 'docker.io', repository: 'a/b', digest }],
];
for (const [image, expected] of table) it(`reads ${image}`, () => assert.deepEqual(parseReference(image), expected));

it('knows Docker Hub by every name, and asks the server behind it', () => {
  for (const name of ['docker.io', 'INDEX.docker.io', 'registry-1.docker.io']) assert.equal(canonicalHost(name), 'docker.io');
  assert.equal(apiHost('docker.io'), 'registry-1.docker.io');
  assert.equal(apiHost('nvcr.io'), 'nvcr.io');
});

it('is sound only where no request could go astray', () => {
  for (const image of ['nginx', 'host:5000/a_b/c--d__e.f:T_1.x', `[::1]:5000/a@${digest}`])
    assert.ok(isSound(parseReference(image)), image);
  const astray = [
    'r.io/../x',
    'r.io/a/..',
    'r.io/a//b',
    'r.io/A',
    'r.io/a?x',
    'r.io/a:b?c',
    'r.io/a%2fb',
    'r.io/a@sha256:12',
    'u@r.io/a',
    'r.io:x/a',
    'r.io/',
  ];
  for (const image of astray) assert.equal(isSound(parseReference(image)), false, image);
});
