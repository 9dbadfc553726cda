/** One reconcile: observe, decide, act, and say what came of it. What should be true is decided in `decide.ts`. */
import { createHash } from 'node:crypto';
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { Policy } from '../../kserve/policy.ts';
import type { RenderedInferenceService } from '../../kserve/render.ts';
import type { Applier } from '../../kube/apply.ts';
import type { ApplyObject, KubeClient } from '../../kube/client.ts';
import { type Clock, timestamp } from '../../kube/clock.ts';
import { done, type ReconcileContext, type ReconcileResult } from '../../kube/controller.ts';
import { isNotFound } from '../../kube/errors.ts';
import type { EventInput, EventRecorder } from '../../kube/events.ts';
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../../kube/object.ts';
import { compareResourceVersions } from '../../kube/resource-version.ts';
import type { Cached, Store } from '../../kube/store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Action, afterFailedWrite, type Decision, decide } from './decide.ts';
import { differences } from './differences.ts';
import * as tell from './events.ts';
import type { FactsWatch } from './facts-watch.ts';
import { writeFailureOf } from './failure.ts';
import { LogTails } from './log-tails.ts';
import { driftFound, failures, timeToReady } from './metrics.ts';
import { type Observed, observe } from './observe.ts';
import { objectOf } from './ownership.ts';
import { modelDeployments } from './resources.ts';
import { type StatusDraft, stampStatus } from './status.ts';
import type { DeploymentStores } from './stores.ts';

export interface ReconcilerPorts {
  readonly client: KubeClient;
  readonly stores: DeploymentStores;
  readonly applier: Applier;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly policy: Policy;
  /** Mode of new deployments that name none; absent: KServe's own default. */
  readonly defaultMode?: DeploymentMode;
}

/** KServe acts on a write within this time, or has nothing to change. */
const settleMilliseconds = 5000;
/** What was refused is tried again this seldom: the refusal may have depended on something that is not watched. */
const refusedMilliseconds = 600_000;
/** What the cluster knows and our cache does not is looked at again after this long. */
const unseenMilliseconds = 1000;

/** What the last reconcile of a deployment left behind; losing it (a restart) costs one comparison and nothing else. */
interface Memory {
  /** Digest of the InferenceService that was wanted. */
  readonly wanted: string;
  /** The write that KServe may not have acted on yet. */
  readonly write?: { readonly resourceVersion: string; readonly at: number };
}

/** `Unseen`: nothing was done, because the cluster has an InferenceService that the cache does not know yet. */
type Outcome = 'Written' | 'Unchanged' | 'Unseen';

export class Reconciler {
  readonly #ports: ReconcilerPorts;
  readonly #facts: FactsWatch;
  readonly #logs: LogTails;
  readonly #memories = new Map<string, Memory>();

  constructor(ports: ReconcilerPorts, facts: FactsWatch) {
    this.#ports = ports;
    this.#facts = facts;
    this.#logs = new LogTails(ports.client);
  }

