import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { specSchema } from '../../api/model-profile/index.ts';
import { rules } from '../../api/model-profile/rules.ts';
import { differing } from './run.ts';
import { type SpecFlags, saysWhat, specOf } from './spec.ts';

const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(specSchema);
const flags = (more: Partial<SpecFlags>): SpecFlags => ({ slo: [], ...more });

describe('flags as a spec', () => {
  const examples: readonly Partial<SpecFlags>[] = [
    {},
    { batch: '1,8', concurrency: '1,4', slo: ['p99=100ms', 'p50=20'], duration: '10s', warmup: '0' },
    { rate: '50,100', arrivals: 'constant', maxRate: '100', stopAboveP99: '1s' },
    { search: 'rate', slo: ['p99=100ms'], searchMax: '500', searchStart: '10', tolerance: '5' },
    { url: 'http://iris.example:8000', model: 'iris', protocol: 'grpc-v2', tokenSecret: 'token/key', host: 'iris.example' },
    { inferenceService: 'iris', payloadConfigmap: 'samples/iris.json', placement: 'other-node', maxDuration: '1h', repeats: '0' },
    { accuracyConfigmap: 'iris/test.jsonl', minAccuracy: '95' },
    { accuracyUrl: 'https://data.example.com/test.jsonl', accuracyMetric: 'custom' },
    { reportConfigmap: true },
    { reportRepository: 'default', reportSamples: true, trace: 'model' },
    { scenario: 'server', rate: '100', slo: ['p99=50ms'], duration: '60s', requests: '500' },
    { scenario: 'Offline', concurrency: '4', samples: '1000', batch: '32' },
    { maximize: 'lowlatency', maxErrors: '0', recommend: true },
    { apply: true, slo: ['p99=100ms'] },
  ];
  for (const example of examples) {
    it(`is one that the API server takes: ${JSON.stringify(example)}`, () => {
      const spec = specOf('iris', flags(example));
      assert.ok(validate(spec), JSON.stringify(validate.errors));
      const object = { apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelProfile', metadata: { name: 'iris' }, spec } as const;
      for (const rule of rules) assert.ok(rule.holds(object), rule.id);
    });
  }

  it('measures the ModelDeployment of the same name with one request at a time where nothing is said', () => {
    assert.deepEqual(specOf('iris', flags({})), { target: { modelDeployment: 'iris' }, sweep: { concurrency: [1] } });
    assert.equal(saysWhat(flags({})), false);
    assert.equal(saysWhat(flags({ batch: '2' })), true);
  });

  it('takes a minute and a bound in the units of bench', () => {
    const spec = specOf('iris', flags({ duration: '1m', slo: ['p99=1s'], stopAboveP99: '250' }));
    assert.equal(spec.load?.durationSeconds, 60);
    assert.deepEqual(spec.objective?.latency, [{ percentile: 'p99', maxMilliseconds: 1000 }]);
    assert.equal(spec.live?.stopAboveP99Milliseconds, 250);
  });

  const refused: readonly (readonly [Partial<SpecFlags>, RegExp])[] = [
    [{ concurrency: '1', rate: '5' }, /exclude each other/],
    [{ modelDeployment: 'a', url: 'http://b' }, /exclude each other/],
    [{ search: 'rate' }, /--search needs a bound/],
    [{ scenario: 'Offline', search: 'rate' }, /--scenario and --search exclude each other/],
    [{ minAccuracy: '95' }, /--accuracy-metric and --min-accuracy need a dataset/],
    [{ trace: 'client' }, /--report-samples and --trace need --report-repository/],
    [
      { reportRepository: 'default', trace: 'hardware' },
      /--trace hardware: kernels and counters of a GPU are seen on the server's machine/,
    ],
    [{ scenario: 'Batch' }, /--scenario "Batch" is not known; it is one of SingleStream/],
    [{ apply: true }, /--apply needs a bound that the setting has to keep/],
    [{ samples: '5' }, /--samples and --requests are of a --scenario/],
    [{ duration: '500ms' }, /--duration 500ms: a profile takes whole numbers/],
    [{ slo: ['p99=1.5ms'] }, /whole milliseconds/],
    [{ slo: ['p42=1ms'] }, /the percentile must be/],
    [{ tokenSecret: 'token' }, /--token-secret takes NAME\/KEY/],
    [{ protocol: 'v3' }, /--protocol "v3" is not known; it is one of V1, V2/],
    [{ batch: '0' }, /--batch takes whole numbers above 0/],
  ];
  for (const [example, sentence] of refused) {
    it(`refuses ${JSON.stringify(example)} with a sentence`, () => assert.throws(() => specOf('iris', flags(example)), sentence));
  }
});

describe('running a profile that exists', () => {
  const existing = specOf('iris', flags({ batch: '1,8', slo: ['p99=100ms'] }));
  it('is another run where the flags say what it has, whatever defaults the API server filled in', () => {
    const stored = {
      ...existing,
      objective: { ...existing.objective, maxErrorsPerMillion: 1000, maximize: 'Throughput' as const },
      historyLimit: 10,
    };
    assert.deepEqual(differing(stored, existing), []);
  });
  it('is refused where they say something else, by field', () => {
    assert.deepEqual(differing(existing, specOf('iris', flags({ batch: '1,4', slo: ['p99=50ms'] }))), ['sweep', 'objective']);
  });
});
