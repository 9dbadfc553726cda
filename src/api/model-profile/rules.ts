/** What one ModelProfile can say about itself. */
import type { Rule } from '../rule.ts';
import { accuracyRules } from './accuracy.ts';
import { applyRules } from './apply-rules.ts';
import { dedicatedRules } from './dedicated-rules.ts';
import type { ModelProfile } from './index.ts';
import { maximumPoints, sweepLoads } from './load.ts';
import { reportRules } from './report.ts';
import { scenarioRules } from './scenario.ts';

const levelsOf = ({ sweep }: ModelProfile['spec']): number => (sweep.concurrency ?? sweep.requestsPerSecond)?.length ?? 1;
const given = (...values: readonly unknown[]): number => values.filter((value) => value !== undefined).length;
const one = (path: string, fields: readonly string[]) =>
  `[${fields.map((field) => `has(${path}.${field})`).join(', ')}].filter(given, given).size() == 1`;

const celSize = (field: string) => `(has(self.sweep.${field}) && self.sweep.${field}.size() > 0 ? self.sweep.${field}.size() : 1)`;
const product = (factors: readonly string[], last: string) => [...factors, last].join(' * ');

export const rules: readonly Rule<ModelProfile>[] = [
  {
    id: 'target-one',
    scope: 'spec',
    fieldPath: '.spec.target',
    message: 'spec.target must name exactly one of modelDeployment, inferenceService and url',
    cel: one('self.target', ['modelDeployment', 'inferenceService', 'url']),
    holds: ({ spec: { target } }) => given(target.modelDeployment, target.inferenceService, target.url) === 1,
  },
  {
    id: 'target-revision',
    scope: 'spec',
    fieldPath: '.spec.target.revision',
    reason: 'Forbidden',
    message: 'spec.target.revision needs spec.target.modelDeployment, and spec.mode Live: only a running ModelDeployment has a candidate',
    cel: `!has(self.target.revision) || (has(self.target.modelDeployment) && (!has(self.mode) || self.mode != 'Dedicated'))`,
    holds: ({ spec: { target, mode } }) => target.revision === undefined || (target.modelDeployment !== undefined && mode !== 'Dedicated'),
  },
  ...applyRules,
  {
    id: 'target-url-model',
    scope: 'spec',
    fieldPath: '.spec.target.modelName',
    message: 'spec.target.modelName is needed with spec.target.url, unless spec.target.protocol is HTTP',
    cel: `!has(self.target.url) || has(self.target.modelName) || (has(self.target.protocol) && self.target.protocol == 'HTTP')`,
    holds: ({ spec: { target } }) => target.url === undefined || target.modelName !== undefined || target.protocol === 'HTTP',
  },
  {
    id: 'target-http-payload',
    scope: 'spec',
    fieldPath: '.spec.payload',
    message: 'spec.payload.json or spec.payload.configMapKeyRef is needed with spec.target.protocol HTTP, which has no signature',
    cel: `!has(self.target.protocol) || self.target.protocol != 'HTTP' || (has(self.payload) && (has(self.payload.json) || has(self.payload.configMapKeyRef)))`,
    holds: ({ spec: { target, payload } }) => target.protocol !== 'HTTP' || given(payload?.json, payload?.configMapKeyRef) > 0,
  },
  {
    id: 'payload-one',
    scope: 'spec',
    fieldPath: '.spec.payload',
    message: 'spec.payload takes at most one of json, configMapKeyRef and fromSignature: true',
    cel: `!has(self.payload) || [has(self.payload.json), has(self.payload.configMapKeyRef), has(self.payload.fromSignature) && self.payload.fromSignature].filter(given, given).size() <= 1`,
    holds: ({ spec: { payload } }) => given(payload?.json, payload?.configMapKeyRef, payload?.fromSignature || undefined) <= 1,
  },
  {
    id: 'sweep-one',
    scope: 'spec',
    fieldPath: '.spec.sweep',
    message: 'spec.sweep must have exactly one of concurrency, requestsPerSecond, search and scenario',
    cel: one('self.sweep', sweepLoads),
    holds: ({ spec: { sweep } }) => given(...sweepLoads.map((load) => sweep[load])) === 1,
  },
  {
    id: 'sweep-points',
    scope: 'spec',
    fieldPath: '.spec.sweep',
    message: `spec.sweep must not have more than ${maximumPoints} points (batch sizes × levels of load × hardware × runtimes); make two profiles of it`,
    cel: `${product(
      ['batchSizes', 'hardware', 'runtimes'].map(celSize),
      '(has(self.sweep.concurrency) ? self.sweep.concurrency.size() : has(self.sweep.requestsPerSecond) ? self.sweep.requestsPerSecond.size() : 1)',
    )} <= ${maximumPoints}`,
    holds: ({ spec }) => {
      const { batchSizes, hardware, runtimes } = spec.sweep;
      return [batchSizes, hardware, runtimes].reduce((points, list) => points * (list?.length || 1), levelsOf(spec)) <= maximumPoints;
    },
  },
  ...dedicatedRules,
  ...scenarioRules,
  ...reportRules,
  ...accuracyRules,
  {
    id: 'search-range',
    scope: 'spec',
    fieldPath: '.spec.sweep.search',
    message: 'spec.sweep.search.start must not be above spec.sweep.search.maximum',
    cel: '!has(self.sweep.search) || !has(self.sweep.search.start) || self.sweep.search.start <= self.sweep.search.maximum',
    holds: ({ spec: { sweep } }) => sweep.search === undefined || (sweep.search.start ?? 1) <= sweep.search.maximum,
  },
  {
    id: 'search-objective',
    scope: 'spec',
    fieldPath: '.spec.objective.latency',
    message: 'spec.objective.latency is needed with spec.sweep.search: the search looks for the largest level that keeps it',
    cel: '!has(self.sweep.search) || (has(self.objective) && has(self.objective.latency) && self.objective.latency.size() > 0)',
    holds: ({ spec: { sweep, objective } }) => sweep.search === undefined || (objective?.latency?.length ?? 0) > 0,
  },
  {
    id: 'live-rate',
    scope: 'spec',
    fieldPath: '.spec.live.maxRequestsPerSecond',
    message:
      'spec.sweep.requestsPerSecond, spec.sweep.scenario.requestsPerSecond, and spec.sweep.search.maximum of a search for RequestsPerSecond, must not go above spec.live.maxRequestsPerSecond',
    cel: "!has(self.live) || !has(self.live.maxRequestsPerSecond) || ((!has(self.sweep.requestsPerSecond) || self.sweep.requestsPerSecond.all(r, r <= self.live.maxRequestsPerSecond)) && (!has(self.sweep.search) || self.sweep.search.__for__ != 'RequestsPerSecond' || self.sweep.search.maximum <= self.live.maxRequestsPerSecond) && (!has(self.sweep.scenario) || !has(self.sweep.scenario.requestsPerSecond) || self.sweep.scenario.requestsPerSecond <= self.live.maxRequestsPerSecond))",
    holds: ({ spec: { live, sweep } }) => {
      const searched = sweep.search?.for === 'RequestsPerSecond' ? [sweep.search.maximum] : [];
      return [...(sweep.requestsPerSecond ?? []), sweep.scenario?.requestsPerSecond ?? 0, ...searched].every(
        (rate) => rate <= (live?.maxRequestsPerSecond ?? Number.POSITIVE_INFINITY),
      );
    },
  },
  {
    id: 'placement-url',
    scope: 'spec',
    fieldPath: '.spec.placement',
    message: 'spec.placement must be Any, or left out, with spec.target.url: where that server runs is not known',
    cel: "!has(self.target.url) || !has(self.placement) || self.placement == 'Any'",
    holds: ({ spec: { target, placement } }) => target.url === undefined || placement === undefined || placement === 'Any',
  },
  {
    id: 'baseline-one',
    scope: 'spec',
    fieldPath: '.spec.baseline',
    message: 'spec.baseline must have exactly one of run, profile and fixed',
    cel: `!has(self.baseline) || ${one('self.baseline', ['run', 'profile', 'fixed'])}`,
    holds: ({ spec: { baseline } }) => baseline === undefined || given(baseline.run, baseline.profile, baseline.fixed) === 1,
  },
  {
    id: 'baseline-figure',
    scope: 'spec',
    fieldPath: '.spec.baseline.fixed',
    message: 'spec.baseline.fixed needs p99Milliseconds or samplesPerSecond: a baseline without a figure is none',
    cel: '!has(self.baseline) || !has(self.baseline.fixed) || has(self.baseline.fixed.p99Milliseconds) || has(self.baseline.fixed.samplesPerSecond)',
    holds: ({ spec: { baseline } }) =>
      baseline?.fixed === undefined || given(baseline.fixed.p99Milliseconds, baseline.fixed.samplesPerSecond) > 0,
  },
  {
    id: 'baseline-self',
    scope: 'object',
    fieldPath: '.spec.baseline.profile',
    message:
      'spec.baseline.profile must name another ModelProfile; for the runs of this one, spec.baseline.run is Last or a run of status.history',
    cel: '!has(self.spec.baseline) || !has(self.spec.baseline.profile) || self.spec.baseline.profile != self.metadata.name',
    holds: ({ metadata, spec: { baseline } }) => baseline?.profile === undefined || baseline.profile !== metadata.name,
  },
  {
    id: 'idle-wait',
    scope: 'spec',
    fieldPath: '.spec.idlePolicy.waitAtMostSeconds',
    message:
      'spec.idlePolicy.waitAtMostSeconds must be more than spec.idlePolicy.stableSeconds (3600 and 60 where they are not given): the wait would always be given up',
    cel: '!has(self.idlePolicy) || (has(self.idlePolicy.waitAtMostSeconds) ? self.idlePolicy.waitAtMostSeconds : 3600) > (has(self.idlePolicy.stableSeconds) ? self.idlePolicy.stableSeconds : 60)',
    holds: ({ spec: { idlePolicy } }) =>
      idlePolicy === undefined || (idlePolicy.waitAtMostSeconds ?? 3600) > (idlePolicy.stableSeconds ?? 60),
  },
];
