import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodObject } from '../../kserve/observation.ts';
import type { PodLogOptions } from '../../kube/client.ts';
import { KubeError } from '../../kube/errors.ts';
import { type LogSource, LogTails } from './log-tails.ts';

function aPod(restartCount: number): PodObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'iris-1', namespace: 'models', uid: 'pod-uid' },
    status: { containerStatuses: [{ name: 'kserve-container', restartCount }] },
  };
}

/** Answers with `text`, and writes down what it was asked. */
function source(text: string | KubeError): LogSource & { readonly asked: (PodLogOptions | undefined)[] } {
  const asked: (PodLogOptions | undefined)[] = [];
  return {
    asked,
    async podLogs(_key, options) {
      asked.push(options);
      if (text instanceof KubeError) throw text;
      return text;
    },
  };
}

const request = { pod: 'iris-1', container: 'kserve-container', previous: true };

describe('the tail of a log', () => {
  it('is read from the run that ended, and no more than a status can hold', async () => {
    const logs = source('Traceback');
    assert.deepEqual(await new LogTails(logs).fetch([request], [aPod(1)]), [{ ...request, text: 'Traceback' }]);
    const [options] = logs.asked;
    assert.deepEqual([options?.container, options?.previous], ['kserve-container', true]);
    assert.ok((options?.tailLines ?? Number.POSITIVE_INFINITY) <= 100 && (options?.limitBytes ?? Number.POSITIVE_INFINITY) <= 65_536);
  });
  it('is read once for each run of a container', async () => {
    const logs = source('Traceback');
    const tails = new LogTails(logs);
    for (const restarts of [1, 1, 2, 2]) await tails.fetch([request], [aPod(restarts)]);
    assert.equal(logs.asked.length, 2);
  });
  it('is left out when it cannot be read', async () => {
    const gone = source(new KubeError('NOT_FOUND', 404, 'NotFound', 'previous terminated container not found'));
    assert.deepEqual(await new LogTails(gone).fetch([request], [aPod(1)]), []);
  });
  it('is not asked for of a pod that is gone', async () => {
    const logs = source('Traceback');
    assert.deepEqual(await new LogTails(logs).fetch([request], []), []);
    assert.equal(logs.asked.length, 0);
  });
});
