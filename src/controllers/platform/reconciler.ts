/** One reconcile of the ServingPlatform: observe, decide, act, and say what came of it. What should be true is decided in `decide.ts`. */
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import type { ServingRuntimeObject } from '../../kserve/facts.ts';
import { FightDetector } from '../../kserve/platform/fight.ts';
import type { OwnRuntime } from '../../kserve/platform/own-runtime.ts';
import { effectiveRegistries } from '../../kserve/platform/registries.ts';
import type { Applier } from '../../kube/apply.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Clock, timestamp } from '../../kube/clock.ts';
import { done, type ReconcileContext, type ReconcileResult } from '../../kube/controller.ts';
import { isConflict, isNotFound, KubeError } from '../../kube/errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { addFinalizer, removeFinalizer } from '../../kube/finalizers.ts';
import { type KubeObject, keyOf } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { FactsWatch } from '../deployment/facts-watch.ts';
import type { StorageContainerObject } from '../deployment/packaging/storage-container.ts';
import { revisions } from '../deployment/resources.ts';
import { decide, type StatusDraft, stampStatus } from './decide.ts';
import { type Action, claimAnnotation } from './decision.ts';
import * as tell from './events.ts';
import type { ImageWatch } from './image-watch.ts';
import { lastWriterOf } from './last-writer.ts';
import { deploymentConfigOf, type Observed, observe, type Setback, type SetbackKey, type SharedKey } from './observe.ts';
import { servingPlatforms, sharedConfigMaps } from './resources.ts';
import { type PlatformStores, platformKey } from './stores.ts';
import { idOf } from './tag-resolution.ts';

export interface PlatformReconcilerPorts {
  readonly client: KubeClient;
  readonly stores: PlatformStores;
  readonly applier: Applier;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly fieldManager: string;
  /** Image with our own program, for the storage container; absent: not known. */
  readonly image?: string;
}

export const finalizer = 'modelwright.dev/serving-platform';

/** Someone else was faster; their change is on its way to our caches. */
const behindMilliseconds = 100;
/** What was refused is tried again this seldom; a change of the object or of the spec does it at once. */
const refusedMilliseconds = 600_000;
/** Knative hears of its configuration by a watch; a Revision made before that would fail once more. */
const settleMilliseconds = 2000;
/** Times in the status go by. */
const refreshMilliseconds = 30_000;

interface Write {
  readonly generation: number;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly at: number;
  /** That somebody took it back has been told and counted; an attempt to set it again that comes too late is no further round. */
  readonly isTakenBack?: boolean;
}

interface Refusal {
  readonly setback: Setback;
  /** Of the object that was to be written; undefined where there was none yet. */
  readonly resourceVersion?: string;
  readonly until: number;
}

export class PlatformReconciler {
  readonly #ports: PlatformReconcilerPorts;
  readonly #facts: FactsWatch;
  readonly #images: ImageWatch;
  readonly #fights = new FightDetector();
  readonly #writes = new Map<SharedKey, Write>();
  readonly #refusals = new Map<SetbackKey, Refusal>();
  readonly #rivals = new Map<SharedKey, Setback>();
  readonly #freed = new Map<string, number>();
  readonly #skippedSince = new Map<string, number>();
  #generation: number | undefined;

  constructor(ports: PlatformReconcilerPorts, facts: FactsWatch, images: ImageWatch) {
    this.#ports = ports;
    this.#facts = facts;
    this.#images = images;
  }

