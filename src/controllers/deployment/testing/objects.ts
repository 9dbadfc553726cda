/** Objects for tests: a sound one each, with what a test is about laid over it. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { dialectOf } from '../../../kserve/dialect.ts';
import type { ClusterFacts } from '../../../kserve/facts.ts';
import type { InferenceServiceObject } from '../../../kserve/observation.ts';
import type { Cached } from '../../../kube/store.ts';
import { newestKServe } from '../../../models/kserve-version.ts';
import type { Observed } from '../observe.ts';

const born = '2026-01-01T00:00:00Z';

export function aDeployment(
  over: {
    name?: string;
    uid?: string;
    created?: string;
    spec?: Partial<ModelDeployment['spec']>;
    status?: ModelDeployment['status'];
    metadata?: object;
  } = {},
): Cached<ModelDeployment> {
  const { name = 'iris', uid = `uid-of-${name}`, created = born } = over;
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace: 'models', uid, resourceVersion: '10', generation: 3, creationTimestamp: created, ...over.metadata },
    spec: {
      runtime: { type: 'SKLearn' },
      source: { storageUri: 'https://account.blob.core.windows.net/models/iris/' },
      resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
      ...over.spec,
    },
    ...(over.status !== undefined && { status: over.status }),
  };
}

/** A model that says enough to be told apart from others. */
export const identifiedModel = {
  architecture: 'logistic-regression',
  framework: 'SKLearn',
  task: 'classification',
  dataset: 'iris',
  version: 1,
} as const;

export function aService(
  over: {
    owner?: { apiVersion?: string; kind?: string; name?: string; uid: string };
    annotations?: Record<string, string>;
    status?: InferenceServiceObject['status'];
    metadata?: object;
  } = {},
): Cached<InferenceServiceObject> {
  const { owner } = over;
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name: 'iris',
      namespace: 'models',
      uid: 'uid-of-service',
      resourceVersion: '20',
      generation: 1,
      creationTimestamp: born,
      ...(over.annotations !== undefined && { annotations: over.annotations }),
      ...(owner !== undefined && {
        ownerReferences: [{ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelDeployment', name: 'iris', controller: true, ...owner }],
      }),
      ...over.metadata,
    },
    spec: { predictor: {} },
    ...(over.status !== undefined && { status: over.status }),
  };
}

export const readyStatus: NonNullable<InferenceServiceObject['status']> = {
  conditions: [
    { type: 'Ready', status: 'True' },
    { type: 'PredictorReady', status: 'True' },
    { type: 'IngressReady', status: 'True' },
  ],
  url: 'http://iris.models.example.com',
  address: { url: 'http://iris-predictor.models.svc.cluster.local' },
  deploymentMode: 'Standard',
};

/** KServe 0.20 with Knative, whose own default is Standard. */
export const plainFacts: ClusterFacts = {
  resources: [
    { group: 'serving.kserve.io', version: 'v1beta1', resource: 'inferenceservices' },
    { group: 'serving.kserve.io', version: 'v1alpha1', resource: 'clusterservingruntimes' },
    { group: 'serving.knative.dev', version: 'v1', resource: 'services' },
  ],
  inferenceServiceConfig: { namespace: 'kserve', data: { deploy: '{"defaultDeploymentMode": "Standard"}' } },
  controllerImage: 'kserve/kserve-controller:v0.20.0',
};

/** Nothing about a promotion gate. */
export const noGate: Observed['gate'] = {
  named: undefined,
  shadows: [],
  profiles: [],
  servedByShadow: {},
  now: Date.parse(born),
};

export function anObservation(over: Partial<Observed> = {}): Observed {
  return {
    deployment: aDeployment(),
    facts: plainFacts,
    platform: dialectOf(newestKServe),
    policy: {},
    identityHolder: undefined,
    restricted: false,
    inferenceService: { kind: 'Absent' },
    children: { pods: [], deployments: [], replicaSets: [], knativeServices: [], revisions: [], events: [] },
    logs: [],
    settling: false,
    gate: noGate,
    packaging: { kind: 'NotAsked' },
    ...over,
  };
}
