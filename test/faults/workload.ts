/**
 * What people do with ModelDeployments, in steps. Each step acts, then waits for what the operator owes; the last state is compared with that of an
 * undisturbed run. All names begin with the trial's prefix, so that trials share a namespace without meeting.
 */
import { type Api, mergePatch, type Thing } from './api.ts';
import type { History } from './history.ts';

export interface Trial {
  readonly api: Api;
  readonly history: History;
  readonly namespace: string;
  readonly prefix: string;
}

export interface Step {
  readonly name: string;
  act(trial: Trial): Promise<void>;
  /** What must hold before the next step; it is looked at after every change in the cluster. */
  done(trial: Trial): boolean;
}

export interface Workload {
  readonly name: string;
  readonly steps: readonly Step[];
}

export const deployments = (namespace: string) => `/apis/modelwright.dev/v1alpha1/namespaces/${namespace}/modeldeployments`;
export const services = (namespace: string) => `/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices`;

type Spec = Readonly<Record<string, unknown>>;

const uri = (version: number) => `gs://kfserving-examples/models/sklearn/${version}.0/model`;
export const sklearn = (version: number): Spec => ({ runtime: { type: 'SKLearn' }, source: { storageUri: uri(version) } });

export function deploymentObject(trial: Trial, name: string, spec: Spec): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: trial.prefix + name, namespace: trial.namespace },
    spec,
  };
}

export async function create(trial: Trial, name: string, spec: Spec): Promise<void> {
  await trial.api.must('POST', deployments(trial.namespace), deploymentObject(trial, name, spec));
}

export async function change(trial: Trial, name: string, spec: Spec): Promise<void> {
  await trial.api.must('PATCH', `${deployments(trial.namespace)}/${trial.prefix}${name}`, { spec }, { contentType: mergePatch });
}

export async function remove(trial: Trial, name: string): Promise<void> {
  await trial.api.must('DELETE', `${deployments(trial.namespace)}/${trial.prefix}${name}`);
}

export function deployment(trial: Trial, name: string): Thing | undefined {
  return trial.history.get('ModelDeployment', trial.namespace, trial.prefix + name);
}

export function service(trial: Trial, name: string): Thing | undefined {
  return trial.history.get('InferenceService', trial.namespace, trial.prefix + name);
}

/** The Ready condition's status, once it speaks of the present generation. */
function ready(trial: Trial, name: string): string | undefined {
  const found = deployment(trial, name);
  if (found === undefined || found['status']?.observedGeneration !== found.metadata.generation) return undefined;
  const condition = found['status'].conditions?.find(({ type }: { type: string }) => type === 'Ready');
  return condition?.observedGeneration === found.metadata.generation ? condition.status : undefined;
}

const serves = (trial: Trial, name: string) => ready(trial, name) === 'True';
export const refused = (trial: Trial, name: string) => ready(trial, name) === 'False';

/** The InferenceService of `name` serves `version` and belongs to the present ModelDeployment. */
export function servesVersion(trial: Trial, name: string, version: number): boolean {
  const [owner, owned] = [deployment(trial, name), service(trial, name)];
  return (
    serves(trial, name) &&
    owned?.['spec'].predictor.model.storageUri === uri(version) &&
    owned.metadata.ownerReferences?.length === 1 &&
    owned.metadata.ownerReferences[0]?.uid === owner?.metadata.uid
  );
}

/** An InferenceService that somebody made before us: nothing of it may change. */
export function foreignService(trial: Trial, name: string): object {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: trial.prefix + name, namespace: trial.namespace, labels: { team: 'other' } },
    spec: { predictor: { model: { modelFormat: { name: 'sklearn' }, storageUri: uri(9) } } },
  };
}

/** A ModelDeployment that its schema accepts and the operator has to refuse: this cluster has no Knative. */
const unservable: Spec = { ...sklearn(1), deploymentMode: 'Knative' };

