/** For every rule of a ModelProfile at least one object that breaks it, and it alone, and one that comes near and passes. */
import type { ModelProfile, ModelProfileSpec } from '../../../src/api/model-profile/index.ts';

export interface ProfileExample {
  readonly what: string;
  readonly object: ModelProfile;
}

export interface ProfileExamples {
  readonly breaks: readonly ProfileExample[];
  readonly passes: readonly ProfileExample[];
}

type Parts = Partial<ModelProfileSpec>;

/** A small valid profile with the given parts replaced. */
export function profile(spec: Parts = {}): ModelProfile {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name: 'iris' },
    spec: { target: { modelDeployment: 'iris' }, sweep: { concurrency: [1] }, ...spec },
  };
}

const example = (what: string, spec: Parts): ProfileExample => ({ what, object: profile(spec) });
const levels = (length: number) => Array.from({ length }, (_, i) => i + 1);
const url = 'http://models.example.com';
const json = '{"inputs": []}';
const dedicated = { mode: 'Dedicated' } as const;
const search = { for: 'Concurrency', maximum: 64 } as const;
const samples = { configMapKeyRef: { name: 'iris', key: 'test.jsonl' } };
const slo = { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] } satisfies ModelProfileSpec['objective'];
const hardware = (entry: object): Parts => ({ ...dedicated, sweep: { concurrency: [1], hardware: [{ name: 't4', ...entry }] } });

