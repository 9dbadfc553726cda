/** When a run may begin: only once the GPUs it measures are idle, so that no neighbour is in the figures. */
import { integer, object, oneOf, Type, text, time } from '../schema.ts';
import { listOfText } from './load.ts';

export const idlePolicySchema = object(
  'A run begins once its GPUs are idle: by the figures of the DCGM exporter, and where there is none, by what Pods have asked for. Without this it begins at once.',
  {
    maxUtilizationPercent: Type.Optional(
      integer('A GPU counts as idle when at most this much of it works.', { minimum: 0, maximum: 100, default: 5 }),
    ),
    maxMemoryPercent: Type.Optional(
      integer(
        'And, for a temporary copy, when at most this much of its memory is in use. Of a running service it is not looked at: its model holds memory while idle.',
        { minimum: 0, maximum: 100, default: 10 },
      ),
    ),
    stableSeconds: Type.Optional(
      integer('For how long they must have been idle. The exporter reads every 30 seconds unless told otherwise.', {
        minimum: 0,
        maximum: 3600,
        default: 60,
      }),
    ),
    waitAtMostSeconds: Type.Optional(
      integer('After how long the run is given up, with what was busy.', { minimum: 1, maximum: 604_800, default: 3600 }),
    ),
  },
);

export const idleJudgements = ['Utilization', 'Allocation'] as const;

export const idleStatusSchema = object('How the wait for idle GPUs goes, of a run that has spec.idlePolicy.', {
  runId: text('The run that waits or waited.', 32),
  hardware: Type.Optional(text('Entry of the hardware whose copy waits (mode Dedicated).', 63)),
  state: oneOf('Waiting; Idle: the run went on; GaveUp: it ended unmeasured.', ['Waiting', 'Idle', 'GaveUp']),
  judgedBy: Type.Optional(
    oneOf('Utilization: by the DCGM exporter. Allocation: by what Pods have asked for, where no exporter tells.', idleJudgements),
  ),
  waitingSince: time('When it began to wait.'),
  idleSince: Type.Optional(time('Since when all of the GPUs have been idle; absent while one is busy.')),
  busy: Type.Optional(listOfText('What is busy, with its figures and Pods.', 512, 16)),
});
