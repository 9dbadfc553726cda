/**
 * Plays KServe's part on InferenceServices, under the field manager `kserve-stand-in`: adds its finalizer and what its webhook fills in,
 * makes the Deployment and the Pod of the predictor, reports them ready, takes all of it away on deletion. It is a stand-in: what it does was
 * seen on the real manager (Standard mode, KServe 0.20), and the conformance tests run against that one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Api, Thing } from './api.ts';
import { mergePatch } from './api.ts';
import { differences } from './end-state.ts';
import type { History } from './history.ts';
import { runtimeOf } from './kserve-crd.ts';

/** How long the status of before stays after a change. */
const actMilliseconds = 60;
const finalizer = 'inferenceservice.finalizers';
const services = (namespace: string) => `/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices`;

export class KServeStandIn {
  readonly #api: Api;
  readonly #history: History;
  /** One piece of work at a time per object, so that its own writes do not race. */
  readonly #chains = new Map<string, Promise<void>>();
  readonly #leave: () => void;
  #closed = false;
  /** Failures that were not conflicts: none is expected. */
  readonly problems: string[] = [];

  constructor(api: Api, history: History) {
    this.#api = api;
    this.#history = history;
    this.#leave = history.onChange(({ kind, object }) => {
      if (kind === 'InferenceService') this.#enqueue(object.metadata.namespace ?? '', object.metadata.name);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leave();
    await Promise.allSettled(this.#chains.values());
  }

  #enqueue(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const before = this.#chains.get(key) ?? Promise.resolve();
    const next = before.then(() => this.#reconcile(namespace, name)).catch((error) => this.problems.push(String(error)));
    const chain = next.then(() => {
      if (this.#chains.get(key) === chain) this.#chains.delete(key);
    });
    this.#chains.set(key, chain);
  }

  async #reconcile(namespace: string, name: string): Promise<void> {
    const service = this.#history.get('InferenceService', namespace, name);
    if (service === undefined) return;
    const path = `${services(namespace)}/${name}`;
    const { uid, resourceVersion, finalizers = [] } = service.metadata;
    if (service.metadata.deletionTimestamp !== undefined) {
      if (!finalizers.includes(finalizer)) return;
      await this.#patch(path, { metadata: { uid, resourceVersion, finalizers: finalizers.filter((other) => other !== finalizer) } });
      return;
    }
    if (!finalizers.includes(finalizer)) {
      const model = service['spec']?.predictor?.model;
      await this.#patch(path, {
        metadata: { uid, resourceVersion, finalizers: [...finalizers, finalizer] },
        ...(model !== undefined && { spec: { predictor: { model: { name: model.name ?? '', resources: model.resources ?? {} } } } }),
      });
      return;
    }
    const status = service['status'] === undefined ? startingStatus(service) : servingStatus(service);
    if (differences(status, service['status']).length > 0) {
      // KServe takes its time too; meanwhile its status speaks of the spec before.
      await sleep(actMilliseconds);
      await this.#patch(`${path}/status`, { metadata: { uid, resourceVersion }, status });
    }
  }

  /** Conflicts and objects that went away are answered by the next change. */
  async #patch(path: string, body: unknown): Promise<void> {
    const { status, body: answer } = await this.#persistently('PATCH', `${path}?fieldManager=kserve-stand-in`, body);
    if (status >= 300 && status !== 404 && status !== 409) this.problems.push(`PATCH ${path}: ${status} ${answer?.message}`);
  }

  /** A controller tries again while the API server is away. */
  async #persistently(method: string, path: string, body: unknown): Promise<Answer> {
    for (;;) {
      try {
        const answer = await this.#api.request(method, path, body, mergePatch);
        if (answer.status < 500 && answer.status !== 429) return answer;
      } catch (error) {
        if (this.#closed) throw error;
      }
      await sleep(200);
    }
  }
}

const lastTransitionTime = '2026-01-01T00:00:00Z';

/** What KServe reports first, before anything runs. */
function startingStatus({ metadata: { generation } }: Thing): object {
  const condition = (type: string, message?: string) => ({ type, status: 'False', lastTransitionTime, ...(message && { message }) });
  return {
    conditions: [condition('IngressReady'), condition('PredictorReady'), condition('Ready', 'Predictor ingress not created')],
    deploymentMode: 'Standard',
    modelStatus: { states: { activeModelState: '', targetModelState: 'Pending' }, transitionStatus: 'InProgress' },
    observedGeneration: generation,
  };
}

/** What KServe reports once everything runs, or was stopped. */
function servingStatus({ metadata: { name, namespace, generation, annotations }, spec }: Thing): object {
  const format = spec?.predictor?.model?.modelFormat?.name ?? 'sklearn';
  const stopped = annotations?.['serving.kserve.io/stop'] === 'true';
  const condition = (type: string, status: boolean) => ({
    type,
    status: status ? 'True' : 'False',
    lastTransitionTime,
    ...(!status && { reason: 'Stopped' }),
  });
  return {
    ...(!stopped && {
      address: { url: `http://${name}-predictor.${namespace}.svc.cluster.local` },
      components: { predictor: { url: `http://${name}-predictor-${namespace}.example.com` } },
      url: `http://${name}-${namespace}.example.com`,
    }),
    conditions: [
      condition('IngressReady', !stopped),
      condition('PredictorReady', !stopped),
      condition('Ready', !stopped),
      ...(stopped ? [condition('Stopped', true)] : []),
    ],
    clusterServingRuntimeName: runtimeOf(format)?.name,
    deploymentMode: 'Standard',
    modelStatus: {
      copies: { failedCopies: 0, totalCopies: stopped ? 0 : 1 },
      states: { activeModelState: 'Loaded', targetModelState: 'Loaded' },
      transitionStatus: 'UpToDate',
    },
    observedGeneration: generation,
  };
}
