import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KubeError } from '../../kube/errors.ts';
import { writeFailureOf } from './failure.ts';

describe('a failed write', () => {
  const cases: readonly [string, unknown, ReturnType<typeof writeFailureOf>][] = [
    [
      'that KServe refused says so in its words',
      new KubeError(
        'FORBIDDEN',
        403,
        'Forbidden',
        'admission webhook "inferenceservice.kserve-webhook-server.validator" denied the request: no such mode',
      ),
      { kind: 'Refused', message: 'KServe refused the InferenceService: no such mode' },
    ],
    [
      'that another webhook refused names it',
      new KubeError('HTTP_400', 400, '', 'admission webhook "policy.example.com" denied the request: no'),
      { kind: 'Refused', message: 'The admission webhook policy.example.com refused the InferenceService: no' },
    ],
    [
      'for want of permission is a refusal',
      new KubeError('FORBIDDEN', 403, 'Forbidden', 'User "x" cannot patch resource'),
      { kind: 'Refused', message: 'The API server refused the InferenceService: User "x" cannot patch resource' },
    ],
    [
      'for want of an answer may be tried again',
      new KubeError('INTERNAL_ERROR', 500, 'InternalError', 'failed calling webhook'),
      { kind: 'Unavailable', message: 'The InferenceService could not be written, trying again: failed calling webhook' },
    ],
    ['by a conflict is for a fresh reading to resolve', new KubeError('CONFLICT', 409, 'Conflict', 'changed'), undefined],
    ['by a defect of ours is not the cluster’s', new TypeError('x is undefined'), undefined],
  ];
  for (const [name, error, expected] of cases) it(name, () => assert.deepEqual(writeFailureOf(error), expected));
});