export const profileExamples: Readonly<Record<string, ProfileExamples>> = {
  'target-one': {
    breaks: [
      example('no target', { target: {} }),
      example('two services', { target: { modelDeployment: 'iris', inferenceService: 'iris' } }),
      example('a service and a URL', { target: { modelDeployment: 'iris', url, modelName: 'iris' } }),
    ],
    passes: [
      example('a ModelDeployment', { target: { modelDeployment: 'iris' } }),
      example('an InferenceService', { target: { inferenceService: 'iris' } }),
      example('a URL', { target: { url, modelName: 'iris' } }),
    ],
  },
  'target-revision': {
    breaks: [
      example('a candidate of an InferenceService', { target: { inferenceService: 'iris', revision: 'Candidate' } }),
      example('a copy of a candidate', { ...dedicated, target: { modelDeployment: 'iris', revision: 'Candidate' } }),
    ],
    passes: [
      example('a candidate', { target: { modelDeployment: 'iris', revision: 'Candidate' } }),
      example('what serves, said', { mode: 'Live', target: { modelDeployment: 'iris', revision: 'Serving' } }),
    ],
  },
  'apply-target': {
    breaks: [
      example('a recommendation for an InferenceService', { apply: 'Recommend', target: { inferenceService: 'iris' } }),
      example('a change of an InferenceService', { apply: 'Apply', objective: slo, target: { inferenceService: 'iris' } }),
    ],
    passes: [
      example('a recommendation for a ModelDeployment', { apply: 'Recommend' }),
      example('a change of a ModelDeployment', { apply: 'Apply', objective: slo }),
      example('none for an InferenceService', { apply: 'Never', target: { inferenceService: 'iris' } }),
    ],
  },
  'apply-objective': {
    breaks: [
      example('a change without an objective', { apply: 'Apply' }),
      example('a change by errors alone', { apply: 'Apply', objective: { maxErrorsPerMillion: 10 } }),
    ],
    passes: [
      example('a change with a bound', { apply: 'Apply', objective: slo }),
      example('a recommendation without an objective', { apply: 'Recommend' }),
      example('a recommendation by errors alone', { apply: 'Recommend', objective: { maxErrorsPerMillion: 10 } }),
    ],
  },
  'apply-candidate': {
    breaks: [
      example('a change by what a candidate can', {
        apply: 'Apply',
        objective: slo,
        target: { modelDeployment: 'iris', revision: 'Candidate' },
      }),
    ],
    passes: [
      example('a change by what serves', { apply: 'Apply', objective: slo, target: { modelDeployment: 'iris', revision: 'Serving' } }),
      example('a recommendation by what a candidate can', {
        apply: 'Recommend',
        target: { modelDeployment: 'iris', revision: 'Candidate' },
      }),
    ],
  },
  'rollback-target': {
    breaks: [example('a roll-back of an InferenceService', { rollback: 'r3d7fbe3af27', target: { inferenceService: 'iris' } })],
    passes: [
      example('a roll-back of a ModelDeployment', { rollback: 'r3d7fbe3af27' }),
      example('a roll-back by a profile that applies no more', { rollback: 'r3d7fbe3af27', apply: 'Never' }),
    ],
  },
  'target-url-model': {
    breaks: [example('a URL without the model', { target: { url } }), example('another protocol', { target: { url, protocol: 'V1' } })],
    passes: [
      example('plain HTTP, which has no models', { target: { url, protocol: 'HTTP' }, payload: { json } }),
      example('a service, whose model is known', { target: { inferenceService: 'iris', protocol: 'V1' } }),
    ],
  },
  'target-http-payload': {
    breaks: [
      example('plain HTTP without a body', { target: { url, protocol: 'HTTP' } }),
      example('plain HTTP with a signature', { target: { url, protocol: 'HTTP' }, payload: { fromSignature: true } }),
    ],
    passes: [
      example('a body', { target: { url, protocol: 'HTTP' }, payload: { json } }),
      example('a body in a ConfigMap', { target: { url, protocol: 'HTTP' }, payload: { configMapKeyRef: { name: 'c', key: 'k' } } }),
      example('a protocol with a signature', { target: { inferenceService: 'iris', protocol: 'V2' } }),
    ],
  },
  'payload-one': {
    breaks: [
      example('two samples', { payload: { json, configMapKeyRef: { name: 'c', key: 'k' } } }),
      example('a sample and the signature', { payload: { json, fromSignature: true } }),
    ],
    passes: [
      example('none', { payload: {} }),
      example('a sample', { payload: { json, fromSignature: false } }),
      example('the signature', { payload: { fromSignature: true } }),
    ],
  },
  'sweep-one': {
    breaks: [
      example('an empty sweep', { sweep: {} }),
      example('batch sizes alone', { sweep: { batchSizes: [1, 2] } }),
      example('two kinds of load', { sweep: { concurrency: [1], requestsPerSecond: [5] } }),
      example('a load and a search', { sweep: { concurrency: [1], search }, objective: slo }),
      example('a load and a scenario', { sweep: { concurrency: [1], scenario: { name: 'Offline' } } }),
    ],
    passes: [
      example('a closed loop', { sweep: { concurrency: [1] } }),
      example('an open loop', { sweep: { requestsPerSecond: [5], arrivals: 'Constant' } }),
      example('a search', { sweep: { search }, objective: slo }),
      example('a scenario', { sweep: { scenario: { name: 'SingleStream' } } }),
    ],
  },
  'scenario-server': {
    breaks: [
      example('Server without a rate', { sweep: { scenario: { name: 'Server' } }, objective: slo }),
      example('Server without an objective', { sweep: { scenario: { name: 'Server', requestsPerSecond: 10 } } }),
      example('Server with a bound on another percentile', {
        sweep: { scenario: { name: 'Server', requestsPerSecond: 10 } },
        objective: { latency: [{ percentile: 'p95', maxMilliseconds: 100 }] },
      }),
      example('Offline with a rate', { sweep: { scenario: { name: 'Offline', requestsPerSecond: 10 } } }),
    ],
    passes: [
      example('Server with both', { sweep: { scenario: { name: 'Server', requestsPerSecond: 10 } }, objective: slo }),
      example('MultiStream, which needs neither', { sweep: { scenario: { name: 'MultiStream' } } }),
    ],
  },
  'scenario-offline': {
    breaks: [
      example('requests at once of SingleStream', { sweep: { scenario: { name: 'SingleStream', concurrency: 2 } } }),
      example('samples of MultiStream', { sweep: { scenario: { name: 'MultiStream', samples: 10 } } }),
    ],
    passes: [
      example('both of Offline', { sweep: { scenario: { name: 'Offline', concurrency: 2, samples: 10 } } }),
      example('neither', { sweep: { scenario: { name: 'SingleStream', minimumSeconds: 60 } } }),
    ],
  },
  'accuracy-dataset': {
    breaks: [
      example('no dataset', { accuracy: { dataset: {}, metric: 'Top1' } }),
      example('two', { accuracy: { dataset: { url: 'https://x.example/a', configMapKeyRef: { name: 'c', key: 'k' } }, metric: 'Top1' } }),
    ],
    passes: [
      example('a ConfigMap', { accuracy: { dataset: samples, metric: 'Top1' } }),
      example('a blob', { accuracy: { dataset: { blob: { repository: 'default', path: 'data/test.jsonl' } }, metric: 'Top5' } }),
      example('a URL', { accuracy: { dataset: { url: 'https://x.example/a.jsonl', sha256: 'a'.repeat(64) }, metric: 'Top1' } }),
    ],
  },
  'accuracy-tolerance': {
    breaks: [example('a tolerance of classes', { accuracy: { dataset: samples, metric: 'Top1', tolerance: { relative: '0.1' } } })],
    passes: [example('of numbers', { accuracy: { dataset: samples, metric: 'Custom', tolerance: { absolute: '1e-6' } } })],
  },
  'accuracy-protocol': {
    breaks: [
      example('plain HTTP', { target: { url, protocol: 'HTTP' }, payload: { json }, accuracy: { dataset: samples, metric: 'Top1' } }),
    ],
    passes: [example('V1', { target: { inferenceService: 'iris', protocol: 'V1' }, accuracy: { dataset: samples, metric: 'Top1' } })],
  },
  'accuracy-objective': {
    breaks: [example('a bound on what is not measured', { objective: { minAccuracyPercent: '95' } })],
    passes: [
      example('a bound', { objective: { minAccuracyPercent: '97.5' }, accuracy: { dataset: samples, metric: 'Top1' } }),
      example('no bound', { objective: { maxErrorsPerMillion: 0 }, accuracy: { dataset: samples, metric: 'Top1' } }),
    ],
  },
  'report-where': {
    breaks: [example('a report that goes nowhere', { report: {} }), example('the same, said', { report: { configMap: false } })],
    passes: [
      example('a ConfigMap', { report: { configMap: true } }),
      example('a repository', { report: { repository: 'default' } }),
      example('both', { report: { configMap: true, repository: 'default' } }),
    ],
  },
  'report-repository': {
    breaks: [
      example('samples in a ConfigMap', { report: { configMap: true, samples: true } }),
      example('spans in a ConfigMap', { report: { configMap: true, trace: 'Client' } }),
    ],
    passes: [
      example('samples and spans in a repository', { report: { repository: 'default', samples: true, trace: 'Model' } }),
      example('no samples, said', { report: { configMap: true, samples: false } }),
    ],
  },
  'report-trace': {
    breaks: [
      example('layers', { report: { repository: 'default', trace: 'Framework' } }),
      example('kernels', { report: { repository: 'default', trace: 'Hardware' } }),
    ],
    passes: [example('requests', { report: { repository: 'default', trace: 'Client', traceRequests: 10 } })],
  },
  'sweep-points': {
    breaks: [
      example('4,096 points', { sweep: { batchSizes: levels(64), concurrency: levels(64) } }),
      example('a few too many', { sweep: { batchSizes: levels(5), requestsPerSecond: levels(52) } }),
    ],
    passes: [example('as many as there may be', { sweep: { batchSizes: levels(4), requestsPerSecond: levels(64) } })],
  },
  'search-range': {
    breaks: [example('a start above the end', { sweep: { search: { ...search, start: 65 } }, objective: slo })],
    passes: [
      example('a start at the end', { sweep: { search: { ...search, start: 64 } }, objective: slo }),
      example('no start', { sweep: { search }, objective: slo }),
    ],
  },
  'search-objective': {
    breaks: [
      example('no objective', { sweep: { search } }),
      example('an objective without a bound', { sweep: { search }, objective: { maximize: 'LowLatency' } }),
      example('an empty list of bounds', { sweep: { search }, objective: { latency: [] } }),
    ],
    passes: [
      example('a bound', { sweep: { search }, objective: slo }),
      example('a sweep, which needs none', { sweep: { concurrency: [1] }, objective: { latency: [] } }),
    ],
  },
  'live-rate': {
    breaks: [
      example('a rate above the limit', { sweep: { requestsPerSecond: [5, 11] }, live: { maxRequestsPerSecond: 10 } }),
      example('a scenario above it', {
        sweep: { scenario: { name: 'Server', requestsPerSecond: 11 } },
        objective: slo,
        live: { maxRequestsPerSecond: 10 },
      }),
      example('a search for a rate above it', {
        sweep: { search: { for: 'RequestsPerSecond', maximum: 11 } },
        objective: slo,
        live: { maxRequestsPerSecond: 10 },
      }),
    ],
    passes: [
      example('a rate at the limit', { sweep: { requestsPerSecond: [5, 10] }, live: { maxRequestsPerSecond: 10 } }),
      example('a closed loop, which is slowed down', { sweep: { concurrency: [64] }, live: { maxRequestsPerSecond: 10 } }),
      example('a search for a concurrency', { sweep: { search }, objective: slo, live: { maxRequestsPerSecond: 10 } }),
      example('a scenario at the limit', {
        sweep: { scenario: { name: 'Server', requestsPerSecond: 10 } },
        objective: slo,
        live: { maxRequestsPerSecond: 10 },
      }),
      example('no limit', { sweep: { requestsPerSecond: [1000] }, live: {} }),
    ],
  },
  'placement-url': {
    breaks: [
      example('away from a server nobody knows the node of', { target: { url, modelName: 'iris' }, placement: 'OtherNode' }),
      example('beside it', { target: { url, modelName: 'iris' }, placement: 'SameNode' }),
    ],
    passes: [
      example('anywhere', { target: { url, modelName: 'iris' }, placement: 'Any' }),
      example('a service', { placement: 'OtherNode' }),
    ],
  },
  'baseline-one': {
    breaks: [
      example('no baseline in it', { baseline: {} as never }),
      example('two of them', { baseline: { run: 'Last', profile: 'other' } as never }),
    ],
    passes: [example('the last run', { baseline: { run: 'Last' } }), example('another profile', { baseline: { profile: 'other' } })],
  },
  'baseline-figure': {
    breaks: [example('a figure without a figure', { baseline: { fixed: {} } })],
    passes: [example('a latency', { baseline: { fixed: { p99Milliseconds: '20' } } as never })],
  },
  'baseline-self': {
    breaks: [example('itself', { baseline: { profile: 'iris' } })],
    passes: [example('another', { baseline: { profile: 'iris-2' } })],
  },
  'idle-wait': {
    breaks: [example('a wait no longer than the stable time', { idlePolicy: { stableSeconds: 60, waitAtMostSeconds: 60 } })],
    passes: [example('a longer one', { idlePolicy: { stableSeconds: 60, waitAtMostSeconds: 61 } })],
  },
  'dedicated-target': {
    breaks: [
      example('a copy of an InferenceService', { ...dedicated, target: { inferenceService: 'iris' } }),
      example('a copy of a URL', { ...dedicated, target: { url, modelName: 'iris' } }),
    ],
    passes: [
      example('a copy of a ModelDeployment', dedicated),
      example('a running InferenceService', { mode: 'Live', target: { inferenceService: 'iris' } }),
    ],
  },
  'dedicated-host': {
    breaks: [example('a host of an ingress', { ...dedicated, target: { modelDeployment: 'iris', host: 'iris.example.com' } })],
    passes: [example('the running service', { target: { modelDeployment: 'iris', host: 'iris.example.com' } })],
  },
  'dedicated-live': {
    breaks: [example('care for others who are not there', { ...dedicated, live: { maxRequestsPerSecond: 5 } })],
    passes: [example('the running service', { live: { maxRequestsPerSecond: 5 } })],
  },
  'hardware-live': {
    breaks: [
      example('hardware', { sweep: { concurrency: [1], hardware: [{ name: 't4' }] } }),
      example('a selection of it', { sweep: { concurrency: [1], hardwareSelection: 'Auto' } }),
      example('versions', { mode: 'Live', sweep: { concurrency: [1], runtimes: [{ name: 'new', version: '23.05-py3' }] } }),
    ],
    passes: [hardware({}), { ...dedicated, sweep: { concurrency: [1], runtimes: [{ name: 'new', version: '23.05-py3' }] } }].map((spec) =>
      example('a copy', spec),
    ),
  },
  'hardware-auto': {
    breaks: [example('both', { ...dedicated, sweep: { concurrency: [1], hardwareSelection: 'Auto', hardware: [{ name: 't4' }] } })],
    passes: [example('listed', { ...dedicated, sweep: { concurrency: [1], hardwareSelection: 'Listed', hardware: [{ name: 't4' }] } })],
  },
  'hardware-product-twice': {
    breaks: [example('both', hardware({ gpu: { count: 1, product: 'Tesla-T4' }, nodeSelector: { 'nvidia.com/gpu.product': 'Tesla-T4' } }))],
    passes: [
      example('by label', hardware({ gpu: { count: 1 }, nodeSelector: { 'nvidia.com/gpu.product': 'Tesla-T4' } })),
      example('by product, and another label', hardware({ gpu: { count: 1, product: 'Tesla-T4' }, nodeSelector: { zone: 'a' } })),
    ],
  },
  'hardware-product-without-gpu': {
    breaks: [example('no GPU of a product', hardware({ gpu: { count: 0, product: 'Tesla-T4' } }))],
    passes: [
      example('none at all', hardware({ gpu: { count: 0 } })),
      example('one of it', hardware({ gpu: { count: 1, product: 'Tesla-T4' } })),
    ],
  },
};
