/** How a ModelProfile loads its target: the settings it goes through, how long, what counts as good, and what it may cost. */

import { integer, list, object, oneOf, Type, text } from '../schema.ts';
import { percentPattern } from './accuracy.ts';
import { hardwareSchema, hardwareSelectionSchema, runtimesSchema } from './dedicated.ts';
import { scenarioSchema } from './scenario.ts';

/** Most points of one sweep: bounds the status object (under 1 KB a point; etcd takes 1.5 MB). */
export const maximumPoints = 256;

/** The ways to say how the target is loaded: a sweep has exactly one of them. */
export const sweepLoads = ['concurrency', 'requestsPerSecond', 'search', 'scenario'] as const;

const levels = (description: string, maximum: number) =>
  Type.Array(integer('A level.', { minimum: 1, maximum }), { description, minItems: 1, maxItems: 64, 'x-kubernetes-list-type': 'set' });

export const sweepSchema = object('Which settings are measured: every batch size with every level of load.', {
  batchSizes: Type.Optional(levels('Samples in one request. Omitted: 1; of the scenario MultiStream 8.', 65_536)),
  concurrency: Type.Optional(levels('Closed loop: requests at once; the next is sent when one has come back.', 4096)),
  requestsPerSecond: Type.Optional(
    levels('Open loop: requests sent per second, whatever comes back. Their latency counts from when each was due.', 1_000_000),
  ),
  arrivals: Type.Optional(
    oneOf('Open loop: whether requests come evenly (Constant) or as independent users send them (Poisson).', ['Poisson', 'Constant'], {
      default: 'Poisson',
    }),
  ),
  search: Type.Optional(
    object('Finds, for each batch size, the largest level within the objective: doubling, then halving the gap.', {
      for: oneOf('What is raised.', ['Concurrency', 'RequestsPerSecond']),
      start: Type.Optional(integer('First level.', { minimum: 1, maximum: 1_000_000, default: 1 })),
      maximum: integer('Largest level.', { minimum: 1, maximum: 1_000_000 }),
      tolerancePercent: Type.Optional(integer('How close the search comes.', { minimum: 1, maximum: 50, default: 5 })),
    }),
  ),
  scenario: Type.Optional(scenarioSchema),
  hardware: Type.Optional(hardwareSchema),
  hardwareSelection: Type.Optional(hardwareSelectionSchema),
  runtimes: Type.Optional(runtimesSchema),
});

export const loadSchema = object('How each point is measured.', {
  warmupSeconds: Type.Optional(integer('Load before the measurement that is not counted.', { minimum: 0, maximum: 600, default: 5 })),
  durationSeconds: Type.Optional(integer('How long each point is measured.', { minimum: 1, maximum: 3600, default: 30 })),
  requestTimeoutSeconds: Type.Optional(integer('After how long a request counts as failed.', { minimum: 1, maximum: 600, default: 30 })),
});

export const objectivePercentiles = ['p50', 'p90', 'p95', 'p99', 'p999'] as const;

export const objectiveSchema = object('What the best setting is: the SLO, and what to maximise within it.', {
  maximize: Type.Optional(
    oneOf(
      'Throughput: samples per second. LowLatency: the lowest latency at the first percentile below, p99 without one.',
      ['Throughput', 'LowLatency'],
      {
        default: 'Throughput',
      },
    ),
  ),
  latency: Type.Optional(
    Type.Array(
      object('A bound.', {
        percentile: oneOf('Which percentile, by nearest rank.', objectivePercentiles),
        maxMilliseconds: integer('What it may be at most.', { minimum: 1, maximum: 600_000 }),
      }),
      {
        description: 'Latency bounds; all must hold.',
        maxItems: 5,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['percentile'],
      },
    ),
  ),
  maxErrorsPerMillion: Type.Optional(
    integer('Failed requests per million that are acceptable.', { minimum: 0, maximum: 1_000_000, default: 1000 }),
  ),
  minAccuracyPercent: Type.Optional(
    text('Share of the samples of spec.accuracy that the model must have right. Never relaxed.', 16, { pattern: percentPattern }),
  ),
});

export const liveSchema = object(
  'What a measurement may do to a service that others use. With it, even empty, the run ends at the first point with more errors than the objective accepts, and when the service is restarted.',
  {
    maxRequestsPerSecond: Type.Optional(
      integer('Requests per second that are sent at most: points above are not measured, and a closed loop is slowed down to it.', {
        minimum: 1,
        maximum: 1_000_000,
      }),
    ),
    stopAboveP99Milliseconds: Type.Optional(
      integer('The run ends at the first point whose p99 is above this.', { minimum: 1, maximum: 600_000 }),
    ),
  },
);

export const placements = ['OtherNode', 'SameNode', 'Any'] as const;

export const budgetSchema = object('What a run may take at most; what is left then is shown as not measured.', {
  maxDurationSeconds: Type.Optional(integer('From its start to its end.', { minimum: 60, maximum: 604_800, default: 14_400 })),
  maxRepeatsPerPoint: Type.Optional(
    integer(
      'How often a point is measured again that came out invalid for a cause that may pass: a restart, throttling, unstable figures.',
      { minimum: 0, maximum: 5, default: 1 },
    ),
  ),
  maxWaitSeconds: Type.Optional(
    integer('How long a run waits for its target to be ready, before it gives up.', { minimum: 1, maximum: 604_800, default: 3600 }),
  ),
});

export const runIdSchema = text('Change it to measure again with the same spec.', 63, {
  pattern: '^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$',
});

export const listOfText = (description: string, maxLength: number, maxItems: number) =>
  list(description, Type.String({ maxLength }), maxItems);
