import assert from 'node:assert/strict';
import { it } from 'node:test';
import { remedyForPull, skipListName } from './image-failure.ts';

it('Docker Hub is index.docker.io to Knative', () => {
  assert.deepEqual(['nginx', 'docker.io/x/y:1', 'nvcr.io/x:1', 'host:5000/x'].map(skipListName), [
    'index.docker.io',
    'index.docker.io',
    'nvcr.io',
    'host:5000',
  ]);
});

const image = 'registry.example:5000/team/server:1';
const remedies: readonly [said: string, remedy: RegExp][] = [
  [`${image}: not found`, /tag or image does not exist: correct spec\.runtime\.version/],
  ['pull access denied, repository does not exist or may require authorization', /registry\.example:5000 wants credentials/],
  ['toomanyrequests: You have reached your pull rate limit', /limits anonymous pulls/],
  ['dial tcp: lookup registry.example: no such host', /cannot reach registry\.example:5000/],
  ['write /var/lib/containerd: no space left on device', /out of disk space/],
  ['no match for platform in manifest', /CPU architecture/],
  ['couldn’t parse image name: invalid reference format', /image name is not valid/],
  ['something else', /check spec\.runtime\.version/],
];
for (const [said, remedy] of remedies)
  it(`what to do about "${said}"`, () => assert.match(remedyForPull(said, image, 'spec.runtime.version'), remedy));
