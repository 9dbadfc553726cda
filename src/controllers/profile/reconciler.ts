/** One reconcile: observe, decide, act, and say what came of it. What should be true is decided in `decide.ts`. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import type { Applier } from '../../kube/apply.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Clock, timestamp } from '../../kube/clock.ts';
import { done, type ReconcileContext, type ReconcileResult } from '../../kube/controller.ts';
import { isAlreadyExists, isConflict, isForbidden, isInvalid, isNotFound, KubeError } from '../../kube/errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OpenShelf } from '../deployment/packaging/credentials.ts';
import { platformKey } from '../platform/stores.ts';
import { checkRecommendation } from './apply/check.ts';
import { applyEvents } from './apply/events.ts';
import { countApplication } from './apply/metrics.ts';
import type { Verdicts } from './apply/recommend.ts';
import type { Attempt, Step } from './apply/step.ts';
import { takeStep } from './apply/take-step.ts';
import { afterRefusedJob, decide } from './decide.ts';
import type { Action, StatusDraft } from './decision.ts';
import { actOnCopies } from './dedicated/act.ts';
import { sharedNodes } from './dedicated/gpu-claim.ts';
import * as tell from './events.ts';
import { type GpuSight, GpuWatch, isWatched } from './idle/gpu-watch.ts';
import { isActive } from './job/job-state.ts';
import { runLabel } from './labels.ts';
import { defaultDurationSeconds } from './measure.ts';
import { messagesRefused, runsEnded } from './metrics.ts';
import { observe } from './observe.ts';
import type { Observed } from './observed.ts';
import { verdictEvents } from './regression/events.ts';
import { grantAccess, needsAccess } from './report/access.ts';
import { writeReport } from './report/config-map.ts';
import type { ConfigMapOutcome } from './report/stored.ts';
import { jobs, modelProfiles } from './resources.ts';
import type { Refusal } from './results/collect.ts';
import { Slots } from './slots.ts';
import { stampStatus } from './status.ts';
import type { ProfileStores } from './stores.ts';
import { targetKeyOf } from './target/target-key.ts';

export interface ReconcilerPorts {
  readonly client: KubeClient;
  readonly stores: ProfileStores;
  readonly applier: Applier;
  readonly recorder: EventRecorder;
  /** Opens the model repositories that full reports are uploaded to. */
  readonly openShelf: OpenShelf;
  readonly clock: Clock;
  /** Image of load pods where the ServingPlatform names none. */
  readonly image: string;
  readonly version: string;
}

/** Our own writes reach the cache within about this time. */
const behindMilliseconds = 100;
/** After this long a write that the cache has not heard of is given up: a restored etcd counts anew. */
const settleMilliseconds = 5000;
/** What was refused is tried again this seldom. */
const refusedMilliseconds = 60_000;

interface Write {
  readonly resourceVersion: string;
  /** On the clock that does not jump. */
  readonly at: number;
}

/** What the last reconciles of a profile left behind; losing it costs a repeated event at most. */
interface Memory {
  readonly uid: string;
  status?: Write;
  /** The Job made last. */
  job?: Write & { readonly key: ObjectKey };
  /** UIDs of pods whose message was refused, and told to be. */
  readonly refused: Set<string>;
  /** Names of copies that the API server refused, and what it said. */
  readonly refusedCopies: Map<string, string>;
  /** What the API server has said to the last recommendation, by the hash of that. */
  verdicts: Verdicts;
  /** The last step by which the best setting was to reach the ModelDeployment, and when it is taken again. */
  attempt?: Attempt & { readonly again: number };
  /** UIDs of Jobs whose pods were given their access to the model repository. */
  readonly granted: Set<string>;
  /** What came of the last ConfigMap with a full report. */
  report?: ConfigMapOutcome;
}

export class Reconciler {
  readonly #ports: ReconcilerPorts;
  readonly #slots = new Slots();
  readonly #gpuWatch: GpuWatch;
  readonly #memories = new Map<string, Memory>();

  constructor(ports: ReconcilerPorts) {
    this.#ports = ports;
    this.#gpuWatch = new GpuWatch(ports.client);
  }