  async reconcile({ signal, log }: ReconcileContext): Promise<ReconcileResult> {
    const { client, stores } = this.#ports;
    const facts = await this.#facts.current(signal);
    this.#noteGeneration(stores.platforms.get(platformKey)?.metadata.generation);
    const observed = observe(stores, facts, this.#remembered(), this.#ports.image);
    if (observed === undefined) {
      this.#images.want([]);
      return done;
    }
    const { platform } = observed;
    const decision = decide(observed);
    this.#images.want(decision.queries);
    if (decision.isGone) {
      await ifUnchanged(removeFinalizer(client, servingPlatforms, platform, finalizer, signal));
      return done;
    }
    // Before anything is changed elsewhere, so that nothing of ours can be left behind; and again, should somebody have replaced the object without it.
    if (decision.status !== undefined && (decision.actions.length > 0 || declaresSomething(platform))) {
      await addFinalizer(client, servingPlatforms, platform, finalizer, signal);
    }
    let again = false;
    for (const action of decision.actions) {
      const outcome = await this.#act(action, observed, log, signal);
      again ||= outcome === 'Again';
    }
    if (decision.status !== undefined) await this.#report(observed, decision.status, signal);
    if (again) return { requeueAfterMilliseconds: behindMilliseconds };
    return this.#nextLook(decision.status);
  }

  #remembered() {
    const { clock, stores } = this.#ports;
    const now = clock.monotonic();
    const config = deploymentConfigOf(stores);
    const skipped = new Set(config === undefined ? [] : effectiveRegistries(config.data ?? {}));
    for (const registry of this.#skippedSince.keys()) if (!skipped.has(registry)) this.#skippedSince.delete(registry);
    for (const registry of skipped) if (!this.#skippedSince.has(registry)) this.#skippedSince.set(registry, now);
    const settled = [...this.#skippedSince].filter(([, since]) => now - since >= settleMilliseconds).map(([registry]) => registry);
    return {
      setbacks: this.#setbacks(now),
      settledRegistries: new Set(settled),
      freed: this.#freed,
      answers: this.#images.answers(),
      now: clock.now(),
    };
  }

  #setbacks(now: number): ReadonlyMap<SetbackKey, Setback> {
    const setbacks = new Map<SetbackKey, Setback>();
    for (const [key, { setback, resourceVersion, until }] of this.#refusals) {
      if (now < until && (resourceVersion === undefined || resourceVersion === this.#versionOf(key))) setbacks.set(key, setback);
    }
    for (const [key, setback] of this.#rivals) if (this.#fights.isContested(key, now)) setbacks.set(key, setback);
    return setbacks;
  }

  /** The version that we know of the ConfigMap with a shared key; what was refused of one may be taken of the next. */
  #versionOf(key: SetbackKey): string | undefined {
    const { stores } = this.#ports;
    const configs = key === 'registries' ? [deploymentConfigOf(stores)] : stores.inferenceServiceConfigs.list();
    const { resourceVersion } = this.#refusals.get(key) ?? {};
    return configs.find((config) => config?.metadata.resourceVersion === resourceVersion)?.metadata.resourceVersion;
  }

  /** Another spec ends every fight and is worth another try. */
  #noteGeneration(generation: number | undefined): void {
    if (this.#generation !== undefined && this.#generation !== generation) {
      this.#fights.forget();
      this.#refusals.clear();
      this.#rivals.clear();
      this.#images.retry();
    }
    this.#generation = generation;
  }

  async #act(action: Action, observed: Observed, log: Logger, signal: AbortSignal): Promise<'Done' | 'Again'> {
    const { client, applier, stores, recorder } = this.#ports;
    const subject = observed.platform as Cached<KubeObject>;
    switch (action.kind) {
      case 'SetKey':
        return this.#setKey(action, observed, log, signal);
      case 'ApplyRuntime':
        return this.#applyRuntime(action.object, subject, log, signal);
      case 'DeleteRuntime':
        await applier.remove(stores.runtimes.type, action.object as Cached<KubeObject>, signal);
        log.info({ runtime: action.object.metadata.name }, 'ClusterServingRuntime deleted, nobody uses it');
        return 'Done';
      case 'ApplyStorageContainer': {
        return this.#applyStorageContainer(action.object, log, signal);
      }
      case 'DeleteStorageContainer':
        await applier.remove(stores.storageContainers.type, action.object as Cached<KubeObject>, signal);
        log.info({ storageContainer: action.object.metadata.name }, 'ClusterStorageContainer deleted, nobody uses it');
        return 'Done';
      case 'FreeRevision': {
        const { uid, resourceVersion } = action.object.metadata;
        const id = idOf(action.object);
        this.#freed.set(id, (this.#freed.get(id) ?? 0) + 1);
        try {
          await client.delete(revisions, keyOf(action.object as KubeObject), { uid, resourceVersion }, signal);
        } catch (error) {
          if (!isConflict(error) && !isNotFound(error)) throw error;
          return 'Again';
        }
        log.info({ revision: id }, 'Failed Revision deleted, so that Knative makes it anew');
        recorder.record(subject, tell.revisionFreed(id));
        return 'Done';
      }
    }
  }

  async #applyStorageContainer(object: StorageContainerObject, log: Logger, signal: AbortSignal): Promise<'Done' | 'Again'> {
    const { applier, clock, stores } = this.#ports;
    const { name } = object.metadata;
    try {
      const { written } = await applier.apply(stores.storageContainers, object, signal);
      if (written) log.info({ storageContainer: name }, 'ClusterStorageContainer written');
      return 'Done';
    } catch (error) {
      const setback = refusalOf(error, `ClusterStorageContainer ${name}`);
      if (setback === undefined) throw error;
      this.#refusals.set('storageContainer', { setback, until: clock.monotonic() + refusedMilliseconds });
      log.warn({ err: error }, 'ClusterStorageContainer was refused');
      return 'Again';
    }
  }

  async #applyRuntime(object: OwnRuntime, subject: Cached<KubeObject>, log: Logger, signal: AbortSignal): Promise<'Done' | 'Again'> {
    const { applier, clock, stores, recorder } = this.#ports;
    const { name } = object.metadata;
    try {
      const { written } = await applier.apply<ServingRuntimeObject>(stores.runtimes, object as unknown as ServingRuntimeObject, signal);
      if (!written) return 'Done';
    } catch (error) {
      const setback = refusalOf(error, `ClusterServingRuntime ${name}`);
      if (setback === undefined) throw error;
      this.#refusals.set('runtimes', { setback, until: clock.monotonic() + refusedMilliseconds });
      log.warn({ err: error, runtime: name }, 'ClusterServingRuntime was refused');
      return 'Again';
    }
    log.info({ runtime: name }, 'ClusterServingRuntime written');
    recorder.record(subject, tell.runtimeWritten(name));
    return 'Done';
  }

