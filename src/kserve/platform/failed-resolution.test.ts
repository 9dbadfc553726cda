import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { causeAfterAsking, failedResolutionOf, nextTryTime, type RegistryWord } from './failed-resolution.ts';

function revision(message: string, reason = 'ContainerMissing') {
  const condition = { type: 'ContainerHealthy', status: 'False' as const, reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' };
  return { apiVersion: 'serving.knative.dev/v1', kind: 'Revision', metadata: { name: 'r' }, status: { conditions: [condition] } };
}
const failed = (image: string, words: string) => revision(`Unable to fetch image "${image}": failed to resolve image to digest: ${words}`);

describe('a Revision whose tag could not be resolved', () => {
  const rows = [
    ['nvcr.io/x:1', 'Get "https://nvcr.io/v2/": dial tcp: lookup nvcr.io on 10.0.0.1:53: no such host', 'nvcr.io', /DNS does not know/],
    [
      'tensorflow/serving:9',
      'HEAD https://index.docker.io/v2/tensorflow/serving/manifests/9: unexpected status code 404 Not Found',
      'index.docker.io',
      /no such image or tag/,
    ],
    ['r:5000/x:1', 'unexpected status code 401 Unauthorized (HEAD responses have no body)', 'r:5000', /wants credentials/],
    [
      'r.io/x:1',
      'Get "https://r.io/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
      'r.io',
      /certificate/,
    ],
    ['r.io/x:1', 'Get "https://r.io/v2/": context deadline exceeded', 'r.io', /did not answer in time/],
    ['r.io/x:1', 'unexpected status code 429 Too Many Requests', 'r.io', /how often/],
    ['r.io/x:1', 'something else with ?sig=abc', 'r.io', /^something else/],
  ] as const;
  for (const [image, words, registry, cause] of rows) {
    it(`says of "${words.slice(0, 50)}…" what it is`, () => {
      const found = failedResolutionOf(failed(image, words));
      assert.equal(found?.image, image);
      assert.equal(found.registry, registry);
      assert.match(found.cause, cause);
    });
  }

  it('is told from one that fails otherwise', () => {
    assert.equal(failedResolutionOf(revision('Container failed with: exit 1', 'ExitCode1')), undefined);
    assert.equal(failedResolutionOf(revision('Unable to fetch image "a/b": back-off pulling')), undefined);
  });

  it('is tried again after 1, 3, 7 … seconds', () => {
    const created = '2026-01-01T00:00:00Z';
    const after = (seconds: number) => nextTryTime(created, Date.parse(created) + seconds * 1000);
    assert.deepEqual([0, 1, 3.5, 600].map(after), [
      '2026-01-01T00:00:01Z',
      '2026-01-01T00:00:03Z',
      '2026-01-01T00:00:07Z',
      '2026-01-01T00:17:03Z',
    ]);
  });
});

describe('the cause, once the registry was asked too', () => {
  const after = (words: string, word: RegistryWord | undefined) => {
    const failure = failedResolutionOf(failed('r.io/a/x:1', words));
    assert.ok(failure);
    return causeAfterAsking(failure, word);
  };
  const [denied, unknown] = ['unexpected status code 401 Unauthorized', 'something else'];
  const says = (cause: 'NoSuchTag' | 'Unauthorized' | 'DNS') => ({ kind: 'Failed', cause, message: `r.io says ${cause}` }) as const;
  const rows: readonly [what: string, words: string, word: RegistryWord | undefined, reason: string | undefined, cause: RegExp][] = [
    ['nothing yet: what Knative says', denied, undefined, 'Unauthorized', /wants credentials/],
    [
      'that there is no such tag: that is final',
      denied,
      says('NoSuchTag'),
      'NoSuchTag',
      /^r\.io says NoSuchTag, so the pods could not pull it either/,
    ],
    ['something of our own place: what Knative says counts', denied, says('DNS'), 'Unauthorized', /wants credentials/],
    ['something, and Knative nothing: ours', unknown, says('Unauthorized'), 'Unauthorized', /^r\.io says Unauthorized/],
    [
      'that it is there, and Knative lacks credentials',
      denied,
      { kind: 'Found' },
      'Unauthorized',
      /wants credentials.*the operator itself finds the image/,
    ],
    ['that it is there by now', 'unexpected status code 404 Not Found', { kind: 'Found' }, 'Found', /has the image now/],
  ];
  for (const [what, words, word, reason, cause] of rows) {
    it(`says ${what}`, () => {
      const found = after(words, word);
      assert.equal(found.reason, reason);
      assert.match(found.cause, cause);
    });
  }
});