  async reconcile(key: ObjectKey, { signal, log }: ReconcileContext): Promise<ReconcileResult> {
    const { stores, clock, image, version } = this.#ports;
    const read = (gpu?: GpuSight) =>
      observe(key, {
        stores,
        image,
        version,
        now: clock.now(),
        reserved: this.#slots.list(),
        wanted: this.#slots.wanted(),
        refusedCopies: this.#memories.get(keyText(key))?.refusedCopies ?? new Map(),
        verdicts: this.#memories.get(keyText(key))?.verdicts ?? {},
        attempt: this.#attemptOf(key),
        reportWritten: this.#memories.get(keyText(key))?.report,
        ...(gpu !== undefined && { gpu }),
      });
    const first = read();
    const exporter = stores.platforms.get(platformKey)?.spec.benchmark?.dcgmExporter;
    // Looking takes time: who else begins in it is seen when everything is read once more.
    const observed = first !== undefined && isWatched(first) ? read(await this.#gpuWatch.look(first, exporter, signal)) : first;
    if (observed === undefined) {
      const forgotten = this.#memories.get(keyText(key));
      if (forgotten !== undefined) this.#gpuWatch.forget(forgotten.uid);
      this.#slots.free(key);
      this.#memories.delete(keyText(key));
      return done;
    }
    const memory = this.#memoryOf(key, observed.profile.metadata.uid);
    if (this.#isBehind(key, memory)) return { requeueAfterMilliseconds: behindMilliseconds };
    const decision = decide(observed);
    if (decision.status === undefined) {
      this.#slots.free(key);
      return done;
    }
    // Before anything is awaited: whoever is decided on next sees that this place is taken.
    const { namespace = '' } = observed.profile.metadata;
    const { claim } = observed;
    const gpus = [...(observed.gpu?.holds ?? []), ...(claim === undefined ? [] : sharedNodes(claim))];
    const place = { key: keyText(key), namespace, target: targetKeyOf(observed.profile), gpus, ...(claim && { claim }) };
    if (decision.takesPlace) this.#slots.take(place);
    else this.#slots.await(key, claim);
    for (const action of decision.actions) {
      const outcome = await this.#act(action, observed, memory, log, signal);
      if (outcome === 'Again') return { requeueAfterMilliseconds: behindMilliseconds * 5 };
      if (outcome !== 'Done') {
        this.#slots.free(key);
        await this.#report(observed, afterRefusedJob(observed, outcome.refused), memory, signal);
        return { requeueAfterMilliseconds: refusedMilliseconds };
      }
    }
    this.#tellRefusals(observed, decision.refusals, memory);
    await this.#grantAccess(observed, memory, log, signal);
    await this.#report(observed, decision.status, memory, signal);
    if (decision.writesReport === true) {
      await this.#writeReport(observed, decision.status, memory, log, signal);
      return { requeueAfterMilliseconds: behindMilliseconds };
    }
    const checked = await checkRecommendation(observed.recommending, decision.status.recommendation, this.#ports.client, signal);
    if (checked !== undefined) {
      memory.verdicts = { [checked.hash]: checked.verdict };
      return { requeueAfterMilliseconds: behindMilliseconds };
    }
    if (decision.step !== undefined) return this.#takeStep(decision.step, observed, memory, log, signal);
    const copiesAgain = await this.#makeCopies(observed, memory, log, signal);
    const { lookAgainMilliseconds } = decision;
    const { again = Number.POSITIVE_INFINITY } = memory.attempt ?? {};
    const askAgain = Number.isFinite(again) ? Math.max(0, again - clock.monotonic()) : undefined;
    const waits = [lookAgainMilliseconds, copiesAgain, askAgain].filter((wait) => wait !== undefined);
    return waits.length === 0 ? done : { requeueAfterMilliseconds: Math.min(...waits) };
  }

  /** What the API server has refused may be let through by now, by a quota or a policy. */
  #attemptOf(key: ObjectKey): Attempt | undefined {
    const attempt = this.#memories.get(keyText(key))?.attempt;
    return attempt === undefined || attempt.again > this.#ports.clock.monotonic() ? attempt : { ...attempt, isDue: true };
  }

  /** Takes one step towards the ModelDeployment; what came of it is decided on at once. */
  async #takeStep(
    step: Step,
    { profile, recommending }: Observed,
    memory: Memory,
    log: Logger,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { client, clock } = this.#ports;
    const outcome = await takeStep(step, { client, profile, deployment: recommending?.deployment }, signal);
    log.info({ step: step.key, outcome: outcome.kind }, 'Step towards the ModelDeployment');
    // An object that changed while it was looked at is looked at again; only of a promised write that is an answer.
    const isAnswer = outcome.kind !== 'NotWritten' || step.kind === 'Write';
    const isRefusal =
      outcome.kind === 'Conflict' || outcome.kind === 'Refused' || (outcome.kind === 'Managed' && outcome.refused !== undefined);
    const again = isRefusal ? clock.monotonic() + refusedMilliseconds * 5 : Number.POSITIVE_INFINITY;
    if (isAnswer) memory.attempt = { key: step.key, outcome, time: timestamp(clock), again };
    return { requeueAfterMilliseconds: behindMilliseconds };
  }

  /** What the pods of the Jobs under way come to the model repository with; they wait for it. */
  async #grantAccess(observed: Observed, { granted }: Memory, log: Logger, signal: AbortSignal): Promise<void> {
    const { jobs, profile } = observed;
    const waiting = jobs.filter((job) => needsAccess(job) && isActive(job));
    for (const job of waiting.filter(({ metadata }) => !granted.has(metadata.uid) && metadata.deletionTimestamp === undefined)) {
      const seconds = profile.spec.budget?.maxDurationSeconds ?? defaultDurationSeconds;
      try {
        await grantAccess(this.#ports, job, observed, seconds * 1000, log, signal);
        granted.add(job.metadata.uid);
      } catch (error) {
        // The status says what the pods wait for, and it is tried again with the next look.
        if (!isForbidden(error) && !isInvalid(error)) throw error;
        log.warn({ err: error, job: job.metadata.name }, 'Secret for the model repository was refused');
      }
    }
  }

  /** Writes the ConfigMap with the full report, of the status as it is by now. */
  async #writeReport({ profile }: Observed, draft: StatusDraft, memory: Memory, log: Logger, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#ports;
    const { run } = draft;
    if (run === undefined) return;
    const outcome = await writeReport(client, { ...profile, status: stampStatus(profile, draft, timestamp(clock)) }, signal);
    if ('refused' in outcome) log.warn({ run: run.id, reason: outcome.refused }, 'ConfigMap with the full report was refused');
    memory.report = { runId: run.id, outcome };
  }

