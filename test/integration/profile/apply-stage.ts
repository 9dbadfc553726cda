/**
 * A place where profiles apply what they find: models that serve, and runs that measure copies of them with other resources. KServe, Job controller and
 * kubelet are played; the API server is real, and so is who owns which field.
 */
import assert from 'node:assert/strict';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import type { CompactPoint } from '../../../src/load/point-code.ts';
import { apply, eventually, get, kubectl, list } from '../../support/cluster.ts';
import { installInferenceServices, playStatus, servingStatus } from '../deployment/light-kserve.ts';
import { aModel, deployed, says, serviceIfAny } from '../deployment/objects.ts';
import { ownControlPlane, Stage } from '../deployment/stage.ts';
import { completeJob, endPod, playPod } from './job-controller.ts';
import { aModelProfile, type Job, jobsOf, messageFor, type Profiled, profiled } from './objects.ts';

export const consent = 'modelwright.dev/apply-profile';

interface Managed {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: object;
}
export type Model = ModelDeployment & { readonly metadata: { readonly managedFields?: readonly Managed[] } };

export class ApplyStage implements AsyncDisposable {
  readonly stage: Stage;
  readonly #plane: ControlPlane;

  private constructor(plane: ControlPlane, stage: Stage) {
    this.#plane = plane;
    this.stage = stage;
  }

  static async start(prefix: string): Promise<ApplyStage> {
    const plane = await ownControlPlane();
    try {
      await installInferenceServices();
      await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker' } });
      const room = { cpu: '64', memory: '256Gi', pods: '110' };
      const status = JSON.stringify({ status: { allocatable: room, capacity: room } });
      await kubectl(['patch', 'node', 'worker', '--subresource=status', '--type=merge', '-p', status]);
      await kubectl(['taint', 'node', 'worker', 'node.kubernetes.io/not-ready:NoSchedule-']).catch(() => undefined);
      const stage = await Stage.start(prefix);
      const benchmark = { maxConcurrentRuns: 20 };
      await apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec: { benchmark } });
      return new ApplyStage(plane, stage);
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  get namespace(): string {
    return this.stage.namespace;
  }

  /** A model that serves, written by `kubectl apply --server-side` (field manager kubectl). It lets the profile of its name apply what it finds. */
  async serving(name: string, spec: object = {}, metadata: object = { annotations: { [consent]: name } }): Promise<void> {
    const model = aModel(name, this.namespace, spec) as { metadata: object };
    await apply({ ...model, metadata: { ...model.metadata, ...metadata } });
    await this.#serve(name);
    await eventually(() => deployed(name, this.namespace), says('Ready', 'True'), 120);
  }

  async #serve(name: string): Promise<void> {
    await eventually(() => serviceIfAny(name, this.namespace), Boolean, 120);
    await playStatus(name, this.namespace, servingStatus(name, this.namespace));
  }

  /** A profile of the model of its name that measures a copy with these limits, and applies what it finds. */
  profile(name: string, cpu: string, spec: object = {}): Promise<unknown> {
    return apply(
      aModelProfile(name, this.namespace, {
        target: { modelDeployment: name },
        mode: 'Dedicated',
        sweep: { concurrency: [1], hardware: [{ name: 'wide', resources: { limits: { cpu } } }] },
        objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] },
        apply: 'Apply',
        ...spec,
      }),
    );
  }

  /** Lets the run under way make its copy, measure it and end. */
  async finish(name: string, change?: (point: CompactPoint) => CompactPoint): Promise<Profiled> {
    const made = ({ status }: Profiled) => status?.hardware?.find(({ modelDeployment }) => modelDeployment !== undefined)?.modelDeployment;
    const preparing = await this.until(name, (one) => one.status?.run?.state === 'Running' && made(one) !== undefined);
    await this.#serve(made(preparing) ?? '');
    const running = await this.until(name, ({ status }) => (status?.run?.jobs ?? []).length > 0);
    const run = running.status?.run;
    const job = (await jobsOf(running)).find(({ metadata }) => metadata.name === run?.jobs?.at(-1)) as Job;
    await endPod(await playPod(job, 0, this.namespace), this.namespace, messageFor(job, 0, change));
    await completeJob(job, this.namespace);
    return this.until(name, ({ status }) => status?.run?.id === run?.id && status?.run?.state === 'Complete');
  }

  until(name: string, wanted: (profile: Profiled) => boolean): Promise<Profiled> {
    return eventually(() => profiled(name, this.namespace), wanted, 180);
  }

  /** Waits for condition Applied with this reason, and gives its message. */
  async says(name: string, reason: string): Promise<string> {
    const profile = await this.until(name, (one) => {
      const isCurrent = one.status?.observedGeneration === one.metadata.generation;
      return isCurrent && appliedOf(one)?.reason === reason;
    });
    return appliedOf(profile)?.message ?? '';
  }

  change(kind: 'modelprofile' | 'modeldeployment', name: string, spec: object, manager = 'kubectl-patch'): Promise<string> {
    const body = JSON.stringify({ spec });
    return kubectl(['patch', kind, name, '-n', this.namespace, '--type=merge', `--field-manager=${manager}`, '-p', body]);
  }

  async model(name: string): Promise<Model> {
    return JSON.parse(
      await kubectl(['get', 'modeldeployment', name, '-n', this.namespace, '--show-managed-fields', '-o', 'json']),
    ) as Model;
  }

  async limits(name: string): Promise<unknown> {
    return (await this.model(name)).spec.resources?.limits;
  }

  /** After our change KServe rolls it out. */
  async rolledOut(name: string): Promise<void> {
    await this.#serve(name);
    await eventually(() => deployed(name, this.namespace), says('Ready', 'True'), 120);
  }

  async events(name: string, reason: string): Promise<readonly string[]> {
    const all = await list<{ reason: string; message: string; involvedObject: { name: string } }>('events', this.namespace);
    return all.filter((event) => event.reason === reason && event.involvedObject.name === name).map(({ message }) => message);
  }

  /** Writes part of a profile's status, as the operator would have before it ended. */
  async forge(name: string, status: object): Promise<void> {
    const body = JSON.stringify({ status });
    await kubectl(['patch', 'modelprofile', name, '-n', this.namespace, '--subresource=status', '--type=merge', '-p', body]);
  }

  async remove(name: string): Promise<void> {
    for (const kind of ['modelprofile', 'modeldeployment'])
      await kubectl(['delete', kind, name, '-n', this.namespace, '--ignore-not-found']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    await this.#plane.stop();
  }
}

export function appliedOf({ status }: Profiled) {
  return status?.conditions?.find(({ type }) => type === 'Applied');
}

/** The fields of a model's spec that a manager has applied, as the API server accounts for them. */
export function ownedBy({ metadata }: Model, manager: string): object | undefined {
  const entry = metadata.managedFields?.find((one) => one.manager === manager && one.operation === 'Apply');
  return (entry?.fieldsV1 as { 'f:spec'?: object } | undefined)?.['f:spec'];
}

export async function patchMap(
  name: string,
  namespace: string,
): Promise<{
  readonly data: Readonly<Record<string, string>>;
  readonly metadata: { readonly ownerReferences?: readonly { readonly name: string }[] };
}> {
  const found = await get<Awaited<ReturnType<typeof patchMap>>>('configmap', name, namespace);
  assert.ok(found.data);
  return found;
}
