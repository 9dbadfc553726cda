/** One reconcile: observe, decide, act, and say what came of it. What should be true is decided in `decide.ts`. */
import { hash } from 'node:crypto';
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import { type Dialect, detectDialect, type Missing } from '../../kserve/dialect.ts';
import type { ClusterFacts } from '../../kserve/facts.ts';
import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { Policy } from '../../kserve/policy.ts';
import type { RenderedInferenceService } from '../../kserve/render.ts';
import type { Applier } from '../../kube/apply.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Clock, timestamp } from '../../kube/clock.ts';
import { done, type ReconcileContext, type ReconcileResult } from '../../kube/controller.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { EventInput, EventRecorder } from '../../kube/events.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../../kube/object.ts';
import type { Cached, Store } from '../../kube/store.ts';
import { ownerKeys } from '../../kube/watches.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { autoProfileOf } from './auto-profile/decide.ts';
import { countCorrection, waitBeforeCorrection } from './corrections.ts';
import { type Action, afterFailedWrite, afterRefusedCandidate, type Decision, decide } from './decide.ts';
import { differences } from './differences.ts';
import * as tell from './events.ts';
import type { FactsWatch } from './facts-watch.ts';
import { writeFailureOf } from './failure.ts';
import { actOnGate } from './gate/act.ts';
import { candidateOf, type GateDecision } from './gate/decide.ts';
import { LogTails } from './log-tails.ts';
import { Memories, settleMilliseconds } from './memory.ts';
import { driftFound, failures, timeToReady } from './metrics.ts';
import { type Observed, observe } from './observe.ts';
import { objectOf } from './ownership.ts';
import type { OpenShelf } from './packaging/credentials.ts';
import { observePackaging } from './packaging/observe.ts';
import { notAsked, type PackageStatus, working } from './packaging/outcome.ts';
import { type Advance, Packager } from './packaging/packager.ts';
import { isOurContainerThere } from './packaging/stores.ts';
import type { PlatformPort, PlatformSettings } from './platform-port.ts';
import { modelDeployments } from './resources.ts';
import { type StatusDraft, stampStatus } from './status.ts';
import type { DeploymentStores } from './stores.ts';

export interface PackagingPorts {
  readonly openShelf: OpenShelf;
  /** Image with our own program, for Jobs; absent: not known. */
  readonly image?: string;
}

export interface ReconcilerPorts {
  readonly client: KubeClient;
  readonly stores: DeploymentStores;
  readonly applier: Applier;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly policy: Policy;
  /** Mode of new deployments that name none; absent: KServe's own default. */
  readonly defaultMode?: DeploymentMode;
  /** The ServingPlatform, where there can be one; what it says goes before the two fields above. */
  readonly platform?: PlatformPort;
  readonly packaging: PackagingPorts;
}

/** What was refused is tried again this seldom: the refusal may have depended on something that is not watched. */
const refusedMilliseconds = 600_000;
/** What the cluster knows and our cache does not is looked at again after this long. */
const unseenMilliseconds = 1000;
/** Our own writes reach the cache within about this time. */
const behindMilliseconds = 100;

/**
 * `HeldBack`: others keep changing what we own, so putting it back waits a little. `Unseen`: nothing was done, because the cluster has an
 * InferenceService, or has lost the deployment, and the cache does not know yet.
 */
type Outcome = 'Written' | 'Unchanged' | 'HeldBack' | 'Unseen';

export class Reconciler {
  readonly #ports: ReconcilerPorts;
  readonly #facts: FactsWatch;
  readonly #logs: LogTails;
  readonly #memories: Memories;
  readonly #packager: Packager;
  #detected: { readonly facts: ClusterFacts; readonly dialect: Dialect | Missing } | undefined;

  constructor(ports: ReconcilerPorts, facts: FactsWatch) {
    this.#ports = ports;
    this.#facts = facts;
    this.#logs = new LogTails(ports.client);
    this.#memories = new Memories(ports.clock);
    this.#packager = new Packager({ client: ports.client, clock: ports.clock, openShelf: ports.packaging.openShelf });
  }

