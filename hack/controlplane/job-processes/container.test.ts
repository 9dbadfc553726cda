import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandLine, messageFile, refusal } from './container.ts';
import type { Container, JobPod } from './pod.ts';
import { ended, running, waiting } from './status.ts';

const container: Container = {
  name: 'bench',
  image: 'modelwright:1',
  args: [
    'bench',
    'http://server:8000/var/run/x',
    '--payload',
    '/var/run/payload/a.json',
    '--at',
    '$(INDEX)/$(NOBODY)',
    '--termination',
    '/dev/termination-log',
  ],
  env: [
    { name: 'INDEX', valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } } },
    { name: 'NAME', value: 'pod-$(INDEX)' },
  ],
  volumeMounts: [{ name: 'payload', mountPath: '/var/run/payload' }],
};
const pod: JobPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', labels: { 'batch.kubernetes.io/job-completion-index': '3' } },
  spec: { containers: [container] },
};

describe('a container as a process', () => {
  it('gets its arguments with variables filled in and the paths of its mounts below the folder', () => {
    const { args, env } = commandLine(pod, container, '/tmp/x');
    assert.deepEqual(args, [
      'bench',
      'http://server:8000/var/run/x',
      '--payload',
      '/tmp/x/var/run/payload/a.json',
      '--at',
      '3/$(NOBODY)',
      '--termination',
      '/tmp/x/dev/termination-log',
    ]);
    assert.deepEqual(env, { INDEX: '3', NAME: 'pod-3' });
  });
  it('has a mount of its own at /tmp though the folder lies there', () => {
    const mounted = {
      ...container,
      args: ['--at', '/tmp/a', '--and', '/var/run/payload/b'],
      volumeMounts: [{ name: 't', mountPath: '/tmp' }, ...(container.volumeMounts ?? [])],
    };
    assert.deepEqual(commandLine(pod, mounted, '/tmp/x').args, ['--at', '/tmp/x/tmp/a', '--and', '/tmp/x/var/run/payload/b']);
  });
  it('writes its last words where the Pod says', () => {
    assert.equal(messageFile(container, '/tmp/x'), '/tmp/x/dev/termination-log');
    assert.equal(messageFile({ ...container, terminationMessagePath: '/out/last' }, '/tmp/x'), '/tmp/x/out/last');
  });
  it('is modelwright and nothing else', () => {
    assert.equal(refusal(container), undefined);
    assert.equal(refusal({ ...container, command: ['/usr/bin/modelwright'] }), undefined);
    assert.match(refusal({ ...container, command: ['/bin/sh', '-c', 'true'] }) ?? '', /not \/bin\/sh$/);
  });
});

describe('what a kubelet writes of it', () => {
  const time = '2026-11-21T10:00:00Z';
  it('says with which exit code it ended, and its last words', () => {
    const state = (status: object) => (status as { containerStatuses: [{ state: unknown }] }).containerStatuses[0].state;
    assert.deepEqual(state(ended(pod, { exitCode: 4, message: 'm', startedAt: time, finishedAt: time })), {
      terminated: { exitCode: 4, reason: 'Error', message: 'm', startedAt: time, finishedAt: time },
    });
    assert.deepEqual(state(running(pod, time)), { running: { startedAt: time } });
    assert.deepEqual(state(waiting(pod, 'CreateContainerError', 'why')), { waiting: { reason: 'CreateContainerError', message: 'why' } });
  });
  it('is Succeeded only with exit code 0', () => {
    const phase = (exitCode: number) =>
      (ended(pod, { exitCode, message: '', startedAt: time, finishedAt: time }) as { phase: string }).phase;
    assert.deepEqual([0, 1, 137].map(phase), ['Succeeded', 'Failed', 'Failed']);
  });
});
