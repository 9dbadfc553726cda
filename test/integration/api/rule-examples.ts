/**
 * For every rule of a ModelDeployment at least one object that breaks it and one that comes near and passes. The unit tests give them to
 * the predicates, the integration tests to a real API server, and both must say the same.
 */
import type { ModelDeployment, ModelDeploymentSpec } from '../../../src/api/model-deployment/index.ts';

export interface Example {
  readonly what: string;
  readonly object: ModelDeployment;
}

/** A rule of change is shown by two objects: the stored one and the one that replaces it. */
export interface ChangeExample extends Example {
  readonly old: ModelDeployment;
}

export interface Examples<E extends Example = Example> {
  readonly breaks: readonly E[];
  readonly passes: readonly E[];
}

type Parts = Partial<ModelDeploymentSpec> & { name?: string; storageUri?: string };

/** A small valid deployment with the given parts replaced. */
export function deployment({
  name = 'iris',
  storageUri = 'gs://bucket/iris',
  source = { storageUri },
  ...spec
}: Parts = {}): ModelDeployment {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name },
    spec: { runtime: { type: 'SKLearn' }, ...spec, source },
  };
}

const example = (what: string, parts: Parts): Example => ({ what, object: deployment(parts) });
const name = (name: string, parts: Parts = {}): Example => example(`"${name}"`, { ...parts, name });
const uri = (storageUri: string): Example => example(JSON.stringify(storageUri), { storageUri });

const digest = 'a'.repeat(64);
const archive = { url: 'https://models.example.com/iris.zip', sha256: digest };
const from = (what: string, source: ModelDeploymentSpec['source']): Example => example(what, { source });
const volumePath = (path: string): Example => from(`"${path}"`, { volume: { claimName: 'models', path } });
const archiveUrl = (url: string): Example => from(url, { archive: { ...archive, url } });

const standard = { deploymentMode: 'Standard' } as const;
const knative = { deploymentMode: 'Knative' } as const;
const tensor = (shape: number[]) => [{ name: 'x', shape, dataType: 'FP32' as const }];
const image = { image: 'registry.example.com/resize:1' };

const resources = (field: 'resources' | 'transformer'): Record<string, Examples> => {
  const give = (value: NonNullable<ModelDeploymentSpec['resources']>): Parts =>
    field === 'resources' ? { resources: value } : { transformer: { ...image, resources: value } };
  const prefix = field === 'resources' ? 'resource' : 'transformer-resource';
  return {
    [`${prefix}-names`]: {
      breaks: [
        example('a misspelt limit', give({ limits: { cpus: '1' } })),
        example('a misspelt request', give({ requests: { mem: '1Gi' } })),
        example('a word behind a known one', give({ limits: { 'cpu-shares': '1' } })),
      ],
      passes: [
        example(
          'what the kubelet offers',
          give({ limits: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '2Gi', 'hugepages-2Mi': '64Mi' } }),
        ),
        example('an extended resource', give({ requests: { 'example.com/fpga': 1 }, limits: { 'example.com/fpga': 1 } })),
      ],
    },
    [`${prefix}-order`]: {
      breaks: [
        example('more memory than the limit', give({ requests: { memory: '1025Mi' }, limits: { memory: '1Gi' } })),
        example('a number against millis', give({ requests: { cpu: 1 }, limits: { cpu: '999m' } })),
        example('decimal against binary', give({ requests: { memory: '1Ki' }, limits: { memory: '1k' } })),
        example('an exponent', give({ requests: { memory: '1e9' }, limits: { memory: '1e8' } })),
        example('beyond what 64 bits hold', give({ requests: { memory: '99E' }, limits: { memory: '10E' } })),
        example('more disk than the limit', give({ requests: { 'ephemeral-storage': '2Gi' }, limits: { 'ephemeral-storage': '1Gi' } })),
        example('a billionth', give({ requests: { cpu: '0.000000002' }, limits: { cpu: '1n' } })),
      ],
      passes: [
        example('equal in another spelling', give({ requests: { memory: '1024Mi', cpu: 1 }, limits: { memory: '1Gi', cpu: '1000m' } })),
        example('a fraction', give({ requests: { cpu: '.5' }, limits: { cpu: '0.50' } })),
        example('a request without its limit', give({ requests: { cpu: '8' }, limits: { memory: '1Gi' } })),
        example('requests alone', give({ requests: { cpu: '8' } })),
        example('less than a billionth rounds up', give({ requests: { cpu: '0.00000000001' }, limits: { cpu: '1n' } })),
      ],
    },
  };
};

