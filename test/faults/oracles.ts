/**
 * What must hold after, and all through, a trial. Each oracle takes what was recorded and gives a sentence per violation.
 * None of them asks the operator: they read the cluster's history and the proxy's record.
 */
import type { Thing } from './api.ts';
import { differences, type State, stateOf } from './end-state.ts';
import type { Change } from './history.ts';
import type { Trial } from './workload.ts';

/** A request of the operator as the proxy saw it. */
export interface OperatorRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** The body, where there was one and it is JSON. */
  readonly body: unknown;
  /** Status that the API server gave; undefined where it was never asked, or gave none. */
  readonly status: number | undefined;
  /** When it arrived at the proxy, milliseconds of `performance.now()`. */
  readonly arrived: number;
  /** When the API server's answer was here. */
  readonly at: number;
}

/** What an undisturbed run led to. */
export interface Reference {
  readonly state: State;
  /** Writes of the operator on the workload's objects. */
  readonly writes: number;
}

export function presentState({ history, namespace, prefix }: Trial): State {
  const kinds = ['ModelDeployment', 'InferenceService'];
  return stateOf(Object.fromEntries(kinds.map((kind) => [kind, history.present(kind, namespace, prefix)])), namespace, prefix);
}

/** The same end state as an undisturbed run. */
export function endState(trial: Trial, reference: Reference): string[] {
  return differences(reference.state, presentState(trial)).map((difference) => `end state: ${difference}`);
}

/** Nothing is left whose owner is gone. */
export function orphans({ history, namespace, prefix }: Trial): string[] {
  const owners = new Set(history.present('ModelDeployment', namespace, prefix).map(({ metadata }) => metadata.uid));
  return history
    .present('InferenceService', namespace, prefix)
    .filter(({ metadata: { ownerReferences = [] } }) => ownerReferences.length > 0 && ownerReferences.every(({ uid }) => !owners.has(uid)))
    .map(({ metadata }) => `orphan: InferenceService ${metadata.name} belongs to no ModelDeployment that exists`);
}

/** InferenceServices made per ModelDeployment (by uid): one, unless somebody else took it away meanwhile. */
export function doubleCreations(changes: readonly Change[]): string[] {
  const made = new Map<string, Set<string>>();
  for (const { kind, object } of changes) {
    const owner = kind === 'InferenceService' ? ownerOf(object) : undefined;
    if (owner !== undefined) made.set(owner, (made.get(owner) ?? new Set()).add(object.metadata.uid));
  }
  return [...made]
    .filter(([, services]) => services.size > 1)
    .map(([owner, services]) => `double creation: ModelDeployment ${owner} got ${services.size} InferenceServices one after the other`);
}

/** No object changes hands: an InferenceService once made for one ModelDeployment (by uid) is never made over to another. */
export function identity(changes: readonly Change[]): string[] {
  const owners = new Map<string, string>();
  const found: string[] = [];
  for (const { kind, object } of changes) {
    if (kind !== 'InferenceService') continue;
    const { uid, name, ownerReferences = [] } = object.metadata;
    const owner = ownerReferences.map((reference) => reference.uid).join(',');
    const before = owners.get(uid);
    if (before !== undefined && before !== owner)
      found.push(`identity: InferenceService ${name} passed from owner "${before}" to "${owner}"`);
    owners.set(uid, owner);
  }
  return found;
}

/** What nobody gave us is never written to: an InferenceService without an owner carries no field of ours. */
export function collateral(changes: readonly Change[]): string[] {
  const touched = changes.filter(
    ({ kind, object }) =>
      kind === 'InferenceService' &&
      (object.metadata.ownerReferences ?? []).length === 0 &&
      object.metadata.managedFields?.some(({ manager }) => manager.startsWith('modelwright')),
  );
  return [...new Set(touched.map(({ object }) => `collateral: InferenceService ${object.metadata.name} of somebody else was written to`))];
}

/** Deletes name the very object they mean. */
export function preconditions(requests: readonly OperatorRequest[]): string[] {
  return requests
    .filter(({ method }) => method === 'DELETE')
    .filter(({ body }) => (body as { preconditions?: { uid?: string } } | undefined)?.preconditions?.uid === undefined)
    .map(({ path }) => `identity: DELETE ${path} without a UID precondition`);
}

/** Writes of status name the object (uid or version) that was judged. */
export function statusPreconditions(requests: readonly OperatorRequest[]): string[] {
  return requests
    .filter(({ method, path }) => method !== 'GET' && /\/modeldeployments\/[^/?]+\/status/.test(path))
    .filter(({ body }) => {
      const { uid, resourceVersion } = (body as { metadata?: Thing['metadata'] } | undefined)?.metadata ?? {};
      return uid === undefined && resourceVersion === undefined;
    })
    .map(({ method, path }) => `identity: ${method} ${path} names neither uid nor resourceVersion`);
}

/** No read asks for whatever some server has in its cache: that may be from before the last restart. */
export function consistentReads(requests: readonly OperatorRequest[]): string[] {
  return requests
    .filter(({ path }) => /[?&]resourceVersion=0(&|$)/.test(path))
    .map(({ path }) => `stale read: GET ${path} is content with any past state`);
}

/** The status tells the truth, at every moment: about which generation, and that the model serves. */
export function statusTruth(changes: readonly Change[]): string[] {
  const found = new Set<string>();
  const observed = new Map<string, number>();
  for (const { kind, object, type, revision } of changes) {
    const { status } = object;
    if (kind !== 'ModelDeployment' || type === 'DELETED' || status === undefined) continue;
    const { uid, name, generation = 0 } = object.metadata;
    const seen = Number(status.observedGeneration ?? 0);
    if (seen > generation) found.add(`status: ${name} observed generation ${seen} of ${generation}`);
    if (seen < (observed.get(uid) ?? 0)) found.add(`status: ${name} went back from generation ${observed.get(uid)} to ${seen}`);
    observed.set(uid, seen);
    const ready = status.conditions?.find((condition: { type: string }) => condition.type === 'Ready');
    if (Number(ready?.observedGeneration ?? 0) > generation) found.add(`status: ${name} Ready speaks of a generation to come`);
    if (ready?.status === 'True' && ready.observedGeneration === generation && !served(changes, object, revision)) {
      found.add(`status: ${name} said Ready at generation ${generation}, and no InferenceService had served that`);
    }
  }
  return [...found];
}

/** Whether, up to `revision`, an InferenceService of `deployment` had the declared model and KServe had reported it ready as it was. */
function served(changes: readonly Change[], deployment: Thing, revision: number): boolean {
  return changes.some(({ kind, object, revision: at }) => {
    if (kind !== 'InferenceService' || at > revision || ownerOf(object) !== deployment.metadata.uid) return false;
    const { spec, status, metadata } = object;
    return (
      spec?.predictor?.model?.storageUri === deployment['spec'].source.storageUri &&
      status?.observedGeneration === metadata.generation &&
      status.conditions?.some(({ type, status: value }: { type: string; status: string }) => type === 'Ready' && value === 'True')
    );
  });
}

/** Whether a request is a write of the operator's work: not its lease, not an event. */
export function isWork({ method, path }: Pick<OperatorRequest, 'method' | 'path'>): boolean {
  return method !== 'GET' && !path.includes('/leases') && !path.includes('/events');
}

function ownerOf(object: Thing): string | undefined {
  return object.metadata.ownerReferences?.find(({ kind }) => kind === 'ModelDeployment')?.uid;
}