  /** Makes and removes the copies that a Dedicated run measures. Returns when to look again. */
  async #makeCopies({ dedicated }: Observed, memory: Memory, log: Logger, signal: AbortSignal): Promise<number | undefined> {
    if (dedicated === undefined) return undefined;
    const { applier, stores, clock } = this.#ports;
    try {
      await actOnCopies(dedicated, { applier, modelDeployments: stores.deployments.modelDeployments }, signal);
    } catch (error) {
      if (!isForbidden(error) && !isInvalid(error)) throw error;
      log.warn({ err: error, copy: dedicated.apply?.metadata.name }, 'Copy was refused');
      if (dedicated.apply !== undefined) memory.refusedCopies.set(dedicated.apply.metadata.name, error.message);
      return behindMilliseconds;
    }
    return dedicated.again === undefined ? undefined : Math.max(behindMilliseconds, dedicated.again - clock.now());
  }

  /** What is remembered of an earlier profile of this name says nothing about this one. */
  #memoryOf(key: ObjectKey, uid: string): Memory {
    const known = this.#memories.get(keyText(key));
    if (known?.uid === uid) return known;
    const memory: Memory = { uid, refused: new Set(), refusedCopies: new Map(), verdicts: {}, granted: new Set() };
    this.#memories.set(keyText(key), memory);
    return memory;
  }

  /** The caches have yet to hear of our last writes: decided on what is from before them, a Job would be made twice. */
  #isBehind(key: ObjectKey, { status, job }: Memory): boolean {
    const { stores, clock } = this.#ports;
    const isRecent = ({ at }: Write) => clock.monotonic() - at < settleMilliseconds;
    return (
      (status !== undefined && isRecent(status) && !stores.profiles.hasSeen(key, status.resourceVersion)) ||
      (job !== undefined && isRecent(job) && !stores.jobs.hasSeen(job.key, job.resourceVersion))
    );
  }

  async #act(
    action: Action,
    observed: Observed,
    memory: Memory,
    log: Logger,
    signal: AbortSignal,
  ): Promise<'Done' | 'Again' | { readonly refused: string }> {
    const { client } = this.#ports;
    switch (action.kind) {
      case 'DeleteJob': {
        const { job, propagation, why } = action;
        const { uid } = job.metadata;
        try {
          await client.delete(jobs, keyOf(job as KubeObject), { uid, propagationPolicy: propagation }, signal);
          log.info({ job: job.metadata.name, why }, 'Load Job deleted');
        } catch (error) {
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
        return 'Done';
      }
      case 'CreateJob':
        return this.#createJob(action, observed, memory, log, signal);
    }
  }

  async #createJob(
    { job, after, event }: Extract<Action, { kind: 'CreateJob' }>,
    { profile }: Observed,
    memory: Memory,
    log: Logger,
    signal: AbortSignal,
  ): Promise<'Done' | 'Again' | { readonly refused: string }> {
    const { client, clock, recorder, stores } = this.#ports;
    const { namespace = '', name } = job.metadata;
    if (after !== undefined && stores.jobs.get({ namespace, name: after }) === undefined) {
      if (await this.#stillThere({ namespace, name: after }, profile.metadata.uid, log, signal)) return 'Again';
    }
    const note = (resourceVersion: string) => {
      memory.job = { key: { namespace, name }, resourceVersion, at: clock.monotonic() };
    };
    try {
      const made = await client.create(jobs, job, { fieldManager: 'modelwright' }, signal);
      note(made.metadata.resourceVersion);
      log.info({ job: name, run: job.metadata.labels?.[runLabel] }, 'Load Job made');
      recorder.record(profile as Cached<KubeObject>, event);
      return 'Done';
    } catch (error) {
      if (isAlreadyExists(error)) {
        const found = await client.getMetadata(jobs, { namespace, name }, signal);
        const isOurs = found.metadata.ownerReferences?.some(({ uid }) => uid === profile.metadata.uid) ?? false;
        if (!isOurs) return { refused: `There is a Job ${name} that is not of this profile; delete it` };
        // Made just before this operator started, or its answer was lost.
        note(found.metadata.resourceVersion ?? '');
        return 'Again';
      }
      if (isForbidden(error) || isInvalid(error) || (error instanceof KubeError && error.status === 400)) {
        log.warn({ err: error, job: name }, 'Load Job was refused');
        return { refused: `The API server refused the load Job: ${error.message}` };
      }
      throw error;
    }
  }

  /** Whether the Job before is there after all, though the cache has lost sight of it: somebody took its labels off. It is ended then. */
  async #stillThere(key: ObjectKey, owner: string, log: Logger, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#ports;
    try {
      const { metadata } = await client.getMetadata(jobs, key, signal);
      if (!metadata.ownerReferences?.some(({ uid }) => uid === owner)) return false;
      if (metadata.deletionTimestamp === undefined) {
        log.warn({ job: key.name }, 'Load Job has lost its labels and is deleted');
        await client.delete(jobs, key, { uid: metadata.uid, propagationPolicy: 'Foreground' }, signal);
      }
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  #tellRefusals({ profile }: Observed, refusals: readonly Refusal[], { refused }: Memory): void {
    for (const refusal of refusals) {
      if (refused.has(refusal.podUid)) continue;
      refused.add(refusal.podUid);
      messagesRefused.inc();
      this.#ports.recorder.record(profile as Cached<KubeObject>, tell.refusedEvent(refusal));
    }
  }

  /** Writes the status where it differs, and tells and counts each transition once. */
  async #report({ profile }: Observed, draft: StatusDraft, memory: Memory, signal: AbortSignal): Promise<void> {
    const { applier, clock, recorder } = this.#ports;
    const status = stampStatus(profile, draft, timestamp(clock));
    try {
      const outcome = await applier.applyStatus(modelProfiles, profile, status, signal);
      if (!outcome.written) return;
      memory.status = { resourceVersion: outcome.object.metadata.resourceVersion, at: clock.monotonic() };
    } catch (error) {
      // Gone while we looked at it.
      if (isNotFound(error)) return;
      throw error;
    }
    const before = profile.status as ModelProfile['status'];
    const event = tell.transitionEvent(before, draft);
    if (event !== undefined) recorder.record(profile as Cached<KubeObject>, event);
    for (const verdict of [...verdictEvents(before, draft), ...applyEvents(before, draft)]) {
      recorder.record(profile as Cached<KubeObject>, verdict);
    }
    countApplication(before, draft);
    const { run } = draft;
    const isOver = run !== undefined && run.state !== 'Waiting' && run.state !== 'Running';
    if (isOver && (before?.run?.id !== run.id || before.run.state !== run.state)) {
      runsEnded.inc({ outcome: run.state === 'Failed' ? (run.reason ?? 'Failed') : run.state });
    }
  }
}
