/** What the cluster under test says, in the plain values that `src/kserve` works on. */
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import type { DeploymentMode } from '../../../src/api/model-deployment/serving.ts';
import { type Dialect, detectDialect } from '../../../src/kserve/dialect.ts';
import { type ClusterFacts, type ServedResource, type ServingRuntimeObject, schemaFieldsOf } from '../../../src/kserve/facts.ts';
import type { Observation } from '../../../src/kserve/observation.ts';
import { readServing } from '../../../src/kserve/read-status.ts';
import { type Rendered, renderInferenceService } from '../../../src/kserve/render.ts';
import type { Serving } from '../../../src/kserve/serving.ts';
import { eventually, get, kubectl, list } from '../../support/cluster.ts';

export const inferenceServices = 'inferenceservices.serving.kserve.io';

interface ConfigMap {
  readonly metadata: { readonly namespace: string };
  readonly data?: Record<string, string>;
}

/** Everything that the operator would collect by discovery. There is no Deployment of the controller here, since it runs as a process. */
export async function clusterFacts(): Promise<ClusterFacts> {
  const [kserve, knative] = await Promise.all([served('serving.kserve.io'), served('serving.knative.dev')]);
  const has = (resource: string) => kserve.some((one) => one.resource === resource);
  const config = await get<ConfigMap>('configmap', 'inferenceservice-config', 'kserve');
  const runtimes = has('clusterservingruntimes') ? await list<ServingRuntimeObject>('clusterservingruntimes.serving.kserve.io') : undefined;
  const inKnative = async (name: string) => (await get<ConfigMap>('configmap', name, 'knative-serving')).data ?? {};
  return {
    resources: [...kserve, ...knative],
    inferenceServiceFields: schemaFieldsOf(await get('crd', inferenceServices)),
    inferenceServiceConfig: { namespace: config.metadata.namespace, data: config.data ?? {} },
    ...(runtimes !== undefined && { clusterServingRuntimes: runtimes }),
    ...(knative.length > 0 && {
      knative: { configFeatures: await inKnative('config-features'), configDeployment: await inKnative('config-deployment') },
    }),
  };
}

async function served(group: string): Promise<ServedResource[]> {
  const groups = JSON.parse(await kubectl(['get', '--raw', '/apis'])) as { groups: { name: string; versions: { version: string }[] }[] };
  const versions = groups.groups.find(({ name }) => name === group)?.versions ?? [];
  const lists = await Promise.all(
    versions.map(async ({ version }) => {
      const { resources } = JSON.parse(await kubectl(['get', '--raw', `/apis/${group}/${version}`])) as { resources: { name: string }[] };
      return resources.map(({ name }) => ({ group, version, resource: name }));
    }),
  );
  return lists.flat();
}

export async function clusterDialect(): Promise<{ readonly facts: ClusterFacts; readonly dialect: Dialect }> {
  const facts = await clusterFacts();
  const dialect = detectDialect(facts);
  if (dialect.kind === 'Missing') throw new Error(dialect.message);
  return { facts, dialect };
}

/** A ModelDeployment that was rendered and applied, and how it is read. Its InferenceService goes with it, with its pods. */
export class Served implements AsyncDisposable {
  readonly dialect: Dialect;
  readonly mode: DeploymentMode;
  readonly #alter: (predictor: Predictor) => object;
  deployment: ModelDeployment;

  /** @param alter makes of what is rendered what a person could write by hand, for what `judge` would refuse before it is written. */
  constructor(
    deployment: ModelDeployment,
    dialect: Dialect,
    mode: DeploymentMode,
    alter: (predictor: Predictor) => object = (same) => same,
  ) {
    this.#alter = alter;
    this.deployment = deployment;
    this.dialect = dialect;
    this.mode = mode;
  }

  get rendered(): Rendered {
    return renderInferenceService(this.deployment, { dialect: this.dialect, mode: this.mode });
  }

  /** Server-side applies what is rendered, as the operator does, and gives the stored object. */
  async apply(spec: Partial<ModelDeployment['spec']> = {}): Promise<StoredService> {
    this.deployment = { ...this.deployment, spec: { ...this.deployment.spec, ...spec } };
    const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=modelwright', '-o', 'json', '-f', '-'];
    const { object } = this.rendered;
    const input = { ...object, spec: { ...object.spec, predictor: this.#alter(object.spec.predictor as unknown as Predictor) } };
    return JSON.parse(await kubectl(args, { input })) as StoredService;
  }

  async observe(): Promise<Observation> {
    const { name, namespace = '' } = this.deployment.metadata;
    const labelled = async <T>(kind: string): Promise<T[]> => {
      const selector = `serving.kserve.io/inferenceservice=${name}`;
      return (JSON.parse(await kubectl(['get', kind, '-n', namespace, '-l', selector, '-o', 'json'])) as { items: T[] }).items;
    };
    const knative = this.mode === 'Knative';
    const [inferenceService, pods, deployments, replicaSets, knativeServices, revisions, events] = await Promise.all([
      get<NonNullable<Observation['inferenceService']>>(inferenceServices, name, namespace),
      labelled<Observation['pods'][number]>('pods'),
      labelled<Observation['deployments'][number]>('deployments'),
      labelled<NonNullable<Observation['replicaSets']>[number]>('replicasets'),
      knative ? labelled<NonNullable<Observation['knativeServices']>[number]>('services.serving.knative.dev') : [],
      knative ? labelled<NonNullable<Observation['revisions']>[number]>('revisions.serving.knative.dev') : [],
      list<NonNullable<Observation['events']>[number]>('events', namespace),
    ]);
    return {
      deployment: this.deployment,
      dialect: this.dialect,
      mode: this.mode,
      inferenceService,
      pods,
      deployments,
      replicaSets,
      knativeServices,
      revisions,
      events,
    };
  }

  /** Reads until the service is as `wanted`; then gives that reading. */
  async until(wanted: (serving: Serving) => boolean, seconds = 60): Promise<Serving> {
    return eventually(async () => readServing(await this.observe()), wanted, seconds);
  }

  async remove(): Promise<void> {
    const { name, namespace = '' } = this.deployment.metadata;
    await kubectl(['delete', inferenceServices, name, '-n', namespace, '--ignore-not-found', '--timeout=60s']);
    const selector = `serving.kserve.io/inferenceservice=${name}`;
    await eventually(
      async () => (await kubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'name'])).trim(),
      (names) => names === '',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/** `spec.predictor` as it is rendered for a KServe that has runtimes. */
export interface Predictor {
  readonly model: Readonly<Record<string, unknown>>;
}

export interface StoredService {
  readonly metadata: { readonly resourceVersion: string; readonly generation: number };
  readonly spec: unknown;
}