  /** A conditional write of one key and of our annotation beside it: whoever was faster makes us look again. */
  async #setKey(
    action: Extract<Action, { kind: 'SetKey' }>,
    observed: Observed,
    log: Logger,
    signal: AbortSignal,
  ): Promise<'Done' | 'Again'> {
    const { client, clock, fieldManager, recorder } = this.#ports;
    const { target, object, key, value, claim } = action;
    const { uid, resourceVersion } = object.metadata;
    const before = this.#writes.get(target);
    const now = clock.monotonic();
    // Our own last write is not in the cache yet.
    if (before?.uid === uid && now - before.at < behindMilliseconds * 50 && !this.#hasSeen(action, before)) return 'Again';
    // What we take back ourselves, nobody has taken from us.
    const isReverted =
      claim !== null &&
      before?.uid === uid &&
      before.generation === observed.platform.metadata.generation &&
      (object.data?.[key] ?? null) !== value;
    if (isReverted && before.isTakenBack !== true) {
      const writer = await lastWriterOf(client, object, key, fieldManager, signal);
      this.#writes.set(target, { ...before, isTakenBack: true });
      if (this.#fights.reverted(target, now)) {
        this.#rivals.set(target, { kind: 'Contested', ...writer });
        recorder.record(observed.platform as Cached<KubeObject>, tell.contested(key, writer.manager));
        log.warn({ key, manager: writer.manager }, 'Somebody keeps putting a shared key back, staying away for a while');
        return 'Again';
      }
      recorder.record(observed.platform as Cached<KubeObject>, tell.driftCorrected(key, writer.manager));
    }
    const body = { metadata: { uid, resourceVersion, annotations: { [claimAnnotation[target]]: claim } }, data: { [key]: value } };
    try {
      const written = await client.patch(sharedConfigMaps, keyOf(object as KubeObject), body, { kind: 'merge', fieldManager }, signal);
      const { generation = 0 } = observed.platform.metadata;
      this.#writes.set(target, { generation, uid, resourceVersion: written.metadata.resourceVersion, at: now });
      log.info({ key, value: target === 'registries' ? value : undefined }, 'Shared key written');
      return 'Done';
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return 'Again';
      const where = `ConfigMap ${object.metadata.namespace}/${object.metadata.name}`;
      const setback = refusalOf(error, `${key} in ${where}`);
      if (setback === undefined) throw error;
      this.#refusals.set(target, { setback, resourceVersion, until: now + refusedMilliseconds });
      log.warn({ err: error, key }, 'Shared key was refused');
      return 'Again';
    }
  }

  #hasSeen({ target, object }: Extract<Action, { kind: 'SetKey' }>, { resourceVersion }: Write): boolean {
    const { stores } = this.#ports;
    const store = target === 'registries' ? stores.deploymentConfigs : stores.inferenceServiceConfigs;
    return store.hasSeen(keyOf(object as KubeObject), resourceVersion);
  }

  async #report({ platform }: Observed, draft: StatusDraft, signal: AbortSignal): Promise<void> {
    const { applier, clock, recorder } = this.#ports;
    const subject = platform as ServingPlatform;
    const status = stampStatus(subject, draft, timestamp(clock));
    const outcome = await ifUnchanged(applier.applyStatus(servingPlatforms, platform, status, signal));
    const event = outcome?.written === true ? tell.transition(subject.status, draft) : undefined;
    if (event !== undefined) recorder.record(platform as Cached<KubeObject>, event);
  }

  #nextLook(status: StatusDraft | undefined): ReconcileResult {
    const waits = [
      ...((status?.tagResolution?.failedRevisions.length ?? 0) > 0 ? [settleMilliseconds, refreshMilliseconds] : []),
      ...(this.#setbacks(this.#ports.clock.monotonic()).size > 0 ? [refreshMilliseconds] : []),
    ];
    return waits.length === 0 ? done : { requeueAfterMilliseconds: Math.min(...waits) };
  }
}

/** Whether there is, or will be, something of ours outside the object. */
function declaresSomething({ spec }: Cached<ServingPlatform>): boolean {
  return (spec.runtimes ?? []).length > 0 || (spec.tagResolution?.skipRegistries ?? []).length > 0;
}

/** A refusal that trying again cannot cure; undefined for what may pass. */
function refusalOf(error: unknown, what: string): Setback | undefined {
  if (!(error instanceof KubeError)) return undefined;
  if (error.status === 403 && !error.message.startsWith('admission webhook')) {
    const message = `The operator may not write ${what}: ${error.message}; give it the ClusterRole modelwright-operator`;
    return { kind: 'Refused', reason: 'Forbidden', message };
  }
  if (error.status === 400 || error.status === 403 || error.status === 422) {
    return { kind: 'Refused', reason: 'EditRefused', message: `The edit of ${what} was refused: ${error.message}` };
  }
  return undefined;
}

/** The object changed meanwhile: its event brings us back. */
async function ifUnchanged<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return undefined;
    throw error;
  }
}
