import type { ModelProfile } from '../../api/model-profile/index.ts';
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import { platformKey } from '../platform/stores.ts';
import { datasetPlaceOf } from './accuracy/dataset.ts';
import { observeRecommending } from './apply/observe.ts';
import type { Verdicts } from './apply/recommend.ts';
import type { Attempt } from './apply/step.ts';
import type { DedicatedDecision } from './dedicated/decide.ts';
import { type GpuClaim, rivalFor, roomMilliseconds } from './dedicated/gpu-claim.ts';
import { claimOfCopies, observeDedicated } from './dedicated/observe.ts';
import { ofLatestRun } from './earlier-results.ts';
import { copyToMake, heldBack } from './idle/copies.ts';
import { idleVerdictOf } from './idle/gate.ts';
import { hardwareOf } from './idle/gpu-source.ts';
import type { GpuSight } from './idle/gpu-watch.ts';
import { isFinished } from './job/job-state.ts';
import { type BenchSettings, defaultBenchSettings } from './job/settings.ts';
import { targetAnnotation } from './labels.ts';
import type { Leg, Observed } from './observed.ts';
import { type Active, type Contender, turnOf } from './queue.ts';
import { reportPlaceOf } from './report/place.ts';
import type { ConfigMapOutcome } from './report/stored.ts';
import { type ProfileStores, profileIndex, targetIndex } from './stores.ts';
import { observeTarget } from './target/observe-target.ts';
import { resolveTarget } from './target/resolve.ts';
import type { TargetPod, TargetState } from './target/target.ts';
import { targetKeyOf } from './target/target-key.ts';
import { targetPodsOf } from './target/target-pods.ts';
import { rfc3339 } from './times.ts';

export interface ObservePorts {
  readonly stores: ProfileStores;
  /** Image of load pods where the ServingPlatform names none: the operator's own. */
  readonly image: string;
  readonly version: string;
  /** Wall clock, milliseconds. */
  readonly now: number;
  /** Copies that the API server refused, by name, with what it said. */
  readonly refusedCopies: ReadonlyMap<string, string>;
  /** What the API server has said to recommendations. */
  readonly verdicts: Verdicts;
  /** What came of the last step to apply the best setting. */
  readonly attempt?: Attempt | undefined;
  /** What came of the last ConfigMap with a full report. */
  readonly reportWritten?: ConfigMapOutcome | undefined;
  /** Runs that were decided to start, and that the caches may not know of yet. */
  readonly reserved: readonly Active[];
  /** GPUs that copies of waiting runs are to have, by namespace and name of the profile. */
  readonly wanted: ReadonlyMap<string, GpuClaim>;
  /** What was seen of the GPUs of the target. */
  readonly gpu?: GpuSight;
}

