import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment, ModelDeploymentSpec } from '../api/model-deployment/index.ts';
import { type KServeVersion, printVersion } from '../models/kserve-version.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import { type JudgeContext, judge } from './judge.ts';
import { exampleDeployment } from './testing/example.ts';

const v = (minor: number): KServeVersion => ({ major: 0, minor });
const digest = `sha256:${'ab'.repeat(32)}`;

function problems(deployment: ModelDeployment, context: Partial<JudgeContext> = {}) {
  const full = { dialect: dialectOf(v(20)), mode: 'Standard', policy: {}, ...context } as const;
  return judge(deployment, full).map(({ blocking, reason, message }) => `${blocking ? 'refuses' : 'warns'} ${reason}: ${message}`);
}

/** Each row: what is asked for, where, and the beginning of each problem in order. */
type Row = readonly [Partial<ModelDeploymentSpec>, Partial<JudgeContext>, ...RegExp[]];

function table(rows: readonly Row[]): void {
  for (const [spec, context, ...expected] of rows) {
    const where = `${printVersion(context.dialect?.version ?? v(20))} ${context.mode ?? 'Standard'}`;
    const { source: _, ...shown } = spec;
    it(`${where}: ${JSON.stringify(spec.source ?? shown)} ${expected.length === 0 ? 'passes' : `${expected.join(' and ')}`}`, () => {
      const found = problems(exampleDeployment(spec), context);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? '', pattern);
    });
  }
}

describe('what a KServe version lacks', () => {
  const old = { dialect: dialectOf('kfserving-0.6'), mode: 'Knative' } as const;
  table([
    [
      { runtime: { type: 'TorchServe', protocol: 'V2' } },
      old,
      /^refuses ProtocolNotSupported: spec\.runtime\.protocol: KFServing 0\.6 has no TorchServe.*use V1/,
    ],
    [{ runtime: { type: 'TorchServe', protocol: 'V2' } }, { dialect: dialectOf(v(7)) }, /^refuses ProtocolNotSupported/],
    [{ runtime: { type: 'TorchServe', protocol: 'V2' } }, { dialect: dialectOf(v(9)) }],
    [{ runtime: { type: 'TorchServe', protocol: 'GRPCV2' } }, { dialect: dialectOf(v(11)) }, /^refuses ProtocolNotSupported/],
    [{ runtime: { type: 'LightGBM', protocol: 'V2' } }, { dialect: dialectOf(v(7)) }, /^refuses ProtocolNotSupported/],
    [{ runtime: { type: 'SKLearn', protocol: 'V2' } }, old],
    [
      { runtime: { type: 'SKLearn', protocol: 'V2', version: 'v0.9.0' } },
      { dialect: dialectOf(v(9)) },
      /^warns ServerIsMLServer.*seldonio\/mlserver/,
    ],
    [
      { scaling: { metric: 'Memory' } },
      { dialect: dialectOf(v(7)) },
      /^refuses FieldNotSupported: spec\.scaling\.metric: KServe 0\.7 scales by CPU only/,
    ],
    [{ scaling: { metric: 'Memory' } }, { dialect: dialectOf(v(9)) }],
    [
      { runtime: { type: 'Triton' } },
      { dialect: { ...dialectOf(v(20)), runtimes: [] } },
      /^warns NoSupportingRuntime.*kserve-tritonserver/,
    ],
  ]);
});

