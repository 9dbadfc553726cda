import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import type { ModelProfile, ModelProfileSpec } from '../../../src/api/model-profile/index.ts';
import { get, kubectl, list } from '../../support/cluster.ts';

/** A profile of two points with an objective of 100 ms. */
export function aProfile(name: string, namespace: string, spec: Partial<ModelProfileSpec> & Pick<ModelProfileSpec, 'target'>): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: { name, namespace },
    spec: {
      sweep: { batchSizes: [1], concurrency: [1, 2] },
      load: { durationSeconds: 10 },
      payload: { json: '{"instances": [[1, 2, 3, 4]]}' },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] },
      ...spec,
    },
  };
}

export const profileOf = (name: string, namespace: string) => get<ModelProfile>('modelprofile', name, namespace);
export const deploymentOf = (name: string, namespace: string) => get<ModelDeployment>('modeldeployment', name, namespace);

/** Names of all temporary ModelDeployments of a namespace. */
export async function temporaries(namespace: string): Promise<string[]> {
  const output = await kubectl(['get', 'modeldeployments', '-n', namespace, '-l', 'modelwright.dev/temporary', '-o', 'name']);
  return output.split('\n').filter(Boolean);
}

export async function services(namespace: string): Promise<string[]> {
  const found = await list<{ metadata: { name: string } }>('inferenceservices', namespace);
  return found.map(({ metadata }) => metadata.name).sort();
}

export function conditionOf(
  { status }: { readonly status?: { readonly conditions?: readonly { type: string; status: string; reason: string; message: string }[] } },
  type: string,
) {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function merge(kind: string, name: string, namespace: string, spec: object): Promise<string> {
  return kubectl(['patch', kind, name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
}
