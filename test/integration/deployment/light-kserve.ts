/** An InferenceService CRD without KServe behind it: its schema has the fields that tell KServe 0.20, and keeps whatever else it is given. */
import { established } from '../../../hack/controlplane/established.ts';
import { apply, kubectl } from '../../support/cluster.ts';

const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;
const known = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { 'x-kubernetes-preserve-unknown-fields': true }]));

const predictor = [
  'model',
  'scaleTarget',
  'labels',
  'deploymentStrategy',
  'workerSpec',
  'autoScaling',
  'storageUris',
  'storageContainerName',
  'name',
];

export const inferenceServiceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'inferenceservices.serving.kserve.io' },
  spec: {
    group: 'serving.kserve.io',
    scope: 'Namespaced',
    names: {
      plural: 'inferenceservices',
      singular: 'inferenceservice',
      kind: 'InferenceService',
      listKind: 'InferenceServiceList',
      shortNames: ['isvc'],
    },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { ...anyObject, properties: { predictor: { ...anyObject, properties: known(predictor) }, ...known(['canary']) } },
              status: {
                ...anyObject,
                properties: known(['modelStatus', 'deploymentMode', 'clusterServingRuntimeName', 'servingRuntimeName']),
              },
            },
          },
        },
      },
    ],
  },
};

/** Installs the CRD and returns when it is served. */
export async function installInferenceServices(): Promise<void> {
  await apply(inferenceServiceDefinition);
  await established(kubectl, ['crd/inferenceservices.serving.kserve.io']);
}

/** A CRD that keeps whatever it is given, as far as discovery tells it from the real one. */
export function lightDefinition(group: string, version: string, plural: string, kind: string): object {
  const schema = { openAPIV3Schema: anyObject };
  return {
    ...inferenceServiceDefinition,
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, subresources: { status: {} }, schema }],
    },
  };
}

/** The two resources of Knative Serving that are looked at. */
export async function installKnative(): Promise<void> {
  await apply([
    lightDefinition('serving.knative.dev', 'v1', 'services', 'Service'),
    lightDefinition('serving.knative.dev', 'v1', 'revisions', 'Revision'),
  ]);
  await established(kubectl, ['crd/services.serving.knative.dev', 'crd/revisions.serving.knative.dev']);
}

/** Plays KServe: writes the status of an InferenceService. */
export async function playStatus(name: string, namespace: string, status: object): Promise<void> {
  await kubectl([
    'patch',
    'inferenceservice',
    name,
    '-n',
    namespace,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  ]);
}

/** What KServe says of a service that serves, in Standard mode. */
export function servingStatus(name: string, namespace: string): object {
  return {
    conditions: ['Ready', 'PredictorReady', 'IngressReady'].map((type) => ({ type, status: 'True' })),
    url: `http://${name}-${namespace}.example.com`,
    address: { url: `http://${name}-predictor.${namespace}.svc.cluster.local` },
    deploymentMode: 'Standard',
    modelStatus: { transitionStatus: 'UpToDate', states: { activeModelState: 'Loaded', targetModelState: 'Loaded' } },
  };
}