/** Reads one profile and everything that its run depends on from the caches; undefined when it is gone. */
export function observe(key: ObjectKey, ports: ObservePorts): Observed | undefined {
  const { stores, version, now } = ports;
  const profile = stores.profiles.get(key);
  if (profile === undefined) return undefined;
  const settings = benchSettings(ports);
  const baseline = profile.spec.baseline?.profile;
  const named = baseline === undefined ? undefined : stores.profiles.get({ ...key, name: baseline });
  const owned = <T extends KubeObject>(objects: readonly Cached<T>[]) =>
    objects.filter(({ metadata }) => metadata.namespace === key.namespace);
  const jobs = owned(stores.jobs.byIndex(profileIndex, profile.metadata.uid)).filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === profile.metadata.uid),
  );
  const dedicated = profile.spec.mode === 'Dedicated' ? observeDedicated(ofLatestRun(profile), jobs, stores, ports) : undefined;
  const copy = dedicated && copyToMake(dedicated.decision);
  const active = activeOf(stores, ports.reserved, dedicated?.claim !== undefined);
  const rival = copy && dedicated.claim && rivalFor(dedicated.claim, othersAmong(active, profile));
  const claim = rival === undefined ? dedicated?.claim : undefined;
  const { namespaces } = stores.deployments.packaging;
  const around = [namespaces.get({ name: key.namespace ?? '' }), stores.platforms.get(platformKey)] as const;
  const place = reportPlaceOf(profile, ...around);
  const dataset = datasetPlaceOf(profile, ...around);
  const recommending = observeRecommending(profile, stores.deployments.modelDeployments, dedicated?.entries ?? [], ports.verdicts);
  return {
    profile,
    legs: dedicated?.legs.map((leg) => ({ ...leg, state: withExporter(leg.state, ports.gpu) })) ?? [liveLeg(profile, stores, ports.gpu)],
    ...(dedicated && { dedicated: idleOnly(profile, withRoom(dedicated.decision, rival, now), ports) }),
    ...(copy && { copyToMake: copy }),
    ...(claim && { claim }),
    ...(recommending && { recommending }),
    ...(ports.attempt !== undefined && { attempt: ports.attempt }),
    ...(place && { reportPlace: place }),
    ...(dataset && { dataset }),
    ...(ports.reportWritten !== undefined && { reportWritten: ports.reportWritten }),
    jobs,
    pods: owned(stores.pods.byIndex(profileIndex, profile.metadata.uid)),
    nodes: stores.nodes.state === 'synced' ? new Map(stores.nodes.list().map((node) => [node.metadata.name, node])) : undefined,
    mayMeasure: stores.jobs.state === 'synced',
    settings,
    turn: turnOf(
      { ...contender(profile, now), gpus: ports.gpu?.holds ?? [], ...(claim && { claim }) },
      waitingOf(stores, ports.wanted),
      active,
      settings.maxConcurrentRuns,
    ),
    ...(ports.gpu !== undefined && { gpu: ports.gpu }),
    ...(named !== undefined && { baselineProfile: named }),
    sameTarget: stores.profiles.byIndex(targetIndex, targetKeyOf(profile)),
    version,
    now,
  };
}

function liveLeg(profile: Cached<ModelProfile>, stores: ProfileStores, gpu: GpuSight | undefined): Leg {
  const targetHosts = stores.platforms.get(platformKey)?.spec.policy?.targetHosts ?? [];
  const facts = observeTarget(profile, stores.deployments, targetHosts);
  const pods = targetPodsOf(facts.pods);
  return { state: withGpus(withHardware(resolveTarget(profile, facts), pods, stores), gpu), pods };
}

/** A copy is made when copies of other runs leave it its GPUs, so that it need not lie waiting for them until its time is over. */
function withRoom(decision: DedicatedDecision, rival: ReturnType<typeof rivalFor>, now: number): DedicatedDecision {
  if (rival === undefined) return decision;
  const message = `Waits for ModelProfile ${rival.key}, whose copy has the GPUs of node ${rival.node}`;
  return heldBack(decision, { kind: 'Wait', message, lookAgainMilliseconds: roomMilliseconds }, now);
}

/** Copies are made where GPUs are idle, where the policy asks for that. */
function idleOnly(profile: Cached<ModelProfile>, decision: DedicatedDecision, { gpu, now }: ObservePorts): DedicatedDecision {
  const copy = copyToMake(decision);
  if (profile.spec.idlePolicy === undefined || copy === undefined) return decision;
  return heldBack(decision, idleVerdictOf({ profile, now, copyToMake: copy, ...(gpu !== undefined && { gpu }) }), now);
}

/** Where the load pod reads the use of the GPUs. */
function withExporter(state: TargetState, gpu: GpuSight | undefined): TargetState {
  return state.kind === 'Ready' ? { ...state, target: { ...state.target, ...gpu?.source?.target } } : state;
}

