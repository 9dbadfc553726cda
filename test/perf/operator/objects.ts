/** ModelDeployments of a known size, made and removed by many writers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, Thing } from '../../faults/api.ts';

export const deploymentsPath = (namespace: string) => `/apis/modelwright.dev/v1alpha1/namespaces/${namespace}/modeldeployments`;
export const servicesPath = (namespace: string) => `/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices`;

/** Bytes of pod annotations that bring a ModelDeployment and its InferenceService, status and managedFields included, to about 4 KB each. */
const padding = 400;

export const storageUri = (name: string) => `gs://kfserving-examples/models/sklearn/${name}`;

export function deploymentOf(namespace: string, name: string): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: {
      model: { architecture: 'logistic-regression', framework: 'SKLearn', task: 'classification', dataset: name, version: 1 },
      runtime: { type: 'SKLearn' },
      source: { storageUri: storageUri(name) },
      resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
      scaling: { minReplicas: 1, maxReplicas: 3 },
      podMetadata: { annotations: { note: 'x'.repeat(padding) } },
    },
  };
}

export const names = (count: number) => Array.from({ length: count }, (_, index) => `m${String(index).padStart(5, '0')}`);

/** Runs `work` for each item, `writers` at a time, in order. */
export async function inParallel<T>(items: readonly T[], writers: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const writer = async () => {
    while (next < items.length) {
      const item = items[next];
      next += 1;
      await work(item as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(writers, items.length) }, writer));
}

/** As many writers as the comparison in Go used. */
export const writers = 16;

export async function createDeployments(api: Api, namespace: string, count: number): Promise<void> {
  await inParallel(names(count), writers, async (name) => {
    await api.must('POST', deploymentsPath(namespace), deploymentOf(namespace, name));
  });
}

/** Every object of a collection, read page by page. */
export async function listAll(api: Api, path: string): Promise<Thing[]> {
  const items: Thing[] = [];
  let token = '';
  do {
    const page = await api.must('GET', `${path}?limit=500${token && `&continue=${encodeURIComponent(token)}`}`);
    items.push(...page.items);
    token = page.metadata.continue ?? '';
  } while (token !== '');
  return items;
}

/** Removes a namespace's objects: ModelDeployments first, then what nobody collects. No garbage collector is needed. */
export async function clear(api: Api, namespace: string): Promise<void> {
  for (const path of [deploymentsPath(namespace), servicesPath(namespace)]) {
    await inParallel(await listAll(api, path), writers, async ({ metadata: { name, finalizers } }) => {
      if (finalizers !== undefined) {
        await api.must(
          'PATCH',
          `${path}/${name}`,
          { metadata: { finalizers: null } },
          { contentType: 'application/merge-patch+json', accepted: [404] },
        );
      }
      await api.must('DELETE', `${path}/${name}`, undefined, { accepted: [404] });
    });
  }
}

/** Looks every 50 ms until `holds`; throws after `seconds`. */
export async function until(what: string, seconds: number, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(50);
  }
}
