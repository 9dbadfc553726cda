/** What a Dedicated profile has in the cluster: its copies, how far each entry is, and the places where it measures. */

import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { runtimesNamedByService } from '../../../api/model-deployment/runtime.ts';
import type { HardwareStatus } from '../../../api/model-profile/dedicated.ts';
import type { ModelProfile, ProfileResult } from '../../../api/model-profile/index.ts';
import { maximumPoints } from '../../../api/model-profile/load.ts';
import { controllerReference, type KubeObject, keyText, type ObjectKey } from '../../../kube/object.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import { ownerKeys } from '../../../kube/watches.ts';
import { temporaryIndex } from '../../deployment/gate/observe.ts';
import { serviceIndex } from '../../deployment/stores.ts';
import { isTemporary, temporaryTarget } from '../../deployment/temporary.ts';
import { isActive, isOfRun } from '../job/job-state.ts';
import type { Leg } from '../observed.ts';
import { planOfJob } from '../plan/job-plan.ts';
import { missingTasks } from '../plan/missing.ts';
import { resultsOf, tasksOf } from '../plan/tasks.ts';
import { type JobObject, modelProfiles, type NodeObject } from '../resources.ts';
import type { ProfileStores } from '../stores.ts';
import { observeTarget } from '../target/observe-target.ts';
import { resolveTarget } from '../target/resolve.ts';
import type { TargetState } from '../target/target.ts';
import { targetLabelOf } from '../target/target-key.ts';
import { targetPodsOf } from '../target/target-pods.ts';
import { triggerOf } from '../trigger.ts';
import { specOfCopy } from './copy.ts';
import { type DedicatedDecision, decideDedicated } from './decide.ts';
import { type Entry, entriesOf } from './entries.ts';
import { claimOf, type GpuClaim } from './gpu-claim.ts';
import { whyNoNode } from './nodes.ts';

/** A profile that measures copies; `legs` has one for each entry that can still be measured, or was. */
export interface Dedicated {
  readonly decision: DedicatedDecision;
  readonly legs: readonly Leg[];
  /** What there is to measure, as far as it is known. */
  readonly entries: readonly Entry[];
  /** GPUs that the copy takes which is there, or is to be made next. */
  readonly claim?: GpuClaim;
}

const defaultDurationSeconds = 14_400;

export function observeDedicated(
  profile: Cached<ModelProfile>,
  jobs: readonly Cached<JobObject>[],
  stores: ProfileStores,
  { now, refusedCopies }: { readonly now: number; readonly refusedCopies: ReadonlyMap<string, string> },
): Dedicated {
  const copies = stores.deployments.modelDeployments.byIndex(temporaryIndex, profile.metadata.uid);
  const recorded = (profile.status?.hardware ?? []) as readonly HardwareStatus[];
  const name = profile.spec.target.modelDeployment ?? '';
  const { namespace = '' } = profile.metadata;
  const original = stores.deployments.modelDeployments.get({ namespace, name });
  const nodes = stores.nodes.state === 'synced' ? (stores.nodes.list() as readonly NodeObject[]) : undefined;
  const none = (state: UnlabelledState): Dedicated => ({
    // What is not known yet is no reason to take a copy away.
    decision: { hardware: recorded, remove: state.kind === 'Unread' ? [] : copies },
    legs: [{ state: { label: targetLabelOf(profile), ...state }, pods: [] }],
    entries: [],
  });
  if (original === undefined) {
    return none({
      kind: 'NotReady',
      reason: 'TargetNotFound',
      message: `There is no ModelDeployment ${name} in this namespace; the run starts when it is there`,
    });
  }
  if (isTemporary(original as Cached<KubeObject>)) return none({ kind: 'Refused', ...temporaryTarget(name) });
  if (stores.nodes.state === 'syncing') return none({ kind: 'Unread' });
  const expanded = entriesOf(profile.spec.sweep as ModelProfile['spec']['sweep'], original.spec as ModelDeployment['spec'], nodes);
  if (expanded.kind === 'None') return none({ kind: 'Refused', reason: expanded.reason, message: expanded.message });
  const { entries } = expanded;
  const points = tasksOf(
    profile.spec,
    entries.map(({ name: entry }) => entry),
  ).length;
  if (points > maximumPoints) {
    const message = `spec.sweep has ${points} points on the ${entries.length} kinds of hardware of this cluster, and ${maximumPoints} are the most; measure fewer levels or batch sizes`;
    return none({ kind: 'Refused', reason: 'TooManyPoints', message });
  }
  const status = profile.status as ModelProfile['status'];
  const run = triggerOf({ profile, now }) === undefined ? status?.run : undefined;
  const isRunning = run?.state === 'Running' && profile.spec.suspend !== true && profile.metadata.deletionTimestamp === undefined;
  const results = (run === undefined ? [] : (status?.results ?? [])) as readonly ProfileResult[];
  const ofRun = run === undefined ? [] : jobs.filter((job) => isOfRun(job, run.id));
  const decision = decideDedicated({
    entries,
    original,
    copies,
    nodes,
    knativeFlags: knativeFlagsOf(stores),
    run: isRunning
      ? {
          id: run.id,
          owner: controllerReference(profile as never),
          endsAt: Date.parse(run.startTime ?? run.queuedTime) + (profile.spec.budget?.maxDurationSeconds ?? defaultDurationSeconds) * 1000,
        }
      : undefined,
    recorded: run === undefined ? [] : recorded,
    outcomeOf: (entry) => outcomeOf(profile, entry, results, ofRun),
    refused: refusedCopies,
    now,
  });
  const known = decision.hardware.map((one) => withPlace(one, recorded, original, profile, stores));
  const isWaiting =
    profile.spec.suspend !== true && (run === undefined ? triggerOf({ profile, now }) !== undefined : run.state === 'Waiting');
  const claim = isRunning
    ? claimOfCopies(profile, stores, decision.apply)
    : isWaiting
      ? firstClaim(entries, original as ModelDeployment, stores)
      : undefined;
  return {
    ...(claim && { claim }),
    decision: { ...decision, hardware: known.map(({ status: told }) => told) },
    legs: legsOf(known.length > 0 ? known.map(({ status: { name: entry } }) => entry) : entries.map(({ name: entry }) => entry), known),
    entries,
  };
}