  async reconcile(key: ObjectKey, { signal, log }: ReconcileContext): Promise<ReconcileResult> {
    const { stores, policy, defaultMode, platform } = this.#ports;
    const facts = await this.#facts.current(signal);
    const settings = platform?.settingsFor(key, facts);
    const seen = observe(key, {
      stores,
      policy,
      facts,
      detected: this.#detect(facts),
      ...(defaultMode !== undefined && { defaultMode }),
      ...settings,
      hasStorageContainer: settings?.storageContainer === true && isOurContainerThere(stores.packaging),
      now: this.#ports.clock.now(),
    });
    if (seen === undefined) {
      this.#memories.forget(key);
      return done;
    }
    this.#memories.begin(key, seen.deployment.metadata.uid);
    // A decision on a status that we have replaced since would be refused as a conflict, or told twice.
    if (this.#memories.isBehind(stores.modelDeployments, key, this.#memories.of(key).status)) {
      return { requeueAfterMilliseconds: behindMilliseconds };
    }
    const advanced = await this.#package(seen, settings, log, signal);
    const judged = await this.#withLogs({ ...seen, settling: this.#isSettling(seen), packaging: advanced.outcome }, signal);
    const { decision } = judged;
    if (decision.status === undefined) return done;
    const observed = await this.#withLiveOwner(decision.action, judged.observed, signal);
    if (observed === undefined) return { requeueAfterMilliseconds: unseenMilliseconds };
    let outcome: Outcome;
    try {
      outcome = await this.#act(observed, decision.action, log, signal);
    } catch (error) {
      // The resource or the namespace went away under us: the caches will say so, and the status with them.
      if (isNotFound(error)) return { requeueAfterMilliseconds: unseenMilliseconds };
      const failure = writeFailureOf(error);
      if (failure === undefined) throw error;
      await this.#report(observed, afterFailedWrite(observed, failure), signal);
      if (failure.kind === 'Unavailable') throw error;
      log.warn({ err: error }, 'InferenceService was refused');
      return { requeueAfterMilliseconds: refusedMilliseconds };
    }
    if (outcome === 'Unseen') return { requeueAfterMilliseconds: unseenMilliseconds };
    if (outcome === 'HeldBack') {
      await this.#report(observed, decision.status, signal);
      return { requeueAfterMilliseconds: this.#correctionWait(observed) };
    }
    const status = outcome === 'Written' ? decide({ ...observed, settling: true }).status : decision.status;
    const refusal = this.#memories.refusal(key, candidateOf(decision.gate));
    const said = refusal === undefined ? (status ?? decision.status) : afterRefusedCandidate(observed, refusal);
    await this.#report(observed, said, signal);
    const gateWait = await this.#measureCandidate(observed, decision.gate, log, signal);
    const profileWait = await this.#followByProfile(observed, said, log, signal);
    return soonest(
      outcome === 'Written' || observed.settling ? settleMilliseconds : undefined,
      advanced.lookAgainMilliseconds,
      gateWait,
      profileWait,
    );
  }

  /** The dialect of the cluster. Facts are the same object until they change, which is seldom. */
  #detect(facts: ClusterFacts): Dialect | Missing {
    if (this.#detected?.facts !== facts) this.#detected = { facts, dialect: detectDialect(facts) };
    return this.#detected.dialect;
  }

  /** A step on the way to the package, where the source asks for one and nothing else stands in the way. */
  async #package(seen: Observed, settings: PlatformSettings | undefined, log: Logger, signal: AbortSignal): Promise<Advance> {
    const { stores, packaging, clock, policy } = this.#ports;
    const { deployment, platform, identityHolder } = seen;
    if (deployment.metadata.deletionTimestamp !== undefined || platform.kind === 'Missing' || identityHolder !== undefined) {
      const before = deployment.status?.package;
      return { outcome: before === undefined ? notAsked : working('Waiting', 'Packaging waits', before as PackageStatus) };
    }
    return this.#packager.advance(
      observePackaging(deployment, {
        stores,
        dialect: platform,
        settings: settings?.packaging,
        sourceHosts: (settings?.policy ?? policy).sourceHosts ?? [],
        serviceAccounts: (settings?.policy ?? policy).serviceAccounts ?? [],
        image: packaging.image,
        now: clock.now(),
      }),
      log,
      signal,
    );
  }

  /** Makes what measures a candidate of the promotion gate, and removes what none needs any more. Returns when to look again. */
  async #measureCandidate(
    observed: Observed,
    gate: GateDecision | undefined,
    log: Logger,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (gate === undefined) return undefined;
    const { applier, stores, recorder, clock } = this.#ports;
    const { deployment } = observed;
    const key = keyOfDeployment(observed);
    const refusal = this.#memories.refusal(key, candidateOf(gate));
    if (refusal !== undefined) return refusedMilliseconds;
    try {
      for (const told of await actOnGate(gate, observed.gate, { applier, stores }, signal)) {
        recorder.record(deployment as Cached<KubeObject>, told);
      }
    } catch (error) {
      const failure = writeFailureOf(error);
      if (failure?.kind !== 'Refused') throw error;
      log.warn({ err: error }, 'what measures the candidate was refused');
      this.#memories.refuse(key, candidateOf(gate) ?? '', failure.message);
      await this.#report(observed, afterRefusedCandidate(observed, failure.message), signal);
      return refusedMilliseconds;
    }
    return gate.again === undefined ? undefined : Math.max(1000, gate.again - clock.now());
  }

  /** Makes or renews the profile of spec.profile. Returns when to look again. */
  async #followByProfile(observed: Observed, status: StatusDraft, log: Logger, signal: AbortSignal): Promise<number | undefined> {
    const { applier, stores, recorder } = this.#ports;
    const { deployment } = observed;
    const desired = autoProfileOf(deployment, status);
    if (desired === undefined) return undefined;
    const key = keyOfDeployment(observed);
    const { name } = desired.metadata;
    const wanted = `${name} ${JSON.stringify(desired.spec)}`;
    if (this.#memories.refusal(key, wanted) !== undefined) return refusedMilliseconds;
    const refuse = (told: EventInput): number => {
      recorder.record(deployment as Cached<KubeObject>, told);
      this.#memories.refuse(key, wanted, told.note);
      return refusedMilliseconds;
    };
    const live = stores.modelProfiles.get(keyOf(desired)) as Cached<KubeObject> | undefined;
    if (live !== undefined && !live.metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid)) {
      // One that an earlier deployment of this name has left goes by itself, and its end brings us back here.
      const isLeftover = ownerKeys(live as KubeObject, modelDeployments).some((owner) => owner.name === deployment.metadata.name);
      return isLeftover ? undefined : refuse(tell.profileNameTakenEvent(name));
    }
    try {
      await applier.apply(stores.modelProfiles, desired, signal);
      return undefined;
    } catch (error) {
      const failure = writeFailureOf(error);
      if (failure?.kind !== 'Refused') throw error;
      log.warn({ err: error }, 'ModelProfile of spec.profile was refused');
      return refuse(tell.profileRefusedEvent(name, failure.message));
    }
  }

  /** Decides, and where logs would say more, reads them and decides again. */
  async #withLogs(observed: Observed, signal: AbortSignal): Promise<{ observed: Observed; decision: Decision }> {
    const decision = decide(observed);
    if (decision.wantsLogsOf.length === 0) return { observed, decision };
    const logs = await this.#logs.fetch(decision.wantsLogsOf, observed.children.pods, signal);
    if (logs.length === 0) return { observed, decision };
    const informed = { ...observed, logs };
    return { observed: informed, decision: decide(informed) };
  }

  /** The InferenceService is as our last write left it, moments ago, or the cache has yet to hear of that write. */
  #isSettling(observed: Observed): boolean {
    const key = keyOfDeployment(observed);
    const { write } = this.#memories.of(key);
    if (write === undefined || observed.platform.kind === 'Missing') return false;
    const seen = objectOf(observed.inferenceService)?.metadata.resourceVersion;
    return (
      (seen === write.resourceVersion && this.#memories.isRecent(write)) ||
      this.#memories.isBehind(this.#serviceStore(observed), key, write)
    );
  }

  /** Makes the InferenceService as decided. */
  async #act(observed: Observed, action: Action, log: Logger, signal: AbortSignal): Promise<Outcome> {
    const { applier, recorder } = this.#ports;
    const { deployment } = observed;
    switch (action.kind) {
      case 'Leave':
        return 'Unchanged';
      case 'Delete': {
        this.#memories.note(keyOfDeployment(observed), { wanted: undefined, write: undefined });
        const removed = await applier.remove(this.#serviceStore(observed).type, action.object as Cached<KubeObject>, signal);
        if (removed) recorder.record(deployment as Cached<KubeObject>, tell.deletedEvent(deployment.metadata.name));
        return 'Unchanged';
      }
      case 'Clear':
        return (await this.#clear(observed, action.object, signal)) ? 'Unchanged' : 'Unseen';
      case 'Apply': {
        if (this.#isHeldBack(observed, action.desired)) return 'HeldBack';
        const store = this.#serviceStore(observed);
        // The cache went on while the cluster was asked.
        if (store.get(keyOfDeployment(observed))?.metadata.uid !== objectOf(observed.inferenceService)?.metadata.uid) return 'Unseen';
        const outcome = await ifNew(observed, applier.applyOwn<InferenceServiceObject>(store, action.desired, signal));
        if (outcome === undefined) return 'Unseen';
        if (!outcome.written) return this.#noteNoWrite(observed, action.desired, outcome.object);
        this.#noteWrite(observed, action.desired, outcome.object.metadata.resourceVersion, log);
        return 'Written';
      }
    }
  }

  /**
   * Deletes the InferenceService of an earlier deployment of this name, as it was read, once the cluster has confirmed that the name is this deployment's: two
   * cannot have it, so the owner by another UID is gone for good. False: the cluster knows more than the cache.
   */
  async #clear(observed: Observed, { metadata: { uid, resourceVersion } }: Cached<KubeObject>, signal: AbortSignal): Promise<boolean> {
    const { client, recorder } = this.#ports;
    const { deployment } = observed;
    const key = keyOfDeployment(observed);
    if (this.#memories.of(key).cleared === uid) return true;
    const live = await ifFound(client.getMetadata(modelDeployments, key, signal));
    if (live?.metadata.uid !== deployment.metadata.uid) return false;
    try {
      await client.delete(this.#serviceStore(observed).type, key, { uid, resourceVersion, propagationPolicy: 'Background' }, signal);
    } catch (error) {
      // The garbage collector was quicker, or somebody has changed it, its owners perhaps.
      if (isNotFound(error) || isConflict(error)) return false;
      throw error;
    }
    this.#memories.note(key, { cleared: uid });
    recorder.record(deployment as Cached<KubeObject>, tell.clearedEvent(deployment.metadata.name));
    return true;
  }

  /** What was as we wanted it, and wanted still, is so no more: somebody else changed or deleted it. */
  #isDrift(observed: Observed, desired: RenderedInferenceService): boolean {
    const { wanted } = this.#memories.of(keyOfDeployment(observed));
    // While our own last write is not in the cache yet, a difference from it is no news.
    if (observed.settling || wanted === undefined || wanted !== digestOf(desired)) return false;
    const live = objectOf(observed.inferenceService);
    return live === undefined || differences(desired, live, 1).length > 0;
  }

  #correctionWait(observed: Observed): number {
    return waitBeforeCorrection(this.#memories.of(keyOfDeployment(observed)).corrections, this.#ports.clock.monotonic());
  }

  #isHeldBack(observed: Observed, desired: RenderedInferenceService): boolean {
    return this.#isDrift(observed, desired) && this.#correctionWait(observed) > 0;
  }

  /**
   * An InferenceService must not be made for a deployment that is gone, which the cache may not know yet. So before one is made the deployment's first status
   * about its generation is written: it names uid and version, and is refused where the deployment is another by now. Where that status was written
   * earlier, the cluster is asked. Undefined: the deployment is gone. Otherwise what was observed, with the deployment as it is now.
   */
  async #withLiveOwner(action: Action, observed: Observed, signal: AbortSignal): Promise<Observed | undefined> {
    if (action.kind !== 'Apply' || !isToBeMade(observed) || this.#isHeldBack(observed, action.desired)) return observed;
    const { uid, generation } = observed.deployment.metadata;
    const isFirstWord = observed.deployment.status?.observedGeneration !== generation;
    const status = isFirstWord ? decide({ ...observed, settling: true }).status : undefined;
    const deployment = status && (await this.#report(observed, status, signal));
    if (deployment !== undefined) return { ...observed, deployment };
    const live = await ifFound(this.#ports.client.getMetadata(modelDeployments, keyOfDeployment(observed), signal));
    return live?.metadata.uid === uid && live.metadata.deletionTimestamp === undefined ? observed : undefined;
  }

  /**
   * There was nothing to write. If something else was wanted before, then a write of ours had got through whose answer was lost, and
   * KServe may not have acted on it yet.
   */
  #noteNoWrite(observed: Observed, desired: RenderedInferenceService, live: Cached<InferenceServiceObject> | undefined): Outcome {
    const key = keyOfDeployment(observed);
    const wanted = digestOf(desired);
    const before = this.#memories.of(key).wanted;
    if (before === wanted) return 'Unchanged';
    const lost = before !== undefined && live !== undefined;
    this.#memories.note(key, { wanted, write: lost ? this.#memories.write(live.metadata.resourceVersion) : undefined });
    return lost ? 'Written' : 'Unchanged';
  }

  /** Says what a write was about, and keeps what the next reconcile has to know of it. */
  #noteWrite(observed: Observed, desired: RenderedInferenceService, writtenVersion: string, log: Logger): void {
    const { recorder } = this.#ports;
    const { deployment } = observed;
    const before = this.#memories.of(keyOfDeployment(observed));
    const wanted = digestOf(desired);
    const live = objectOf(observed.inferenceService);
    const fields = live === undefined ? [] : differences(desired, live);
    const drifted = before.wanted === wanted && !observed.settling;
    log.info({ fields, drifted }, 'InferenceService written');
    if (drifted) driftFound.inc({ runtime: deployment.spec.runtime.type });
    recorder.record(deployment as Cached<KubeObject>, writeEvent(observed, drifted, fields));
    const write = this.#memories.write(writtenVersion);
    this.#memories.note(keyOfDeployment(observed), {
      wanted,
      write,
      ...(drifted && { corrections: countCorrection(before.corrections, write.at) }),
    });
  }

  #serviceStore({ platform }: Observed): Store<InferenceServiceObject> {
    if (platform.kind === 'Missing') throw new Error('decided to write an InferenceService without a serving layer');
    return this.#ports.stores.serving[platform.group].inferenceServices;
  }

  /** Writes the status where it differs, and tells and counts each transition once. Returns the deployment as it is then; undefined when nothing was written. */
  async #report({ deployment }: Observed, draft: StatusDraft, signal: AbortSignal): Promise<Cached<ModelDeployment> | undefined> {
    const { applier, clock, recorder } = this.#ports;
    const subject = deployment as ModelDeployment;
    const now = timestamp(clock);
    const status = stampStatus(subject, draft, now);
    const outcome = await ifFound(applier.applyStatus(modelDeployments, deployment, status, signal));
    // Gone while we looked at it, or said already.
    if (outcome === undefined || !outcome.written) return undefined;
    this.#memories.note(keyOfDeployment({ deployment }), { status: this.#memories.write(outcome.object.metadata.resourceVersion) });
    const event = tell.transitionEvent(subject.status, draft);
    if (event !== undefined) recorder.record(deployment as Cached<KubeObject>, event);
    if (event?.type === 'Warning' && draft.lastError !== undefined)
      failures.inc({ stage: draft.lastError.stage, reason: draft.lastError.reason });
    if (subject.status?.firstReadyTime === undefined && status.firstReadyTime !== undefined) {
      const seconds = (clock.now() - Date.parse(deployment.metadata.creationTimestamp)) / 1000;
      timeToReady.observe({ runtime: subject.spec.runtime.type, mode: draft.deploymentMode ?? 'Unknown' }, Math.max(0, seconds));
    }
    return outcome.object as Cached<ModelDeployment>;
  }
}

