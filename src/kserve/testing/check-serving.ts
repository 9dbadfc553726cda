/** Rows of the tables that test `readServing`, and the states of pods that they are made of. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ContainerStatus, Observation } from '../observation.ts';
import { readServing } from '../read-status.ts';
import { condition, deploymentOf, observe, pod, waitingService } from './observed.ts';

export interface Expected {
  readonly state: string;
  readonly reason: string;
  readonly stage?: string;
  readonly message?: RegExp;
  readonly loading?: string;
  readonly previousServes?: boolean;
}

/** One row: what is observed, and what must be read from it. */
export function check(name: string, observation: Observation, expected: Expected): void {
  it(`${name}: ${expected.state}, ${expected.reason}`, () => {
    const serving = readServing(observation);
    assert.deepEqual(
      { state: serving.state, reason: serving.reason, stage: serving.cause?.stage, previousServes: serving.previousServes },
      { state: expected.state, reason: expected.reason, stage: expected.stage, previousServes: expected.previousServes ?? false },
      serving.message,
    );
    if (expected.message !== undefined) assert.match(serving.message, expected.message);
    if (expected.loading !== undefined) assert.equal(`${serving.loading.state} ${serving.loading.summary}`, expected.loading);
  });
}

export const waiting = (reason: string, message?: string): Partial<ContainerStatus> => ({
  state: { waiting: { reason, ...(message !== undefined && { message }) } },
});
export const ended = (exitCode: number, reason: string, message?: string) => ({
  exitCode,
  reason,
  ...(message !== undefined && { message }),
});
export const crashLoop = (exitCode: number, reason: string, message?: string): Partial<ContainerStatus> => ({
  restartCount: 3,
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } },
  lastState: { terminated: ended(exitCode, reason, message) },
});
export const unschedulable = (message: string) => [condition('PodScheduled', 'False', 'Unschedulable', message)];
export const noGpu = `0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.`;
export const failedLoad = { transitionStatus: 'BlockedByFailedLoad', states: { targetModelState: 'FailedToLoad' } };
export const notAvailable = { available: 0, conditions: [condition('Available', 'False', 'MinimumReplicasUnavailable')] };

export const first = (
  main: Partial<ContainerStatus> | undefined,
  more: Partial<Observation> = {},
  init?: Partial<ContainerStatus>,
): Observation =>
  observe({
    inferenceService: waitingService(),
    pods: [pod({ ...(main && { main }), ...(init && { init }), ready: false })],
    deployments: [deploymentOf(notAvailable)],
    ...more,
  });