describe('images and GPUs', () => {
  const runtimes = (image: string): Dialect['runtimes'] => [
    {
      apiVersion: 'serving.kserve.io/v1alpha1',
      kind: 'ClusterServingRuntime',
      metadata: { name: 'kserve-tensorflow-serving' },
      spec: { protocolVersions: ['v1'], supportedModelFormats: [{ name: 'tensorflow' }], containers: [{ image }] },
    },
  ];
  const withImage = (minor: number, image: string): Partial<JudgeContext> => {
    const found = runtimes(image);
    return { dialect: { ...dialectOf(v(minor)), ...(found && { runtimes: found }) } };
  };
  const tf = (more: Partial<ModelDeploymentSpec> = {}, version?: string): Partial<ModelDeploymentSpec> => ({
    runtime: { type: 'TFServing', ...(version !== undefined && { version }) },
    ...more,
  });
  const gpu = { gpu: { count: 1 } };
  table([
    [tf(gpu), withImage(20, 'tensorflow/serving:2.6.2')],
    [tf(), withImage(20, 'tensorflow/serving:2.6.2-gpu'), /^warns GpuImageWithoutGpu.*tensorflow\/serving:2\.6\.2-gpu/],
    [tf(gpu), withImage(15, `tensorflow/serving@${digest}`), /^refuses GpuImageUnknown.*to which KServe would append -gpu/],
    [tf(gpu), withImage(20, `tensorflow/serving@${digest}`), /^warns GpuImageDoubtful/],
    [tf(gpu, digest), withImage(15, `tensorflow/serving@${digest}`)],
    [tf({ gpu: { count: 1, resourceName: 'amd.com/gpu' } }), {}, /^refuses GpuImageUnknown.*no default image for amd\.com\/gpu/],
    [tf({ gpu: { count: 1, resourceName: 'amd.com/gpu' } }, '2.14-gpu'), {}],
    [
      tf({ gpu: { count: 1, resourceName: 'nvidia.com/mig-1g.5gb' } }, '2.2.0-gpu'),
      { dialect: dialectOf(v(7)) },
      /^refuses GpuResourceNotSupported/,
    ],
    [{ runtime: { type: 'Triton' }, gpu: { count: 1, resourceName: 'amd.com/gpu' } }, {}],
    [tf({}, '2.2.0'), withImage(8, 'registry:5000/tf:2.6.2'), /^refuses RegistryPortLost.*registry:5000\/tf/],
    [tf({}, '2.2.0'), withImage(9, 'registry:5000/tf:2.6.2')],
    [tf({}, digest), withImage(8, 'registry:5000/tf:2.6.2')],
    [
      { ...gpu, gpu: { count: 1, product: 'Tesla-T4' }, scheduling: { nodeSelector: { 'nvidia.com/gpu.product': 'A100' } } },
      {},
      /^refuses GpuProductConflict.*remove one/,
    ],
    [
      { runtime: { type: 'Triton', version: digest } },
      { dialect: { ...dialectOf(v(20)), runtimes: [] } },
      /^refuses RuntimeImageUnknown/,
      /^warns NoSupportingRuntime/,
    ],
  ]);
});

describe('a mode that came from a default', () => {
  table([
    [
      { scaling: { minReplicas: 0 } },
      {},
      /^refuses ModeConflict: spec\.scaling\.minReplicas: 0 \(scale to zero\).*spec\.deploymentMode: Knative/,
    ],
    [{ scaling: { metric: 'Concurrency' } }, {}, /^refuses ModeConflict: spec\.scaling\.metric: Concurrency/],
    [{ scaling: { containerConcurrency: 2 } }, {}, /^refuses ModeConflict: spec\.scaling\.containerConcurrency/],
    [{ rollout: { canaryTrafficPercent: 10 } }, {}, /^refuses ModeConflict: spec\.rollout\.canaryTrafficPercent/],
    [
      { scaling: { metric: 'CPU' } },
      { mode: 'Knative' },
      /^refuses ModeConflict: spec\.scaling\.metric: CPU needs Standard.*spec\.deploymentMode: Standard/,
    ],
    [{ scaling: { minReplicas: 0, metric: 'RPS', containerConcurrency: 1 }, rollout: { canaryTrafficPercent: 10 } }, { mode: 'Knative' }],
  ]);
});

describe('feature flags of Knative', () => {
  const knative = (configFeatures?: Record<string, string>): Partial<JudgeContext> => ({
    mode: 'Knative',
    facts: { resources: [], knative: configFeatures === undefined ? {} : { configFeatures } },
  });
  const affinity = { scheduling: { affinity: { nodeAffinity: {} } } };
  table([
    [
      { scheduling: { nodeSelector: { pool: 'gpu' } } },
      knative({}),
      /^refuses KnativeFeatureDisabled: spec\.scheduling\.nodeSelector:.*kubernetes\.podspec-nodeselector.*config-features.*Standard/,
    ],
    [{ scheduling: { nodeSelector: { pool: 'gpu' } } }, knative({ 'kubernetes.podspec-nodeselector': 'Enabled' })],
    [{ scheduling: { nodeSelector: { pool: 'gpu' } } }, knative({ 'kubernetes.podspec-nodeselector': 'allowed' })],
    [
      { scheduling: { nodeSelector: { pool: 'gpu' } } },
      knative({ 'kubernetes.podspec-nodeselector': 'disabled' }),
      /^refuses KnativeFeatureDisabled/,
    ],
    [{ scheduling: { nodeSelector: { pool: 'gpu' } } }, knative()],
    [{ scheduling: { nodeSelector: { pool: 'gpu' } } }, {}],
    [{ scheduling: { nodeSelector: {} } }, knative({})],
    [{ gpu: { count: 1, product: 'Tesla-T4' } }, knative({}), /spec\.gpu\.product.*podspec-nodeselector/],
    [{ scheduling: { tolerations: [{ operator: 'Exists' }] } }, knative({}), /spec\.scheduling\.tolerations.*podspec-tolerations/],
    [affinity, knative({}), /spec\.scheduling\.affinity.*podspec-affinity/],
    [{ source: { storageUri: 'pvc://models/iris' } }, knative({}), /spec\.source\.storageUri.*podspec-persistent-volume-claim/],
  ]);
});