/** What the copy that a profile has takes of the GPUs; where it has none, what the one takes that is to be made. */
export function claimOfCopies(profile: Cached<ModelProfile>, stores: ProfileStores, next?: ModelDeployment): GpuClaim | undefined {
  const { modelDeployments } = stores.deployments;
  const copy = modelDeployments.byIndex(temporaryIndex, profile.metadata.uid).at(0) ?? next;
  if (copy === undefined) return undefined;
  const { namespace = '', name } = copy.metadata;
  const pods = Object.values(stores.deployments.serving).flatMap((serving) =>
    serving.pods.byIndex(serviceIndex, keyText({ namespace, name })),
  );
  const on = targetPodsOf(pods).flatMap(({ gpus, node }) => (gpus > 0 && node !== undefined ? [node] : []));
  return claimOf(copy.spec as ModelDeployment['spec'], nodesOf(stores), on);
}

/** What the first copy is to take that can be had at all. */
function firstClaim(entries: readonly Entry[], original: ModelDeployment, stores: ProfileStores): GpuClaim | undefined {
  const nodes = nodesOf(stores);
  for (const entry of entries) {
    const { spec } = specOfCopy(original, entry, knativeFlagsOf(stores));
    if (whyNoNode(spec, nodes as readonly NodeObject[]) === undefined) return claimOf(spec, nodes);
  }
  return undefined;
}

function nodesOf({ nodes }: ProfileStores): readonly Cached<NodeObject>[] {
  return nodes.state === 'synced' ? nodes.list() : [];
}

/** The profile that made a copy; none for any other ModelDeployment. */
export function ownersOfCopy(modelDeployments: Store<ModelDeployment>, key: ObjectKey): readonly ObjectKey[] {
  const deployment = modelDeployments.get(key);
  return deployment === undefined ? [] : ownerKeys(deployment as ModelDeployment & KubeObject, modelProfiles);
}

type UnlabelledState = TargetState extends infer S ? (S extends unknown ? Omit<S, 'label'> : never) : never;

/** Whether an entry is measured, still open, or not to be had: so many Jobs have left it unmeasured. */
function outcomeOf(
  { spec }: Cached<ModelProfile>,
  entry: string,
  results: readonly ProfileResult[],
  jobs: readonly Cached<JobObject>[],
): 'Open' | 'Measured' | 'GivenUp' {
  const own = jobs.filter((job) => planOfJob(job)?.hardware === entry);
  if (own.some(isActive)) return 'Open';
  const repeats = spec.budget?.maxRepeatsPerPoint ?? 1;
  const tasks = tasksOf(spec, [entry]);
  if (missingTasks(tasks, results, repeats).length === 0) return 'Measured';
  if (own.length < 2 + 2 * repeats) return 'Open';
  return tasks.every((task) => resultsOf(task, results).length > 0) ? 'Measured' : 'GivenUp';
}

