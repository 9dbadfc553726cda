/** Keeps each ModelDeployment's InferenceService as declared, and its status true. Start reading at `decide.ts`. */
import { createHash } from 'node:crypto';
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { Policy } from '../../kserve/policy.ts';
import type { RenderedInferenceService } from '../../kserve/render.ts';
import type { Applier } from '../../kube/apply.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Clock, timestamp } from '../../kube/clock.ts';
import { type Controller, done, type ReconcileContext, type ReconcileResult } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../../kube/object.ts';
import { compareResourceVersions } from '../../kube/resource-version.ts';
import type { Cached, Store } from '../../kube/store.ts';
import { specChanged, watch, watchMapped } from '../../kube/watches.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Action, afterFailedWrite, type Decision, decide } from './decide.ts';
import { differences } from './differences.ts';
import * as tell from './events.ts';
import { FactsWatch } from './facts-watch.ts';
import { writeFailureOf } from './failure.ts';
import { LogTails } from './log-tails.ts';
import { countDeployments, driftFound, failures, timeToReady } from './metrics.ts';
import { type Observed, observe } from './observe.ts';
import { modelDeployments } from './resources.ts';
import { type StatusDraft, stampStatus } from './status.ts';
import { type DeploymentStores, identityIndex, identityKeys, serviceLabel } from './stores.ts';

export interface DeploymentControllerPorts {
  readonly client: KubeClient;
  readonly stores: DeploymentStores;
  readonly applier: Applier;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly policy: Policy;
  /** Mode of new deployments that name none; absent: KServe's own default. */
  readonly defaultMode?: DeploymentMode;
  /** Where KServe is; absent: found out. */
  readonly kserveNamespace?: string;
  readonly workers?: number;
}

/** KServe acts on a write within this time, or has nothing to change. */
const settleMilliseconds = 5000;
/** What was refused is tried again this seldom: the refusal may have depended on something that is not watched. */
const refusedMilliseconds = 600_000;

/** What the last reconcile of a deployment left behind; losing it (a restart) costs one comparison and nothing else. */
interface Memory {
  /** Digest of the InferenceService that was wanted. */
  readonly wanted: string;
  /** The write that KServe may not have acted on yet. */
  readonly write?: { readonly resourceVersion: string; readonly at: number };
}

export function deploymentController(ports: DeploymentControllerPorts): Controller {
  const { stores, client, clock, log, kserveNamespace, workers } = ports;
  const keys = () => stores.modelDeployments.list().map((deployment) => keyOf(deployment as ModelDeployment));
  const facts = new FactsWatch({
    client,
    stores: stores.facts,
    clock,
    log,
    keys,
    ...(kserveNamespace !== undefined && { kserveNamespace }),
  });
  const reconciler = new Reconciler(ports, facts);
  countDeployments(stores.modelDeployments);
  return {
    name: 'modeldeployment',
    ...(workers !== undefined && { workers }),
    watches: [
      facts,
      watch(stores.modelDeployments, { changed: specChanged }),
      watchMapped(stores.modelDeployments, (deployment) => rivalsOf(deployment, stores), { changed: specChanged }),
      ...Object.entries(stores.serving).flatMap(([group, serving]) => {
        const label = serviceLabel[group as keyof typeof serviceLabel];
        const children = [serving.pods, serving.deployments, serving.replicaSets, serving.knativeServices, serving.revisions];
        return [
          watchMapped(serving.inferenceServices, (service) => known(stores, service.metadata.namespace, service.metadata.name)),
          ...children.map((store) =>
            watchMapped(store as Store<KubeObject>, ({ metadata }) => known(stores, metadata.namespace, metadata.labels?.[label])),
          ),
        ];
      }),
      watchMapped(stores.events, ({ metadata, involvedObject }) => known(stores, metadata.namespace, involvedObject?.name)),
    ],
    reconcile: (key, context) => reconciler.reconcile(key, context),
  };
}

