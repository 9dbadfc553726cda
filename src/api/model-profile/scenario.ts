/** MLPerf's four scenarios as a ModelProfile asks for them, and what came of one. */
import type { Rule } from '../rule.ts';
import { boolean, integer, list, object, oneOf, Type, text } from '../schema.ts';
import type { ModelProfile } from './index.ts';

export const profileScenarios = ['SingleStream', 'MultiStream', 'Server', 'Offline'] as const;

export const scenarioSchema = object(
  "One of MLPerf's scenarios instead of levels of load, with its arrivals, minimums and early stopping. A result that breaks one of its rules is not valid.",
  {
    name: oneOf(
      'SingleStream: one sample at a time; MultiStream: eight in a request; Server: Poisson arrivals within a bound on p99; Offline: all samples as fast as they go.',
      profileScenarios,
    ),
    requestsPerSecond: Type.Optional(integer('Server: the rate that has to be kept.', { minimum: 1, maximum: 1_000_000 })),
    concurrency: Type.Optional(integer('Offline: requests at once. Omitted: 8.', { minimum: 1, maximum: 4096 })),
    samples: Type.Optional(integer('Offline: samples in all. Omitted: 24576, as the rules ask for.', { minimum: 1, maximum: 100_000_000 })),
    minimumSeconds: Type.Optional(
      integer('How long it takes at least; instead of spec.load.durationSeconds. The rules ask for 600.', {
        minimum: 1,
        maximum: 3600,
        default: 600,
      }),
    ),
    minimumQueries: Type.Optional(
      integer('How many requests it has at least; of Offline samples say that.', { minimum: 1, maximum: 10_000_000, default: 100 }),
    ),
  },
);

export const scenarioResultSchema = object(
  "What came of the point as one of MLPerf's scenarios.",
  {
    name: oneOf('Which.', profileScenarios),
    valid: boolean('Whether all of its rules were met.'),
    unmet: Type.Optional(list('Rules that were not.', Type.String({ maxLength: 64 }), 8)),
    latencyMicroseconds: Type.Optional(
      integer('SingleStream, MultiStream: the early-stopping estimate of p90, p99, microseconds.', {
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
    ),
    queriesPerSecond: Type.Optional(text('Server: scheduled requests per second.', 32, { pattern: '^[0-9]+(\\.[0-9]+)?$' })),
    samplesPerSecond: Type.Optional(text('Offline: samples per second.', 32, { pattern: '^[0-9]+(\\.[0-9]+)?$' })),
  },
  { 'x-kubernetes-map-type': 'atomic' },
);

const given = 'has(self.sweep.scenario)';
const is = (name: string) => `self.sweep.scenario.name == '${name}'`;
const scenarioOf = ({ spec: { sweep } }: ModelProfile) => sweep.scenario;

export const scenarioRules: readonly Rule<ModelProfile>[] = [
  {
    id: 'scenario-server',
    scope: 'spec',
    fieldPath: '.spec.sweep.scenario',
    message:
      'spec.sweep.scenario Server needs requestsPerSecond, and a bound on p99 in spec.objective.latency; the other scenarios take no requestsPerSecond',
    cel: `!${given} || (${is('Server')} ? (has(self.sweep.scenario.requestsPerSecond) && has(self.objective) && has(self.objective.latency) && self.objective.latency.exists(b, b.percentile == 'p99')) : !has(self.sweep.scenario.requestsPerSecond))`,
    holds: (object) => {
      const scenario = scenarioOf(object);
      if (scenario?.name !== 'Server') return scenario?.requestsPerSecond === undefined;
      const isBound = object.spec.objective?.latency?.some(({ percentile }) => percentile === 'p99') ?? false;
      return scenario.requestsPerSecond !== undefined && isBound;
    },
  },
  {
    id: 'scenario-offline',
    scope: 'spec',
    fieldPath: '.spec.sweep.scenario',
    reason: 'Forbidden',
    message: 'spec.sweep.scenario.concurrency and samples are of Offline alone; remove them',
    cel: `!${given} || ${is('Offline')} || (!has(self.sweep.scenario.concurrency) && !has(self.sweep.scenario.samples))`,
    holds: (object) => {
      const scenario = scenarioOf(object);
      return scenario === undefined || scenario.name === 'Offline' || (scenario.concurrency ?? scenario.samples) === undefined;
    },
  },
];