/** There is no InferenceService yet, not even one that we made and the cache has yet to hear of. */
function isToBeMade({ inferenceService, settling }: Observed): boolean {
  return objectOf(inferenceService) === undefined && !settling;
}

/** Undefined where one was to be made and the cluster has one already, which the cache does not know yet. */
async function ifNew<T>(observed: Observed, write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isToBeMade(observed) && isConflict(error)) return undefined;
    throw error;
  }
}

function keyOfDeployment({ deployment }: Pick<Observed, 'deployment'>): ObjectKey {
  return keyOf(deployment as ModelDeployment);
}

function digestOf(desired: RenderedInferenceService): string {
  return hash('sha256', JSON.stringify(desired), 'base64');
}

function soonest(...waits: readonly (number | undefined)[]): ReconcileResult {
  const known = waits.filter((wait) => wait !== undefined);
  return known.length === 0 ? done : { requeueAfterMilliseconds: Math.min(...known) };
}

async function ifFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function writeEvent({ inferenceService, deployment }: Observed, drifted: boolean, fields: readonly string[]): EventInput {
  const { name } = deployment.metadata;
  switch (inferenceService.kind) {
    case 'Absent':
      return drifted ? tell.deletedByOthersEvent(name) : tell.createdEvent(name);
    case 'Adoptable':
      return tell.adoptedEvent(name);
    default:
      return drifted ? tell.driftEvent(name, fields) : tell.updatedEvent(name, fields);
  }
}
