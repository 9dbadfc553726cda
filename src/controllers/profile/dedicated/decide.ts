/** The copies of a Dedicated run: which one is there now, which entry is measured, and what came of the others. Pure. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { HardwareStatus } from '../../../api/model-profile/dedicated.ts';
import type { OwnerReference } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { deadlineOf, temporaryCopy, temporaryName } from '../../deployment/temporary.ts';
import type { NodeObject } from '../resources.ts';
import { basisOf, specOfCopy } from './copy.ts';
import type { Entry } from './entries.ts';
import { whyNoNode } from './nodes.ts';

/** A copy serves within this time, or its entry has failed. Large models on a node that has to pull a large image take long. */
export const readyWithinMilliseconds = 30 * 60_000;

export interface DedicatedObserved {
  readonly entries: readonly Entry[];
  /** The model that is copied. */
  readonly original: Cached<ModelDeployment>;
  /** Every copy that the profile owns, of this run or of another. */
  readonly copies: readonly Cached<ModelDeployment>[];
  /** Undefined where they could not be read: then a copy is made without asking. */
  readonly nodes: readonly NodeObject[] | undefined;
  readonly knativeFlags: Readonly<Record<string, string>> | undefined;
  /** The run, while it may go on; undefined when it has ended, was cancelled or waits: then no copy may be there. */
  readonly run: { readonly id: string; readonly owner: OwnerReference; readonly endsAt: number } | undefined;
  /** What the status says of the entries of this run. */
  readonly recorded: readonly HardwareStatus[];
  /** Whether anything of an entry is left to be measured, and whether it is still tried. */
  readonly outcomeOf: (entry: string) => 'Open' | 'Measured' | 'GivenUp';
  /** Copies that the API server would not take, by name, with what it said. */
  readonly refused: ReadonlyMap<string, string>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface DedicatedDecision {
  readonly hardware: readonly HardwareStatus[];
  /** The copy that should be there. */
  readonly apply?: ModelDeployment;
  readonly remove: readonly Cached<ModelDeployment>[];
  /** The entry to measure now, and the ModelDeployment that serves it. */
  readonly measure?: { readonly entry: string; readonly modelDeployment: string };
  /** Milliseconds since 1970: when the clock changes the decision. */
  readonly again?: number;
}

const changed =
  'The ModelDeployment was changed after the run had begun, and copies of two cannot be compared; change spec.runId to measure all of it again';
const gone = 'No node of the cluster has this GPU product any more';
const givenUp =
  'The copy serves, and no Job could measure all of its points; events of the Jobs, and the reasons of invalid points, say why';

/** What is settled for the rest of the run. */
const settled: readonly HardwareStatus['state'][] = ['Measured', 'Unavailable', 'Failed'];

/**
 * One entry after the other: a node that can take the copy, the copy, its turn to be measured, and away with it, before the next one is
 * made. An entry that cannot be had or does not serve ends with the reason, and the others go on.
 */
export function decideDedicated(observed: DedicatedObserved): DedicatedDecision {
  const { copies, run, recorded, outcomeOf } = observed;
  if (run === undefined) return { hardware: recorded.map(withoutCopy), remove: copies };
  // What a run measures is settled when it begins: nodes may come and go.
  const isOfRun = (name: string) => recorded.length === 0 || recorded.some((one) => one.name === name);
  const entries = observed.entries.filter(({ name }) => isOfRun(name));
  const left = recorded
    .filter(({ name }) => !entries.some((entry) => entry.name === name))
    .map(
      (one): HardwareStatus => (settled.includes(one.state) ? withoutCopy(one) : { name: one.name, state: 'Unavailable', message: gone }),
    );
  const states = new Map<string, HardwareStatus>();
  let current: { readonly entry: Entry; readonly step: Exclude<Step, { kind: 'Over' }> } | undefined;
  for (const entry of entries) {
    const { name } = entry;
    const before = recorded.find((status) => status.name === name);
    if (before !== undefined && settled.includes(before.state)) states.set(name, withoutCopy(before));
    else if (outcomeOf(name) === 'Measured')
      states.set(name, { name, state: 'Measured', ...(before?.basis !== undefined && { basis: before.basis }) });
    else if (outcomeOf(name) === 'GivenUp') states.set(name, { name, state: 'Failed', message: givenUp });
    else if (current !== undefined) states.set(name, { name, state: 'Waiting' });
    else {
      const step = stepOf(entry, run, observed);
      states.set(name, step.status);
      if (step.kind !== 'Over') current = { entry, step };
    }
  }
  const hardware = [...entries.flatMap(({ name }) => states.get(name) ?? []), ...left];
  if (current === undefined) return { hardware, remove: copies };
  const { step } = current;
  const remove = copies.filter(({ metadata }) => metadata.name !== step.copyName);
  const again = step.kind === 'Make' ? undefined : step.deadline;
  return {
    hardware,
    remove,
    // The GPU of the last copy is needed for the next one.
    ...(step.kind === 'Make' && remove.length === 0 && { apply: step.copy }),
    ...(step.kind === 'Measure' && { measure: { entry: current.entry.name, modelDeployment: step.copyName } }),
    ...(again !== undefined && { again }),
  };
}

type Step =
  | { readonly kind: 'Over'; readonly status: HardwareStatus }
  | { readonly kind: 'Make'; readonly status: HardwareStatus; readonly copyName: string; readonly copy: ModelDeployment }
  | { readonly kind: 'Wait' | 'Measure'; readonly status: HardwareStatus; readonly copyName: string; readonly deadline?: number };

function stepOf(entry: Entry, run: NonNullable<DedicatedObserved['run']>, observed: DedicatedObserved): Step {
  const { original, copies, now } = observed;
  const { name } = entry;
  const identity = [run.owner.uid, run.id, name];
  const copyName = temporaryName(original.metadata.name, original.metadata.namespace, identity);
  const copy = copies.find(({ metadata }) => metadata.name === copyName);
  if (copy !== undefined) return withBasis(stepOfCopy(name, copy, now), observed.recorded);
  const basis = basisOf(original as ModelDeployment);
  if (observed.recorded.some((one) => one.basis !== undefined && one.basis !== basis)) {
    return { kind: 'Over', status: { name, state: 'Failed', message: changed } };
  }
  const refused = observed.refused.get(copyName);
  if (refused !== undefined)
    return { kind: 'Over', status: { name, state: 'Failed', message: clip(`The API server refused the copy: ${refused}`) } };
  const { spec, note } = specOfCopy(original as ModelDeployment, entry, observed.knativeFlags);
  const missing = observed.nodes && whyNoNode(spec, observed.nodes);
  if (missing !== undefined) return { kind: 'Over', status: { name, state: 'Unavailable', message: clip(missing) } };
  return {
    kind: 'Make',
    copyName,
    copy: temporaryCopy(original, { purpose: 'Benchmark', identity, owner: run.owner, deadline: run.endsAt, spec }),
    status: { name, state: 'Preparing', message: clip(note ?? 'The copy is about to be made'), basis },
  };
}

/** What a copy was made of is known from when it was made. */
function withBasis(step: Step, recorded: readonly HardwareStatus[]): Step {
  const basis = recorded.find(({ name }) => name === step.status.name)?.basis;
  return basis === undefined ? step : { ...step, status: { ...step.status, basis } };
}

function stepOfCopy(name: string, copy: Cached<ModelDeployment>, now: number): Step {
  const { metadata, status } = copy;
  const copyName = metadata.name;
  const ends = deadlineOf(copy);
  const conditions = status?.observedGeneration === metadata.generation ? (status?.conditions ?? []) : [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const readyBy = Date.parse(metadata.creationTimestamp) + readyWithinMilliseconds;
  const over = (message: string): Step => ({ kind: 'Over', status: { name, state: 'Failed', message: clip(message) } });
  if (metadata.deletionTimestamp !== undefined) {
    return { kind: 'Wait', copyName, status: { name, state: 'Preparing', message: 'An earlier copy is being removed' } };
  }
  if ((metadata.generation ?? 1) > 1)
    return over('Its copy was changed by somebody else, so that it is not what was to be measured; start again by spec.runId');
  if (ends !== undefined && now >= ends)
    return over('The time that the copy was given is over; raise spec.budget.maxDurationSeconds, or make the sweep smaller');
  const times = ends === undefined ? {} : { deadline: new Date(ends).toISOString().replace(/\.\d+Z$/, 'Z') };
  const wake = (at: number) => Math.min(at, ends ?? at);
  if (ready?.status === 'True') {
    return {
      kind: 'Measure',
      copyName,
      ...(ends !== undefined && { deadline: ends }),
      status: { name, state: 'Measuring', modelDeployment: copyName, ...times },
    };
  }
  // A copy that has served and is down for a moment is waited for as the running service would be.
  if (status?.firstReadyTime === undefined) {
    if (conditions.some((condition) => condition.type === 'Stalled' && condition.status === 'True')) {
      return over(`The copy does not serve: ${ready?.message ?? 'it is stalled'}`);
    }
    if (now >= readyBy)
      return over(
        `The copy did not serve within ${readyWithinMilliseconds / 60_000} minutes: ${ready?.message ?? 'nothing is known of it'}`,
      );
  }
  return {
    kind: 'Wait',
    copyName,
    deadline: wake(status?.firstReadyTime === undefined ? readyBy : (ends ?? readyBy)),
    status: { name, state: 'Preparing', message: clip(ready?.message ?? 'The copy is being set up'), modelDeployment: copyName, ...times },
  };
}

function withoutCopy({ modelDeployment: _copy, deadline: _deadline, ...status }: HardwareStatus): HardwareStatus {
  return settled.includes(status.state) ? status : { name: status.name, state: 'Waiting' };
}

function clip(text: string): string {
  return text.length <= 1024 ? text : `${text.slice(0, 1023)}…`;
}
