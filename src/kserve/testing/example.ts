import type { ModelDeployment, ModelDeploymentSpec } from '../../api/model-deployment/index.ts';

/** A small valid ModelDeployment for tests, with the given parts of the spec in place of its own. */
export function exampleDeployment(
  spec: Partial<ModelDeploymentSpec> = {},
  metadata: Partial<ModelDeployment['metadata']> = {},
): ModelDeployment {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: 'iris', namespace: 'models', ...metadata },
    spec: {
      runtime: { type: 'SKLearn' },
      source: { storageUri: 'https://models.blob.core.chinacloudapi.cn/ml-models/iris.zip' },
      ...spec,
    },
  };
}