const keys = (field: 'labels' | 'annotations' | 'nodeSelector', id: string): Record<string, Examples> => {
  const give = (key: string): Example =>
    example(
      `"${key}"`,
      field === 'nodeSelector' ? { scheduling: { nodeSelector: { [key]: 'x' } } } : { podMetadata: { [field]: { [key]: 'x' } } },
    );
  return {
    [id]: {
      breaks: [
        give('two words'),
        give('-team'),
        give('example.com/'),
        give('Example.com/team'),
        give('a/b/c'),
        give('a'.repeat(64)),
        give('x\n'),
      ],
      passes: [give('team'), give('example.com/Team_1.b'), give('a'.repeat(63)), give('9')],
    },
  };
};

const reserved = (field: 'labels' | 'annotations', id: string, own: readonly string[] = []): Record<string, Examples> => {
  const give = (key: string): Example => example(`"${key}"`, { podMetadata: { [field]: { [key]: 'x' } } });
  return {
    [id]: {
      breaks: [
        'serving.kserve.io/deploymentMode',
        'autoscaling.knative.dev/target',
        'serving.kubeflow.org/x',
        'modelwright.dev/x',
        'kserve.io/x',
        ...own,
      ].map(give),
      passes: ['example.com/kserve.io', 'mykserve.io/x', 'sidecar.istio.io/inject', 'used-by'].map(give),
    },
  };
};

const tolerations = (...tolerations: NonNullable<NonNullable<ModelDeploymentSpec['scheduling']>['tolerations']>): Parts => ({
  scheduling: { tolerations },
});

