import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readUnschedulable } from './scheduling.ts';

describe("the scheduler's words", () => {
  const table: readonly [string, readonly string[], RegExp][] = [
    [
      '0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
      ['nvidia.com/gpu'],
      /spec\.gpu\.count/,
    ],
    ['0/3 nodes are available: 1 Insufficient memory, 2 Insufficient cpu.', ['memory', 'cpu'], /more free memory.*more free cpu/],
    [
      "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/2 nodes.",
      [],
      /spec\.scheduling\.nodeSelector/,
    ],
    ['0/2 nodes are available: 2 node(s) had untolerated taint {nvidia.com/gpu: present}.', [], /spec\.scheduling\.tolerations/],
    ['0/1 nodes are available: 1 node(s) were unschedulable.', [], /uncordon/],
    ['0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.', [], /PersistentVolumeClaim/],
    ['0/1 nodes are available: persistentvolumeclaim "models" not found.', [], /PersistentVolumeClaim/],
    ['0/1 nodes are available: 1 Too many pods.', [], /add a node/],
    ['no nodes available to schedule pods', [], /add a node that fits/],
    ['', [], /add a node that fits/],
  ];
  for (const [message, insufficient, remedy] of table) {
    it(message || '(nothing)', () => {
      const read = readUnschedulable(message);
      assert.deepEqual(read.insufficient, insufficient);
      assert.match(read.remedy, remedy);
    });
  }
});