describe('a storageUri', () => {
  const direct = { source: { storageUri: 'https://acct.blob.core.windows.net/models/x.zip' } };
  const schema12 = { dialect: { ...dialectOf(v(12)), versionFrom: 'Schema' } } as const;
  table([
    [direct, { dialect: dialectOf(v(20)) }],
    [direct, { dialect: dialectOf(v(12)) }, /^refuses StorageUriNotUsable: spec\.source\.storageUri:.*MW-L0722/],
    // The version is a lower bound here, and a newer KServe reads this well.
    [direct, schema12, /^warns StorageUriDoubtful.*MW-L0722/],
    [{ source: { storageUri: 'ftp://example.com/x.zip' } }, schema12, /^refuses StorageUriNotUsable.*MW-L0710/],
  ]);
});

describe('names', () => {
  const named = (name: string, namespace = 'models') => exampleDeployment({}, { name, namespace });
  it('are refused where the suffix of KServe would not fit', () => {
    assert.deepEqual(problems(named('a'.repeat(48))), []);
    assert.match(
      problems(named('a'.repeat(46)), { dialect: dialectOf(v(9)) })[0] ?? '',
      /^refuses NameNotUsable: metadata\.name:.*-predictor-default/,
    );
  });
  it('are refused where the host name would not fit', () => {
    assert.match(problems(named('a'.repeat(48), 'b'.repeat(20)))[0] ?? '', /host name part.*of 69 characters.*6 shorter/);
  });
  it('follow the domain template of the cluster', () => {
    const facts = (domainTemplate: string) => ({
      resources: [],
      inferenceServiceConfig: { namespace: 'kserve', data: { ingress: JSON.stringify({ domainTemplate }) } },
    });
    const long = named('a'.repeat(48), 'b'.repeat(20));
    assert.deepEqual(problems(long, { facts: facts('{{.Name}}.{{.Namespace}}.{{.IngressDomain}}') }), []);
    assert.match(problems(long, { facts: facts('{{ .Name }}--{{ .Namespace }}.{{ .IngressDomain }}') })[0] ?? '', /of 70 characters/);
  });
});

/** A runtime of ours that speaks V2 alone. */
const ours = {
  apiVersion: 'serving.kserve.io/v1alpha1',
  kind: 'ClusterServingRuntime',
  metadata: { name: 'modelwright-triton-1' },
  spec: { protocolVersions: ['v2'], containers: [{ name: 'kserve-container', image: 'mirror:5000/triton:1' }] },
};
const declared = { kind: 'Declared', name: 'modelwright-triton-1', image: 'mirror:5000/triton:1' } as const;

describe('a runtime that the platform declares', () => {
  const dialect = { ...dialectOf(v(20)), runtimes: [ours], platformRuntimes: { Triton: declared } };
  table([
    [{ runtime: { type: 'Triton', protocol: 'V2' } }, { dialect }],
    [{ runtime: { type: 'Triton', protocol: 'GRPCV2' } }, { dialect }, /^refuses ProtocolNotSupported: .*speaks v2 and not grpc-v2/],
  ]);
});

describe('the policy', () => {
  table([
    [{ serviceAccountName: 'admin' }, {}, /^refuses ServiceAccountNotAllowed: spec\.serviceAccountName/],
    [{ serviceAccountName: 'default' }, {}],
    [{ serviceAccountName: 'models' }, { policy: { serviceAccounts: ['models'] } }],
    [{ transformer: { image: 'acme/pre:1' } }, {}, /^refuses ImageNotAllowed: spec\.transformer\.image/],
    [{ transformer: { image: 'acme/pre:1' } }, { policy: { imageRegistries: ['docker.io/acme'] } }],
    [{ runtime: { type: 'Triton' } }, { policy: { runtimeRegistries: ['nvcr.io'] } }],
    [
      { runtime: { type: 'Triton' } },
      { policy: { runtimeRegistries: ['docker.io'] } },
      /^refuses RuntimeImageNotAllowed: spec\.runtime.*nvcr\.io/,
    ],
    [
      { runtime: { type: 'Triton' } },
      {
        policy: { runtimeRegistries: ['mirror:5000'] },
        dialect: { ...dialectOf(v(20)), runtimes: [ours], platformRuntimes: { Triton: declared } },
      },
    ],
  ]);
});

it('a blocking problem comes first', () => {
  const deployment = exampleDeployment({ runtime: { type: 'SKLearn', protocol: 'V2', version: 'v0.9.0' }, serviceAccountName: 'admin' });
  assert.deepEqual(
    judge(deployment, { dialect: dialectOf(v(9)), mode: 'Standard', policy: {} }).map(({ reason }) => reason),
    ['ServiceAccountNotAllowed', 'ServerIsMLServer'],
  );
});
