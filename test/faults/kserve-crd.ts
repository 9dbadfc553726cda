/**
 * What KServe 0.20 puts into a cluster, as far as an operator looks at it: an InferenceService CRD with the fields that tell KServe versions
 * apart (everything else is preserved as it comes), its ConfigMap, its controller's Deployment and one runtime per model format.
 * No KServe code runs in the campaign; `kserve-stand-in.ts` plays its part.
 */
import { type Api, applyPatch } from './api.ts';

const anything = { 'x-kubernetes-preserve-unknown-fields': true } as const;
const anyObject = { type: 'object', ...anything } as const;

const predictor = {
  type: 'object',
  properties: {
    model: anyObject,
    scaleTarget: { type: 'integer' },
    labels: anyObject,
    annotations: anyObject,
    deploymentStrategy: anyObject,
    workerSpec: anyObject,
    autoScaling: anyObject,
    storageUris: { type: 'array', items: anyObject },
    storageContainerName: { type: 'string' },
    name: { type: 'string' },
  },
  ...anything,
} as const;

function definition(plural: string, kind: string, scope: 'Namespaced' | 'Cluster', schemas: Readonly<Record<string, object>>): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.serving.kserve.io` },
    spec: {
      group: 'serving.kserve.io',
      scope,
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: Object.entries(schemas).map(([name, schema]) => ({
        name,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      })),
    },
  };
}

const definitions = [
  definition('inferenceservices', 'InferenceService', 'Namespaced', {
    v1beta1: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { predictor, canary: anyObject }, ...anything },
        status: {
          type: 'object',
          properties: {
            modelStatus: anyObject,
            deploymentMode: { type: 'string' },
            clusterServingRuntimeName: { type: 'string' },
            servingRuntimeName: { type: 'string' },
          },
          ...anything,
        },
      },
    },
  }),
  definition('clusterservingruntimes', 'ClusterServingRuntime', 'Cluster', { v1alpha1: anyObject }),
  definition('servingruntimes', 'ServingRuntime', 'Namespaced', { v1alpha1: anyObject }),
];

/** Runtime names and images as KServe 0.20's `config/runtimes` has them. */
const runtimes = [
  ['kserve-sklearnserver', 'sklearn', 'kserve/sklearnserver:v0.20.0', ['v1', 'v2']],
  ['kserve-tritonserver', 'triton', 'nvcr.io/nvidia/tritonserver:23.05-py3', ['v2', 'grpc-v2']],
  ['kserve-tensorflow-serving', 'tensorflow', 'tensorflow/serving:2.6.2', ['v1', 'grpc-v1']],
  ['kserve-torchserve', 'pytorch', 'pytorch/torchserve-kfs:0.9.0', ['v1', 'v2', 'grpc-v2']],
  ['kserve-xgbserver', 'xgboost', 'kserve/xgbserver:v0.20.0', ['v1', 'v2']],
  ['kserve-lgbserver', 'lightgbm', 'kserve/lgbserver:v0.20.0', ['v1', 'v2']],
] as const;

/** The runtime that serves a model format. */
export function runtimeOf(format: string): { readonly name: string; readonly image: string } | undefined {
  const found = runtimes.find(([, served]) => served === format);
  return found && { name: found[0], image: found[2] };
}

/** Makes `api`'s cluster look like one with KServe 0.20 in Standard mode. */
export async function installKServe(api: Api): Promise<void> {
  const apply = (path: string, object: object) =>
    api.must('PATCH', `${path}?fieldManager=kserve-stand-in&force=true`, object, { contentType: applyPatch });
  for (const crd of definitions) {
    const { name } = (crd as { metadata: { name: string } }).metadata;
    await apply(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`, crd);
  }
  await apply('/api/v1/namespaces/kserve', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kserve' } });
  await apply('/api/v1/namespaces/kserve/configmaps/inferenceservice-config', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'inferenceservice-config', namespace: 'kserve' },
    data: { deploy: '{"defaultDeploymentMode": "Standard"}', ingress: '{"ingressDomain": "example.com", "urlScheme": "http"}' },
  });
  const labels = { 'control-plane': 'kserve-controller-manager' };
  await apply('/apis/apps/v1/namespaces/kserve/deployments/kserve-controller-manager', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'kserve-controller-manager', namespace: 'kserve', labels },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'manager', image: 'kserve/kserve-controller:v0.20.0' }] } },
    },
  });
  for (const [name, format, image, protocolVersions] of runtimes) {
    await untilServed(api, `/apis/serving.kserve.io/v1alpha1/clusterservingruntimes`);
    await apply(`/apis/serving.kserve.io/v1alpha1/clusterservingruntimes/${name}`, {
      apiVersion: 'serving.kserve.io/v1alpha1',
      kind: 'ClusterServingRuntime',
      metadata: { name },
      spec: {
        protocolVersions,
        supportedModelFormats: [{ name: format, version: '1', autoSelect: true, priority: 1 }],
        containers: [{ name: 'kserve-container', image }],
      },
    });
  }
  await untilServed(api, '/apis/serving.kserve.io/v1beta1/inferenceservices');
}

/** A definition is served a moment after it was made. */
export async function untilServed(api: Api, path: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if ((await api.request('GET', `${path}?limit=1`)).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${path} is not served`);
}