/** The key of a deployment that is there; InferenceServices of others are none of our work. */
function known(stores: DeploymentStores, namespace: string | undefined, name: string | undefined): readonly ObjectKey[] {
  if (namespace === undefined || name === undefined) return [];
  const key = { namespace, name };
  return stores.modelDeployments.get(key) === undefined ? [] : [key];
}

/** Deployments with the same identity: what happens to one decides over the others. */
function rivalsOf(deployment: Cached<ModelDeployment>, { modelDeployments: store }: DeploymentStores): readonly ObjectKey[] {
  return identityKeys(deployment as ModelDeployment)
    .flatMap((identity) => store.byIndex(identityIndex, identity))
    .filter(({ metadata }) => metadata.uid !== deployment.metadata.uid)
    .map((rival) => keyOf(rival as ModelDeployment));
}

class Reconciler {
  readonly #ports: DeploymentControllerPorts;
  readonly #facts: FactsWatch;
  readonly #logs: LogTails;
  readonly #memories = new Map<string, Memory>();

  constructor(ports: DeploymentControllerPorts, facts: FactsWatch) {
    this.#ports = ports;
    this.#facts = facts;
    this.#logs = new LogTails(ports.client);
  }

  async reconcile(key: ObjectKey, { signal, log }: ReconcileContext): Promise<ReconcileResult> {
    const { stores, policy, defaultMode } = this.#ports;
    const seen = observe(key, {
      stores,
      policy,
      facts: () => this.#facts.current(),
      ...(defaultMode !== undefined && { defaultMode }),
    });
    if (seen === undefined) {
      this.#memories.delete(keyText(key));
      return done;
    }
    const { observed, decision } = await this.#withLogs({ ...seen, settling: this.#isSettling(seen) }, signal);
    if (decision.status === undefined) return done;
    let written: boolean;
    try {
      written = await this.#act(observed, decision.action, log, signal);
    } catch (error) {
      const failure = writeFailureOf(error);
      if (failure === undefined) throw error;
      await this.#report(observed, afterFailedWrite(observed, failure), signal);
      if (failure.kind === 'Unavailable') throw error;
      log.warn({ err: error }, 'InferenceService was refused');
      return { requeueAfterMilliseconds: refusedMilliseconds };
    }
    const status = written ? decide({ ...observed, settling: true }).status : decision.status;
    await this.#report(observed, status ?? decision.status, signal);
    return written || observed.settling ? { requeueAfterMilliseconds: settleMilliseconds } : done;
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
    if (inferenceService.kind === 'Absent') return true;
    const order = compareResourceVersions(inferenceService.object.metadata.resourceVersion, write.resourceVersion);
    return order === undefined ? inferenceService.object.metadata.resourceVersion === write.resourceVersion : order <= 0;
  }

  /** Makes the InferenceService as decided. Returns whether something was written. */
  async #act(observed: Observed, action: Action, log: Logger, signal: AbortSignal): Promise<boolean> {
    const { applier, recorder } = this.#ports;
    const { deployment } = observed;
    switch (action.kind) {
      case 'Leave':
        return false;
      case 'Delete': {
        this.#memories.delete(keyText(keyOf(deployment as ModelDeployment)));
        const removed = await applier.remove(this.#serviceStore(observed).type, action.object as Cached<KubeObject>, signal);
        if (removed) recorder.record(deployment as Cached<KubeObject>, tell.deletedEvent(deployment.metadata.name));
        return false;
      }
      case 'Apply': {
        const outcome = await applier.apply(this.#serviceStore(observed), action.desired as never, signal);
        this.#remember(observed, action.desired, outcome.written ? outcome.object.metadata.resourceVersion : undefined, log);
        return outcome.written;
      }
    }
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
    const fields = observed.inferenceService.kind === 'Absent' ? [] : differences(desired, observed.inferenceService.object);
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

function writeEvent({ inferenceService, deployment }: Observed, drifted: boolean, fields: readonly string[]) {
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