export const contentExamples: Readonly<Record<string, Examples>> = {
  'name-form': {
    breaks: [name('9iris'), name('iris.v2')],
    passes: [name('i'), name('iris-2')],
  },
  'name-length': {
    breaks: [name('a'.repeat(49))],
    passes: [name('a'.repeat(48))],
  },
  'name-length-transformer': {
    breaks: [name('a'.repeat(47), { transformer: image }), name('a'.repeat(48), { transformer: image })],
    passes: [name('a'.repeat(46), { transformer: image }), name('a'.repeat(47))],
  },
  'model-name-fixed': {
    breaks: [
      example('another name on SKLearn', { model: { name: 'irises' } }),
      example('another name on TFServing', { runtime: { type: 'TFServing' }, model: { name: 'resnet' } }),
    ],
    passes: [
      example('the same name', { model: { name: 'iris' } }),
      example('another name on Triton', { runtime: { type: 'Triton' }, model: { name: 'Iris_2' } }),
      example('another name on TorchServe', { runtime: { type: 'TorchServe' }, model: { name: 'iris.mar' } }),
    ],
  },
  'inputs-dimension': {
    breaks: [example('no rows', { model: { inputs: tensor([0, 4]) } })],
    passes: [example('any number of rows', { model: { inputs: tensor([-1, 4]) } }), example('a scalar', { model: { inputs: tensor([]) } })],
  },
  'outputs-dimension': {
    breaks: [example('no columns', { model: { outputs: tensor([-1, 0]) } })],
    passes: [example('one column', { model: { outputs: tensor([-1, 1]) } })],
  },
  'storage-uri-blank': {
    breaks: [
      uri(' https://example.com/iris.zip'),
      uri('https://example.com/iris.zip\n'),
      uri('https://example.com/my iris.zip'),
      uri('https://example.com/\u00a0iris.zip'),
      uri('https://example.com/\u3000iris.zip'),
      uri('https://example.com/\u200biris.zip'),
      uri('https://example.com/\u0001iris.zip'),
    ],
    passes: [uri('https://example.com/my%20iris.zip'), uri('https://example.com/模型.zip')],
  },
  'storage-uri-scheme': {
    breaks: [
      uri('ftp://example.com/iris.zip'),
      uri('example.com/iris.zip'),
      uri('https:/example.com/iris.zip'),
      uri('HTTPS://example.com/iris.zip'),
      uri('https:///iris.zip'),
      uri('file:///mnt/iris'),
      uri('gs://'),
    ],
    passes: ['gs', 's3', 'pvc', 'http', 'https', 'hdfs', 'webhdfs', 'oci', 'hf'].map((scheme) => uri(`${scheme}://place/iris`)),
  },
  'storage-uri-credentials': {
    breaks: [
      uri('https://a.blob.core.windows.net/models/iris.zip?sv=2024&sig=abc'),
      uri('https://example.com/iris.zip?SIG=abc'),
      uri('https://example.com/iris.zip?x=1&X-Amz-Signature=abc'),
      uri('https://example.com/iris.zip?access_token=abc'),
      uri('https://user:secret@example.com/iris.zip'),
      uri('https://token@example.com/iris.zip'),
    ],
    passes: [
      uri('https://example.com/iris.zip?version=3'),
      uri('https://example.com/iris.zip?design=abc'),
      uri('https://example.com/iris@2.zip'),
      uri('https://example.com?contact=a@example.com'),
    ],
  },
  'source-one': {
    breaks: [
      from('none', {}),
      from('a URI and a volume', { storageUri: 'gs://bucket/iris', volume: { claimName: 'models' } }),
      from('a volume and an archive', { volume: { claimName: 'models' }, archive }),
      from('all three', { storageUri: 'gs://bucket/iris', volume: { claimName: 'models' }, archive }),
    ],
    passes: [
      from('a volume', { volume: { claimName: 'models' } }),
      from('an archive', { archive }),
      from('a folder of a volume', { volume: { claimName: 'models', path: 'iris/v1', revision: '2', repository: 'team-a' } }),
    ],
  },
  'verify-storage-uri': {
    breaks: [
      from('verify of a volume', { volume: { claimName: 'models' }, verify: true }),
      from('verify of an archive', { archive, verify: false }),
      from('a digest beside a volume', { volume: { claimName: 'models' }, sha256: digest }),
    ],
    passes: [from('verify of a URI', { storageUri: 'https://example.com/iris.zip', verify: true, sha256: digest })],
  },
  'verify-scheme': {
    breaks: [
      from('a bucket', { storageUri: 'gs://bucket/iris', verify: true }),
      from('a bucket with a digest', { storageUri: `s3://bucket/${digest}`, verify: true, sha256: digest }),
    ],
    passes: [
      from('a bucket that is not verified', { storageUri: 'gs://bucket/iris', verify: false }),
      from('plain http', { storageUri: `http://example.com/${digest}/model.zip`, verify: true }),
    ],
  },
  'verify-digest': {
    breaks: [
      from('no digest at all', { storageUri: 'https://example.com/iris.zip', verify: true }),
      from('a digest that is too short', { storageUri: `https://example.com/${digest.slice(1)}/model.zip`, verify: true }),
      from('another name in the folder', { storageUri: `https://example.com/${digest}/iris.zip`, verify: true }),
    ],
    passes: [
      from('a digest in the path', { storageUri: `https://example.com/${digest}`, verify: true }),
      from('a folder with a slash', { storageUri: `https://example.com/${digest}/`, verify: true }),
      from('a digest beside it', { storageUri: 'https://example.com/iris.zip', verify: true, sha256: digest }),
    ],
  },
  'digest-unused': {
    breaks: [
      from('nothing that reads it', { storageUri: 'https://example.com/iris.zip', sha256: digest }),
      from('verify that is off', { storageUri: 'https://example.com/iris.zip', sha256: digest, verify: false }),
    ],
    passes: [from('verify that is on', { storageUri: 'https://example.com/iris.zip', sha256: digest, verify: true })],
  },
  'volume-path': {
    breaks: ['/iris', 'iris/', '.', '..', 'a/../b', 'a//b', './a', 'a/..'].map(volumePath),
    passes: ['iris', 'iris/v1', '.hidden', '..a', 'a...', 'a.b/c'].map(volumePath),
  },
  'archive-credentials': {
    breaks: [
      archiveUrl('https://example.com/iris.zip?sig=abc'),
      archiveUrl('https://example.com/iris.zip?x=1&Token=abc'),
      archiveUrl('https://user:secret@example.com/iris.zip'),
    ],
    passes: [archiveUrl('https://example.com/iris.zip?version=3'), archiveUrl('http://example.com:8080/iris@2.zip')],
  },
  protocol: {
    breaks: [
      example('V2 on TFServing', { runtime: { type: 'TFServing', protocol: 'V2' } }),
      example('V1 on Triton', { runtime: { type: 'Triton', protocol: 'V1' } }),
      example('GRPCV1 on TorchServe', { runtime: { type: 'TorchServe', protocol: 'GRPCV1' } }),
      example('GRPCV2 on SKLearn', { runtime: { type: 'SKLearn', protocol: 'GRPCV2' } }),
      example('GRPCV1 on XGBoost', { runtime: { type: 'XGBoost', protocol: 'GRPCV1' } }),
      example('GRPCV2 on LightGBM', { runtime: { type: 'LightGBM', protocol: 'GRPCV2' } }),
    ],
    passes: [
      example('GRPCV1 on TFServing', { runtime: { type: 'TFServing', protocol: 'GRPCV1' } }),
      example('GRPCV2 on Triton', { runtime: { type: 'Triton', protocol: 'GRPCV2' } }),
      example('V2 on TorchServe', { runtime: { type: 'TorchServe', protocol: 'V2' } }),
      example('V2 on SKLearn', { runtime: { type: 'SKLearn', protocol: 'V2' } }),
      example('V1 on XGBoost', { runtime: { type: 'XGBoost', protocol: 'V1' } }),
      example('V2 on LightGBM', { runtime: { type: 'LightGBM', protocol: 'V2' } }),
    ],
  },
  'gpu-tag-missing': {
    breaks: [
      example('TFServing without the suffix', { runtime: { type: 'TFServing', version: '2.6.2' }, gpu: { count: 1 } }),
      example('TorchServe with it in the middle', { runtime: { type: 'TorchServe', version: '0.9.0-gpu-1' }, gpu: { count: 1 } }),
    ],
    passes: [
      example('TFServing with the suffix', { runtime: { type: 'TFServing', version: '2.6.2-gpu' }, gpu: { count: 1 } }),
      example('the default version', { runtime: { type: 'TFServing' }, gpu: { count: 1 } }),
      example('a digest', { runtime: { type: 'TorchServe', version: `sha256:${'a'.repeat(64)}` }, gpu: { count: 1 } }),
      example('Triton, one build for both', { runtime: { type: 'Triton', version: '23.05-py3' }, gpu: { count: 1 } }),
    ],
  },
  'gpu-tag-without-gpu': {
    breaks: [
      example('TFServing', { runtime: { type: 'TFServing', version: '2.6.2-gpu' } }),
      example('TorchServe', { runtime: { type: 'TorchServe', version: '0.9.0-gpu' } }),
    ],
    passes: [
      example('TFServing without the suffix', { runtime: { type: 'TFServing', version: '2.6.2' } }),
      example('SKLearn, where the tag says nothing', { runtime: { type: 'SKLearn', version: 'v1-gpu' } }),
    ],
  },
  'gpu-in-resources': {
    breaks: [
      example('a limit', { resources: { limits: { 'nvidia.com/gpu': 1 } } }),
      example('a slice, as a request', { resources: { requests: { 'nvidia.com/mig-1g.5gb': 1 } } }),
      example('another vendor', { resources: { limits: { 'amd.com/gpu': 1 } } }),
      example('the resource that spec.gpu names', {
        gpu: { count: 1, resourceName: 'example.com/accelerator' },
        resources: { limits: { 'example.com/accelerator': 1 } },
      }),
    ],
    passes: [
      example('spec.gpu beside cpu', { gpu: { count: 1 }, resources: { limits: { cpu: '1' } } }),
      example('an accelerator that spec.gpu does not name', { gpu: { count: 1 }, resources: { limits: { 'example.com/accelerator': 1 } } }),
    ],
  },
  'gpu-product-twice': {
    breaks: [
      example('both', {
        gpu: { count: 1, product: 'Tesla-T4' },
        scheduling: { nodeSelector: { 'nvidia.com/gpu.product': 'Tesla-T4' } },
      }),
    ],
    passes: [
      example('the product alone', { gpu: { count: 1, product: 'Tesla-T4' }, scheduling: { nodeSelector: { disk: 'ssd' } } }),
      example('the selector alone', { gpu: { count: 1 }, scheduling: { nodeSelector: { 'nvidia.com/gpu.product': 'Tesla-T4' } } }),
    ],
  },
  ...resources('resources'),
  ...resources('transformer'),
  'replicas-order': {
    breaks: [example('3 to 2', { scaling: { minReplicas: 3, maxReplicas: 2 } })],
    passes: [
      example('2 to 2', { scaling: { minReplicas: 2, maxReplicas: 2 } }),
      example('to 1', { scaling: { maxReplicas: 1 } }),
      example('from 3', { scaling: { minReplicas: 3 } }),
    ],
  },
  'scaling-metric-standard': {
    breaks: [
      example('Concurrency', { ...standard, scaling: { metric: 'Concurrency' } }),
      example('RPS', { ...standard, scaling: { metric: 'RPS' } }),
    ],
    passes: [
      example('Memory', { ...standard, scaling: { metric: 'Memory' } }),
      example('RPS in Knative mode', { ...knative, scaling: { metric: 'RPS' } }),
      example('RPS in the mode of the cluster', { scaling: { metric: 'RPS' } }),
    ],
  },
  'scaling-metric-knative': {
    breaks: [example('CPU', { ...knative, scaling: { metric: 'CPU' } }), example('Memory', { ...knative, scaling: { metric: 'Memory' } })],
    passes: [
      example('Concurrency', { ...knative, scaling: { metric: 'Concurrency' } }),
      example('CPU in Standard mode', { ...standard, scaling: { metric: 'CPU' } }),
      example('no metric', { ...knative, scaling: { maxReplicas: 2 } }),
    ],
  },
  'scaling-target': {
    breaks: [
      example('no metric', { scaling: { target: 5 } }),
      example('101 percent of CPU', { ...standard, scaling: { metric: 'CPU', target: 101 } }),
      example('101 percent of memory', { ...standard, scaling: { metric: 'Memory', target: 101 } }),
    ],
    passes: [
      example('100 percent of CPU', { ...standard, scaling: { metric: 'CPU', target: 100 } }),
      example('101 requests at a time', { ...knative, scaling: { metric: 'Concurrency', target: 101 } }),
    ],
  },
  'scale-to-zero-standard': {
    breaks: [example('0', { ...standard, scaling: { minReplicas: 0 } })],
    passes: [
      example('1', { ...standard, scaling: { minReplicas: 1 } }),
      example('0 in Knative mode', { ...knative, scaling: { minReplicas: 0 } }),
      example('0 in the mode of the cluster', { scaling: { minReplicas: 0 } }),
    ],
  },
  'concurrency-standard': {
    breaks: [
      example('4', { ...standard, scaling: { containerConcurrency: 4 } }),
      example('0', { ...standard, scaling: { containerConcurrency: 0 } }),
    ],
    passes: [example('4 in Knative mode', { ...knative, scaling: { containerConcurrency: 4 } })],
  },
  'profile-sweep-one': {
    breaks: [
      example('a sweep without a load', { profile: { auto: true, template: { sweep: { batchSizes: [1, 2] } } } }),
      example('two kinds of load', { profile: { auto: false, template: { sweep: { concurrency: [1], requestsPerSecond: [5] } } } }),
    ],
    passes: [
      example('a closed loop', { profile: { auto: true, template: { sweep: { concurrency: [1] } } } }),
      example('a search', { profile: { auto: true, template: { sweep: { search: { for: 'Concurrency', maximum: 8 } } } } }),
    ],
  },
  'canary-standard': {
    breaks: [example('10', { ...standard, rollout: { canaryTrafficPercent: 10 } })],
    passes: [
      example('10 in Knative mode', { ...knative, rollout: { canaryTrafficPercent: 10 } }),
      example('none', { ...standard, rollout: {} }),
    ],
  },
  'batching-protocol': {
    breaks: [
      example('V2', { runtime: { type: 'SKLearn', protocol: 'V2' }, batching: { maxBatchSize: 8 } }),
      example('Triton, whose default is V2', { runtime: { type: 'Triton' }, batching: { maxBatchSize: 8 } }),
    ],
    passes: [
      example('V1', { runtime: { type: 'TorchServe', protocol: 'V1' }, batching: { maxBatchSize: 8 } }),
      example('SKLearn, whose default is V1', { batching: { maxBatchSize: 8, maxLatencyMilliseconds: 50 } }),
    ],
  },
  'transformer-replicas-order': {
    breaks: [example('3 to 2', { transformer: { ...image, minReplicas: 3, maxReplicas: 2 } })],
    passes: [example('2 to 3', { transformer: { ...image, minReplicas: 2, maxReplicas: 3 } })],
  },
  'transformer-scale-to-zero-standard': {
    breaks: [example('0', { ...standard, transformer: { ...image, minReplicas: 0 } })],
    passes: [example('0 in Knative mode', { ...knative, transformer: { ...image, minReplicas: 0 } })],
  },
  ...keys('labels', 'label-key'),
  ...keys('annotations', 'annotation-key'),
  ...keys('nodeSelector', 'node-selector-key'),
  ...reserved('annotations', 'reserved-annotation'),
  ...reserved('labels', 'reserved-label', ['app', 'component']),
  'toleration-value': {
    breaks: [example('Exists with a value', tolerations({ key: 'gpu', operator: 'Exists', value: 'yes' }))],
    passes: [
      example('Equal with a value', tolerations({ key: 'gpu', operator: 'Equal', value: 'yes' })),
      example('Exists alone', tolerations({ key: 'gpu', operator: 'Exists' })),
    ],
  },
  'toleration-key': {
    breaks: [
      example('nothing at all', tolerations({})),
      example('an empty key with Equal', tolerations({ key: '', operator: 'Equal', value: 'yes' })),
      example('the second of two', tolerations({ operator: 'Exists' }, { effect: 'NoSchedule' })),
    ],
    passes: [example('every taint', tolerations({ operator: 'Exists' })), example('a key', tolerations({ key: 'gpu' }))],
  },
  'toleration-seconds': {
    breaks: [
      example('NoSchedule', tolerations({ key: 'gpu', effect: 'NoSchedule', tolerationSeconds: 5 })),
      example('every effect', tolerations({ key: 'gpu', tolerationSeconds: 0 })),
    ],
    passes: [example('NoExecute', tolerations({ key: 'gpu', effect: 'NoExecute', tolerationSeconds: 5 }))],
  },
};