/** GPU product and driver of the nodes that the model's GPUs are on. */
function withHardware(state: TargetState, pods: readonly TargetPod[], { nodes }: ProfileStores): TargetState {
  if (state.kind !== 'Ready') return state;
  const names = new Set(pods.flatMap(({ gpus, node }) => (gpus > 0 && node !== undefined ? [node] : [])));
  const hardware = names.size === 0 ? {} : hardwareOf([...names].map((name) => nodes.get({ name })));
  return { ...state, target: { ...state.target, provenance: { ...state.target.provenance, ...hardware } } };
}

/** Where the load pod reads the use of the GPUs, and which they are. */
function withGpus(state: TargetState, gpu: GpuSight | undefined): TargetState {
  if (gpu?.source === undefined || state.kind !== 'Ready') return state;
  const { source } = gpu;
  const provenance = { ...state.target.provenance, ...(source.uuids.length > 0 && { gpuUuids: [...source.uuids] }) };
  return { ...state, target: { ...state.target, ...source.target, provenance } };
}

function benchSettings({ stores, image }: ObservePorts): BenchSettings {
  const platform = stores.platforms.get(platformKey);
  return { ...defaultBenchSettings, image, ...platform?.spec.benchmark };
}

function contender(profile: Cached<ModelProfile>, now: number): Contender {
  const { namespace = '' } = profile.metadata;
  const queuedTime = profile.status?.run?.state === 'Waiting' ? profile.status.run.queuedTime : rfc3339(now);
  return { key: keyText(keyOf(profile as ModelProfile)), namespace, target: targetKeyOf(profile), queuedTime };
}

/** What a run under way measures on. Which nodes share their GPUs, those who want to join it know. */
function gpusHeld({ status }: Cached<ModelProfile>): string[] {
  const { gpuUuids = [], nodes = [] } = (status?.measuring ?? status)?.provenance ?? {};
  return [...gpuUuids, ...nodes.map((node) => `node/${node}`)];
}

/** Runs that nothing but their turn keeps from starting. */
function waitingOf({ profiles }: ProfileStores, wanted: ObservePorts['wanted']): Contender[] {
  return profiles
    .list()
    .filter(({ status, metadata }) => status?.progress?.queuePosition !== undefined && metadata.deletionTimestamp === undefined)
    .map((profile) => {
      const one = contender(profile, 0);
      const claim = wanted.get(one.key);
      return { ...one, ...(claim && { claim }) };
    });
}

function othersAmong(active: readonly Active[], { metadata: { namespace = '', name } }: Cached<ModelProfile>): readonly Active[] {
  return active.filter(({ key }) => key !== keyText({ namespace, name }));
}

/** Runs under way: by their status, by their Jobs, and by what has just been decided. A Job may outlive its profile for a while. */
function activeOf(stores: ProfileStores, reserved: readonly Active[], withClaims: boolean): Active[] {
  const { profiles, jobs } = stores;
  const running = profiles.list().filter(({ status }) => status?.run?.state === 'Running');
  const all = [
    ...running.map((profile): Active => ({ ...contender(profile, 0), gpus: gpusHeld(profile) })),
    ...reserved,
    // By now their pods may have nodes.
    ...running.flatMap((profile): Active[] => {
      const claim = withClaims && profile.spec.mode === 'Dedicated' ? claimOfCopies(profile, stores) : undefined;
      return claim === undefined ? [] : [{ ...contender(profile, 0), claim }];
    }),
    ...jobs
      .list()
      .filter((job) => !isFinished(job))
      .map(({ metadata }): Active => {
        const { namespace = '', ownerReferences = [], annotations } = metadata;
        const owner = ownerReferences.find(({ controller }) => controller === true)?.name ?? metadata.name;
        return { key: `${namespace}/${owner}`, namespace, target: annotations?.[targetAnnotation] ?? '' };
      }),
  ];
  const byKey = new Map<string, Active>();
  for (const active of all) byKey.set(active.key, { ...byKey.get(active.key), ...active });
  return [...byKey.values()];
}
