import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  errorFromStatus,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isInvalid,
  isNotFound,
  isResourceAbsent,
  isTooLargeResourceVersion,
  isTooManyRequests,
  isTransient,
  isUnauthorized,
  KubeError,
  toError,
} from './errors.ts';

describe('an error from a Status', () => {
  it('has the server’s words, a stable code, causes and the wait it asks for', () => {
    const causes = [{ reason: 'FieldValueInvalid', message: 'must be positive', field: 'spec.size' }];
    const error = errorFromStatus(
      { code: 422, reason: 'Invalid', message: 'Widget "a" is invalid', details: { causes, retryAfterSeconds: 3 } },
      422,
    );
    assert.equal(error.code, 'INVALID');
    assert.equal(error.status, 422);
    assert.equal(error.reason, 'Invalid');
    assert.equal(error.message, 'Widget "a" is invalid');
    assert.equal(error.retryAfterMilliseconds, 3000);
    assert.deepEqual(error.causes, causes);
  });

  it('without a reason is named by its status', () => assert.equal(errorFromStatus({}, 502).code, 'HTTP_502'));
  it('of several words gets underscores', () =>
    assert.equal(errorFromStatus({ reason: 'TooManyRequests' }, 429).code, 'TOO_MANY_REQUESTS'));
});

describe('what an error is', () => {
  const predicates = {
    isAlreadyExists,
    isConflict,
    isExpired,
    isForbidden,
    isInvalid,
    isNotFound,
    isResourceAbsent,
    isTooLargeResourceVersion,
    isTooManyRequests,
    isTransient,
    isUnauthorized,
  };
  const of = (status: number, reason: string, message = '') => errorFromStatus({ code: status, reason, message }, status);
  for (const [what, error, expected] of [
    ['404 of an object', of(404, 'NotFound', 'widgets "a" not found'), ['isNotFound']],
    ['404 of a resource', of(404, 'NotFound', 'the server could not find the requested resource'), ['isNotFound', 'isResourceAbsent']],
    ['404 of a group', of(404, ''), ['isNotFound', 'isResourceAbsent']],
    ['409 of a name', of(409, 'AlreadyExists'), ['isAlreadyExists']],
    ['409 of a version', of(409, 'Conflict'), ['isConflict']],
    ['422 of a uid', errorFromStatus({ reason: 'Invalid', details: { causes: [{ field: 'metadata.uid' }] } }, 422), ['isConflict']],
    ['410', of(410, 'Expired'), ['isExpired']],
    ['401', of(401, 'Unauthorized'), ['isUnauthorized']],
    ['403', of(403, 'Forbidden'), ['isForbidden']],
    ['422', of(422, 'Invalid'), ['isInvalid']],
    ['429', of(429, 'TooManyRequests'), ['isTooManyRequests', 'isTransient']],
    ['500', of(500, 'InternalError'), ['isTransient']],
    [
      '504 of a version to come',
      of(504, 'Timeout', 'Too large resource version: 9, current: 5'),
      ['isTooLargeResourceVersion', 'isTransient'],
    ],
    ['no answer', new KubeError('NETWORK', 0, '', 'no answer'), ['isTransient']],
    ['an error of another kind', new Error('404'), []],
    ['no error at all', undefined, []],
  ] as const) {
    it(`${what}: ${expected.join(', ') || 'nothing of these'}`, () => {
      const found = Object.entries(predicates).flatMap(([name, predicate]) => (predicate(error) ? [name] : []));
      assert.deepEqual(found, [...expected]);
    });
  }

  it('a version to come is also told by its cause, as older servers do', () => {
    const error = errorFromStatus({ details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } }, 504);
    assert.ok(isTooLargeResourceVersion(error));
  });
});

describe('anything thrown', () => {
  it('becomes an Error, and one stays what it is', () => {
    const error = new Error('x');
    assert.equal(toError(error), error);
    assert.equal(toError('text').message, 'text');
  });
});