const firstReadyTime = '2026-01-02T03:04:05Z';
const served = (object: ModelDeployment): ModelDeployment => ({ ...object, status: { firstReadyTime } });

const change = (what: string, old: ModelDeployment, object: ModelDeployment): ChangeExample => ({ what, old, object });

/** A field of the model that is fixed once served: changed, set and removed are refused; all of it is free before. */
function fixedModelField<K extends 'name' | 'architecture' | 'framework' | 'task' | 'dataset' | 'parent'>(
  field: K,
  one: NonNullable<ModelDeploymentSpec['model']>[K],
  other: typeof one,
): Record<string, Examples<ChangeExample>> {
  const triton = { runtime: { type: 'Triton' } } as const;
  const none = deployment(triton);
  const bare = deployment({ ...triton, model: { description: 'a sentence' } });
  const [first, second] = [one, other].map((value) => deployment({ ...triton, model: { [field]: value } })) as [
    ModelDeployment,
    ModelDeployment,
  ];
  return {
    [`fixed-model-${field}`]: {
      breaks: [
        change('another value', served(first), second),
        change('set', served(bare), first),
        change('set with the first spec.model', served(none), first),
        change('removed', served(first), bare),
        change('removed with spec.model', served(first), none),
      ],
      passes: [
        change('another value before it served', first, second),
        change('removed before it served', first, none),
        change('set before it served', none, first),
        change('the same with other fields changed', served(first), {
          ...first,
          spec: { ...first.spec, source: { storageUri: 'gs://bucket/next' } },
        }),
        change('neither before nor after', served(none), bare),
      ],
    },
  };
}