/** Created, changed, drifted, suspended, resumed, re-created under the same name, refused, in the way of others. */
export const lifecycle: Workload = {
  name: 'lifecycle',
  steps: [
    {
      name: 'create',
      async act(trial) {
        await trial.api.must('POST', services(trial.namespace), foreignService(trial, 'taken'));
        await create(trial, 'taken', sklearn(1));
        await create(trial, 'plain', sklearn(1));
        await create(trial, 'rich', {
          model: { architecture: 'resnet50', framework: 'ONNX', task: 'classification', dataset: `${trial.prefix}rich`, version: 1 },
          runtime: { type: 'Triton', protocol: 'V2' },
          source: { storageUri: uri(1) },
          resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
          scaling: { minReplicas: 1, maxReplicas: 3 },
          podMetadata: { labels: { team: 'a' } },
        });
        await create(trial, 'idle', { ...sklearn(1), suspend: true });
        await create(trial, 'refused', unservable);
      },
      done: (trial) =>
        servesVersion(trial, 'plain', 1) &&
        servesVersion(trial, 'rich', 1) &&
        refused(trial, 'idle') &&
        refused(trial, 'refused') &&
        refused(trial, 'taken'),
    },
    {
      name: 'change',
      async act(trial) {
        await change(trial, 'plain', sklearn(2));
        await change(trial, 'idle', { suspend: false });
        const drift = { spec: { predictor: { model: { storageUri: uri(7) } } }, metadata: { labels: { 'someone-else': 'kept' } } };
        await trial.api.must('PATCH', `${services(trial.namespace)}/${trial.prefix}rich?fieldManager=stranger`, drift, {
          contentType: mergePatch,
        });
      },
      done: (trial) => servesVersion(trial, 'plain', 2) && servesVersion(trial, 'idle', 1) && servesVersion(trial, 'rich', 1),
    },
    {
      name: 'replace',
      async act(trial) {
        await remove(trial, 'plain');
        await create(trial, 'plain', sklearn(3));
        await remove(trial, 'idle');
        await trial.api.must('DELETE', `${services(trial.namespace)}/${trial.prefix}taken`);
        await change(trial, 'rich', { suspend: true });
      },
      done: (trial) =>
        servesVersion(trial, 'plain', 3) &&
        servesVersion(trial, 'taken', 1) &&
        refused(trial, 'rich') &&
        service(trial, 'idle') === undefined &&
        deployment(trial, 'idle') === undefined,
    },
  ],
};

/** Many small changes without waiting, as a pipeline or a person in a hurry makes them; only the last state counts. */
export const hurry: Workload = {
  name: 'hurry',
  steps: [
    {
      name: 'create and delete',
      async act(trial) {
        await create(trial, 'kept', sklearn(1));
        await create(trial, 'brief', sklearn(1));
        await change(trial, 'kept', sklearn(2));
        await remove(trial, 'brief');
        await create(trial, 'brief', sklearn(2));
        await remove(trial, 'brief');
        await change(trial, 'kept', sklearn(1));
        await create(trial, 'late', { ...sklearn(1), suspend: true });
        await change(trial, 'late', { suspend: false });
      },
      done: (trial) => servesVersion(trial, 'kept', 1) && servesVersion(trial, 'late', 1) && service(trial, 'brief') === undefined,
    },
    {
      name: 'there and back',
      async act(trial) {
        await change(trial, 'kept', sklearn(4));
        await change(trial, 'kept', sklearn(1));
        await remove(trial, 'late');
        await create(trial, 'late', sklearn(5));
      },
      done: (trial) => servesVersion(trial, 'kept', 1) && servesVersion(trial, 'late', 5),
    },
  ],
};

/** Deletes every ModelDeployment and foreign InferenceService of the trial. */
export async function cleanUp(trial: Trial): Promise<void> {
  const { api, history, namespace, prefix } = trial;
  await Promise.all(
    history
      .present('ModelDeployment', namespace, prefix)
      .map(({ metadata: { name } }) => api.must('DELETE', `${deployments(namespace)}/${name}`, undefined, { accepted: [404] })),
  );
  // What nobody owns is the trial's own, not an orphan.
  await Promise.all(
    history
      .present('InferenceService', namespace, prefix)
      .filter(({ metadata: { ownerReferences = [] } }) => ownerReferences.length === 0)
      .map(({ metadata: { name } }) => api.must('DELETE', `${services(namespace)}/${name}`, undefined, { accepted: [404] })),
  );
}

/** Whether nothing of the trial is left. */
export function isClean({ history, namespace, prefix }: Trial): boolean {
  return (
    history.present('ModelDeployment', namespace, prefix).length === 0 &&
    history.present('InferenceService', namespace, prefix).length === 0
  );
}