  async reconcile(key: ObjectKey, { signal, log }: ReconcileContext): Promise<ReconcileResult> {
    const { stores, policy, defaultMode } = this.#ports;
    const seen = observe(key, {
      stores,
      policy,
      facts: await this.#facts.current(signal),
      ...(defaultMode !== undefined && { defaultMode }),
    });
    if (seen === undefined) {
      this.#memories.delete(keyText(key));
      return done;
    }
    const { observed, decision } = await this.#withLogs({ ...seen, settling: this.#isSettling(seen) }, signal);
    if (decision.status === undefined) return done;
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
    const status = outcome === 'Written' ? decide({ ...observed, settling: true }).status : decision.status;
    await this.#report(observed, status ?? decision.status, signal);
    return outcome === 'Written' || observed.settling ? { requeueAfterMilliseconds: settleMilliseconds } : done;
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

  #isSettling({ deployment, inferenceService }: Observed): boolean {
    const write = this.#memories.get(keyText(keyOf(deployment as ModelDeployment)))?.write;
    if (write === undefined || this.#ports.clock.monotonic() - write.at >= settleMilliseconds) return false;
    const seen = objectOf(inferenceService)?.metadata.resourceVersion;
    if (seen === undefined) return true;
    const order = compareResourceVersions(seen, write.resourceVersion);
    return order === undefined ? seen === write.resourceVersion : order <= 0;
  }

  /** Makes the InferenceService as decided. */
  async #act(observed: Observed, action: Action, log: Logger, signal: AbortSignal): Promise<Outcome> {
    const { applier, recorder } = this.#ports;
    const { deployment } = observed;
    switch (action.kind) {
      case 'Leave':
        return 'Unchanged';
      case 'Delete': {
        this.#memories.delete(keyText(keyOf(deployment as ModelDeployment)));
        const removed = await applier.remove(this.#serviceStore(observed).type, action.object as Cached<KubeObject>, signal);
        if (removed) recorder.record(deployment as Cached<KubeObject>, tell.deletedEvent(deployment.metadata.name));
        return 'Unchanged';
      }
      case 'Apply': {
        if (await this.#isUnseen(observed, signal)) return 'Unseen';
        const outcome = await applier.apply(this.#serviceStore(observed), this.#bound(observed, action.desired), signal);
        this.#remember(observed, action.desired, outcome.written ? outcome.object.metadata.resourceVersion : undefined, log);
        return outcome.written ? 'Written' : 'Unchanged';
      }
    }
  }

  /** An apply takes over whatever has the name, so before the first one the cluster itself is asked, and not the cache. */
  async #isUnseen(observed: Observed, signal: AbortSignal): Promise<boolean> {
    if (observed.inferenceService.kind !== 'Absent' || observed.settling) return false;
    try {
      await this.#ports.client.getMetadata(this.#serviceStore(observed).type, keyOf(observed.deployment as ModelDeployment), signal);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** What is applied is meant for the very object that was judged, and for no other that took its name since. */
  #bound({ inferenceService }: Observed, desired: RenderedInferenceService): ApplyObject<InferenceServiceObject> {
    const uid = objectOf(inferenceService)?.metadata.uid;
    return uid === undefined ? desired : { ...desired, metadata: { ...desired.metadata, uid } };
  }

  /** Says what a write was about, and keeps what the next reconcile has to know of it. */
  #remember(observed: Observed, desired: RenderedInferenceService, writtenVersion: string | undefined, log: Logger): void {
    const { clock, recorder } = this.#ports;
    const { deployment } = observed;
    const key = keyText(keyOf(deployment as ModelDeployment));
    const before = this.#memories.get(key);
    const wanted = createHash('sha256').update(JSON.stringify(desired)).digest('base64');
    if (writtenVersion === undefined) {
      if (before?.wanted !== wanted) this.#memories.set(key, { wanted });
      return;
    }
    const live = objectOf(observed.inferenceService);
    const fields = live === undefined ? [] : differences(desired, live);
    // While our own last write is not in the cache yet, a difference from it is no news.
    const drifted = before?.wanted === wanted && !observed.settling;
    log.info({ fields, drifted }, 'InferenceService written');
    if (drifted) driftFound.inc({ runtime: deployment.spec.runtime.type });
    recorder.record(deployment as Cached<KubeObject>, writeEvent(observed, drifted, fields));
    this.#memories.set(key, { wanted, write: { resourceVersion: writtenVersion, at: clock.monotonic() } });
  }

  #serviceStore({ platform }: Observed): Store<InferenceServiceObject> {
    if (platform.kind === 'Missing') throw new Error('decided to write an InferenceService without a serving layer');
    return this.#ports.stores.serving[platform.group].inferenceServices;
  }

  /** Writes the status where it differs, and tells and counts each transition once. */
  async #report({ deployment }: Observed, draft: StatusDraft, signal: AbortSignal): Promise<void> {
    const { applier, clock, recorder } = this.#ports;
    const subject = deployment as ModelDeployment;
    const now = timestamp(clock);
    const status = stampStatus(subject, draft, now);
    const outcome = await applier.applyStatus(modelDeployments, deployment, status, signal);
    if (!outcome.written) return;
    const event = tell.transitionEvent(subject.status, draft);
    if (event !== undefined) recorder.record(deployment as Cached<KubeObject>, event);
    if (event?.type === 'Warning' && draft.lastError !== undefined)
      failures.inc({ stage: draft.lastError.stage, reason: draft.lastError.reason });
    if (subject.status?.firstReadyTime === undefined && status.firstReadyTime !== undefined) {
      const seconds = (clock.now() - Date.parse(deployment.metadata.creationTimestamp)) / 1000;
      timeToReady.observe({ runtime: subject.spec.runtime.type, mode: draft.deploymentMode ?? 'Unknown' }, Math.max(0, seconds));
    }
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