const inStandardMode = (object: ModelDeployment): ModelDeployment => ({ ...object, status: { deploymentMode: 'Standard' } });

export const changeExamples: Readonly<Record<string, Examples<ChangeExample>>> = {
  'fixed-deploymentMode': {
    breaks: [
      change('the other mode', deployment(standard), deployment(knative)),
      change('the other mode than the default that was taken', inStandardMode(deployment()), deployment(knative)),
      change('removed before status tells it', deployment(standard), deployment()),
    ],
    passes: [
      change('spelled out as it was taken', inStandardMode(deployment()), deployment(standard)),
      change('removed, status tells it', inStandardMode(deployment(standard)), deployment()),
      change('set before any mode was taken', deployment(), deployment(knative)),
      change('kept', deployment(standard), deployment({ ...standard, storageUri: 'gs://bucket/next' })),
    ],
  },
  'fixed-runtime-type': {
    breaks: [change('another runtime', served(deployment()), deployment({ runtime: { type: 'Triton' } }))],
    passes: [
      change('another runtime before it served', deployment(), deployment({ runtime: { type: 'Triton' } })),
      change('another version', served(deployment()), deployment({ runtime: { type: 'SKLearn', version: 'v0.20.0' } })),
    ],
  },
  ...fixedModelField('name', 'iris', 'irises'),
  ...fixedModelField('architecture', 'resnet50', 'resnet101'),
  ...fixedModelField('framework', 'ONNX', 'PyTorch'),
  ...fixedModelField('task', 'classification', 'detection'),
  ...fixedModelField('dataset', 'ImageNet', 'COCO'),
  ...fixedModelField('parent', 'resnet', 'vgg'),
};