interface Known {
  readonly status: HardwareStatus;
  readonly leg: Leg | undefined;
}

/** The leg of an entry whose copy serves, and on which nodes that is; these stay known when the copy has gone. */
function withPlace(
  status: HardwareStatus,
  recorded: readonly HardwareStatus[],
  original: Cached<ModelDeployment>,
  profile: Cached<ModelProfile>,
  stores: ProfileStores,
): Known {
  const before = recorded.find(({ name }) => name === status.name);
  const { nodes, gpuProduct } = before ?? {};
  const place = { ...(nodes !== undefined && { nodes }), ...(gpuProduct !== undefined && { gpuProduct }) };
  if (status.state === 'Measured') return { status: { ...status, ...place }, leg: undefined };
  if (status.modelDeployment === undefined || status.state !== 'Measuring') return { status, leg: undefined };
  const leg = legOfCopy(status, original, profile, stores);
  const onNodes = leg.state.kind === 'Ready' ? leg.state.target.provenance.nodes : undefined;
  if (leg.state.kind !== 'Ready' || onNodes === undefined) return { status: { ...status, ...place }, leg: withoutPlace(leg) };
  const labels = stores.nodes.get({ name: onNodes[0] ?? '' })?.metadata.labels ?? {};
  const product = Object.entries(labels).find(([label]) => label.endsWith('/gpu.product'))?.[1];
  return { status: { ...status, nodes: [...onNodes], ...(product !== undefined && { gpuProduct: product }) }, leg: withoutPlace(leg) };
}

/** A copy as the target of the profile: known by the name of its original, whoever serves it. */
function legOfCopy(
  { name, modelDeployment }: HardwareStatus,
  original: Cached<ModelDeployment>,
  profile: Cached<ModelProfile>,
  stores: ProfileStores,
): Leg {
  const { modelName, ...target } = profile.spec.target;
  const named = modelName !== undefined && !runtimesNamedByService.includes(original.spec.runtime.type) ? { modelName } : {};
  const onCopy = { ...profile, spec: { ...profile.spec, target: { ...target, ...named, modelDeployment } } } as Cached<ModelProfile>;
  const facts = observeTarget(onCopy, stores.deployments, []);
  const state = resolveTarget(onCopy, facts);
  const label = targetLabelOf(profile);
  return {
    hardware: name,
    pods: targetPodsOf(facts.pods),
    state:
      state.kind === 'Ready'
        ? {
            ...state,
            label,
            target: { ...state.target, provenance: { ...state.target.provenance, target: label, targetUid: original.metadata.uid } },
          }
        : { ...state, label },
  };
}

/** Where a copy runs stands with its entry: the provenance is of the whole run. */
function withoutPlace(leg: Leg): Leg {
  if (leg.state.kind !== 'Ready') return leg;
  const { nodes: _nodes, gpuProduct: _product, ...provenance } = leg.state.target.provenance;
  return { ...leg, state: { ...leg.state, target: { ...leg.state.target, provenance } } };
}

/** Entries that cannot be had have no leg, and so nothing that is asked of them. */
function legsOf(names: readonly string[], known: readonly Known[]): readonly Leg[] {
  return names.flatMap((name): Leg[] => {
    const one = known.find(({ status }) => status.name === name);
    if (one?.leg !== undefined) return [one.leg];
    const state = one?.status.state ?? 'Waiting';
    if (state === 'Unavailable' || state === 'Failed') return [];
    const message = one?.status.message ?? (state === 'Measured' ? 'It is measured' : 'It waits for its turn');
    return [
      { hardware: name, pods: [], state: { label: name, kind: 'NotReady', reason: `Hardware${state}`, message: `${name}: ${message}` } },
    ];
  });
}

function knativeFlagsOf({ deployments }: ProfileStores): Readonly<Record<string, string>> | undefined {
  return deployments.facts.knativeConfigs.flatMap((store) => store.list()).find(({ metadata }) => metadata.name === 'config-features')
    ?.data;
}
