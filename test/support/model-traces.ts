/** What a model's service consists of in the cluster, in the words that change when something of it is made anew. */
import { kubectl } from './cluster.ts';

interface Item {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation?: number;
    readonly labels?: object;
    readonly annotations?: object;
  };
  readonly spec?: { readonly template?: object };
  readonly status?: { readonly containerStatuses?: readonly { readonly name: string; readonly restartCount: number }[] };
}

const ofStandard = [
  'inferenceservice.serving.kserve.io',
  'deployment.apps',
  'replicaset.apps',
  'service',
  'horizontalpodautoscaler',
  'pod',
];
const ofKnative = ['services.serving.knative.dev', 'configurations.serving.knative.dev', 'revisions.serving.knative.dev'];

/**
 * Of each object: its identity, its generation, and what pods are made of; of pods, how often each container was started again.
 * Two that are equal mean that nothing was made anew, changed or restarted between them.
 */
export async function modelTraces(namespace: string, { knative = false } = {}): Promise<Record<string, object>> {
  const kinds = [...ofStandard, ...(knative ? ofKnative : [])].join(',');
  const { items } = JSON.parse(await kubectl(['get', kinds, '-n', namespace, '-o', 'json'])) as { items: Item[] };
  return Object.fromEntries(items.map((item) => [`${item.kind} ${item.metadata.name}`, traceOf(item)]));
}

function traceOf({ kind, metadata, spec, status }: Item): object {
  const { uid, generation, labels, annotations } = metadata;
  if (kind === 'Pod') {
    const restarts = status?.containerStatuses?.map(({ name, restartCount }) => `${name} ${restartCount}`).sort();
    return { uid, restarts };
  }
  return { uid, generation, template: spec?.template, ...(kind === 'InferenceService' && { labels, annotations }) };
}
