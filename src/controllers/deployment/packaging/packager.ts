/** Carries out what `decide.ts` says about packaging, one step a reconcile. */
import { randomBytes } from 'node:crypto';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { isAlreadyExists, isConflict, isForbidden, isNotFound, KubeError } from '../../../kube/errors.ts';
import { controllerReference, dependentReference, type KubeObject, keyOf, type Stored } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { printVersion } from '../../../models/kserve-version.ts';
import { incomingBlob, incomingManifestBlob } from '../../../packaging/azure/repository.ts';
import type { Shelf } from '../../../packaging/azure/shelf.ts';
import { PackagingError } from '../../../packaging/errors.ts';
import type { JobResult } from '../../../packaging/job-message.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { accessFor, isCurrent, readMilliseconds, readSecretName } from './access.ts';
import type { OpenShelf } from './credentials.ts';
import { decidePackaging, type PackagingDecision, type PackagingObserved, packaged, type Step } from './decide.ts';
import { defaultDeadlineSeconds, renderJob, signatureSecret, uploadSecretName } from './job.ts';
import { failed, type Outcome, type PackageStatus, working } from './outcome.ts';
import { type Reader, readerOf, serviceAccountOf } from './reader.ts';
import type { NamespaceRepository } from './repository.ts';
import { annotations, type JobObject, jobs, secrets, serviceAccounts } from './resources.ts';
import { succeed } from './succeed.ts';
import type { Task } from './task.ts';

export interface PackagerPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly openShelf: OpenShelf;
}

export interface Advance {
  readonly outcome: Outcome;
  readonly lookAgainMilliseconds?: number;
}

/** A Job is given its signature for its own time and this much more. */
const graceMilliseconds = 300_000;
const retryMilliseconds = 15_000;
const refusedMilliseconds = 60_000;
const maxKnown = 20;

export class Packager {
  readonly #ports: PackagerPorts;

  constructor(ports: PackagerPorts) {
    this.#ports = ports;
  }

  async advance(observed: PackagingObserved, log: Logger, signal: AbortSignal): Promise<Advance> {
    const decision = decidePackaging(observed);
    for (const job of decision.remove) await this.#removeJob(job, decision.place, log, signal);
    try {
      return await this.#step(observed, decision, log, signal);
    } catch (error) {
      const earlier = observed.deployment.status?.package as PackageStatus | undefined;
      if (error instanceof PackagingError) return this.#setback(error, earlier, log);
      if (error instanceof KubeError && isForbidden(error)) {
        const message = `The operator may not do what packaging needs: ${error.message}; an administrator must give it the permissions of manifests/operator, and the namespace room for the Job`;
        return { outcome: failed('Forbidden', message, earlier), lookAgainMilliseconds: refusedMilliseconds };
      }
      if (isNotFound(error) || isConflict(error)) return { outcome: decision.outcome, lookAgainMilliseconds: 1000 };
      throw error;
    }
  }

  /** The storage service failed, or does not take our credentials. */
  #setback(error: PackagingError, earlier: PackageStatus | undefined, log: Logger): Advance {
    log.warn({ code: error.code, reason: error.message }, 'Packaging is held up');
    if (error.code === 'StorageFailed') {
      return {
        outcome: working('StorageNotReachable', `${error.message.replace(/\.$/, '')}; it is tried again`, earlier),
        lookAgainMilliseconds: retryMilliseconds,
      };
    }
    return { outcome: failed(error.code, error.message.replace(/\.$/, ''), earlier), lookAgainMilliseconds: refusedMilliseconds };
  }

  async #step(observed: PackagingObserved, decision: PackagingDecision, log: Logger, signal: AbortSignal): Promise<Advance> {
    const { step, outcome, lookAgainMilliseconds } = decision;
    const asDecided: Advance = { outcome, ...(lookAgainMilliseconds !== undefined && { lookAgainMilliseconds }) };
    switch (step.kind) {
      case 'None':
        return asDecided;
      case 'Start':
        return (await this.#start(observed, step, log, signal)) ?? asDecided;
      case 'Release':
        await this.#release(observed, step, signal);
        return asDecided;
      case 'Collect':
        return this.#collect(observed, step, log, signal);
      case 'Reuse': {
        const shelf = await this.#ports.openShelf(step.target, signal);
        if (await shelf.keep(step.package, signal))
          return this.#serve(
            observed,
            succeed(observed.deployment.status?.package as PackageStatus | undefined, { ...step.package, source: step.task.source }),
            step.target,
            signal,
          );
        throw new PackagingError(
          'NotFound',
          `Package ${step.package.sha256} of repository "${step.target.declared.name}" is gone; delete the other ModelDeployment that refers to it, or change spec.source`,
        );
      }
      case 'Serve':
        return this.#serve(observed, step.package, step.target, signal);
      default:
        return step satisfies never;
    }
  }

  /** Returns what is in the way, if something is. */
  async #start(
    observed: PackagingObserved,
    step: Extract<Step, { kind: 'Start' }>,
    log: Logger,
    signal: AbortSignal,
  ): Promise<Advance | undefined> {
    const { deployment, siblings, settings, sourceHosts, dialect } = observed;
    const { task, attempt, target, image } = step;
    const reader = task.kind === 'Verify' ? await this.#readerOf(observed, task, signal) : undefined;
    if (task.kind === 'Verify' && reader === undefined) {
      const message = `There is no ServiceAccount "${serviceAccountOf(deployment)}" in this namespace, under which the model's Pods would run; make it, or correct spec.serviceAccountName`;
      const earlier = deployment.status?.package as PackageStatus | undefined;
      return { outcome: failed('ServiceAccountMissing', message, earlier), lookAgainMilliseconds: retryMilliseconds };
    }
    const run = randomBytes(16).toString('hex');
    const ofRepository = [deployment.status?.package as PackageStatus | undefined, ...siblings].flatMap((one) =>
      one?.repository === target?.declared.name && one !== undefined ? [one.sha256] : [],
    );
    const job = renderJob({
      deployment,
      task,
      attempt,
      run,
      image,
      settings,
      sourceHosts,
      ...(reader && { reader }),
      kserveVersion: printVersion(dialect.version).replace('KServe ', ''),
      // After a failure nothing is taken for granted.
      ...(target && { upload: { ...uploadUrls(target, run), known: attempt > 1 ? [] : [...new Set(ofRepository)].slice(0, maxKnown) } }),
    });
    try {
      await this.#ports.client.create(jobs, job, {}, signal);
      log.info({ job: job.metadata.name, attempt }, 'Packaging Job made');
    } catch (error) {
      // Ours, which the cache does not know yet, or one that is about to go.
      if (!isAlreadyExists(error)) throw error;
    }
    return undefined;
  }

  /** The service account is read by its name, for the names of its Secrets; what is in them is for the Job's Pod alone. */
  async #readerOf(
    { deployment, dialect }: PackagingObserved,
    { storageUri }: Extract<Task, { kind: 'Verify' }>,
    signal: AbortSignal,
  ): Promise<Reader | undefined> {
    const { namespace = '' } = deployment.metadata;
    const name = serviceAccountOf(deployment);
    const account = await this.#ports.client.get(serviceAccounts, { namespace, name }, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    return account && readerOf(deployment, storageUri, account, dialect);
  }

  async #release(
    { deployment, settings }: PackagingObserved,
    { job, target }: Extract<Step, { kind: 'Release' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock, openShelf } = this.#ports;
    const { namespace = '', name } = job.metadata;
    if (target !== undefined) {
      const seconds = settings?.jobs.deadlineSeconds ?? defaultDeadlineSeconds;
      const expires = new Date(clock.now() + seconds * 1000 + graceMilliseconds);
      const shelf = await openShelf(target, signal);
      const run = runOf(job);
      const sign = (blob: string) => shelf.sign({ kind: 'Upload', blob }, expires, signal);
      const signatures = {
        AZURE_STORAGE_ACCESS_KEY: await sign(shelf.incomingBlob(run)),
        MANIFEST_SAS_TOKEN: await sign(shelf.incomingManifest(run)),
      };
      const owner = dependentReference(job as Stored<JobObject>);
      await this.#putSecret(signatureSecret(namespace, uploadSecretName(name), owner, deployment.metadata.name, signatures), signal);
    }
    await client.patch(
      jobs,
      keyOf(job as KubeObject),
      { metadata: { uid: job.metadata.uid }, spec: { suspend: false } },
      { kind: 'merge' },
      signal,
    );
  }

  async #collect(
    observed: PackagingObserved,
    step: Extract<Step, { kind: 'Collect' }>,
    log: Logger,
    signal: AbortSignal,
  ): Promise<Advance> {
    const { job, task, result, target } = step;
    const { sha256, sizeBytes, files, layout } = result;
    const content = { sha256, sizeBytes, files, layout, source: task.source };
    if (task.kind === 'Verify') {
      if (sha256 !== task.sha256)
        throw new PackagingError('ChecksumMismatch', 'The verifying Job reported another digest than it was asked for');
      return { outcome: packaged({ ...content, storageUri: task.storageUri }) };
    }
    if (target === undefined) throw new Error('a package without a repository');
    const shelf = await this.#ports.openShelf(target, signal);
    const isThere = result.uploaded ? await promoted(shelf, runOf(job), result, signal) : await shelf.keep(result, signal);
    if (!isThere) return this.#again(observed, step, log, signal);
    log.info({ job: job.metadata.name, sha256, sizeBytes }, 'Package taken over');
    return this.#serve(
      observed,
      succeed(observed.deployment.status?.package as PackageStatus | undefined, {
        ...content,
        storageUri: shelf.storageUri(sha256),
        repository: target.declared.name,
      }),
      target,
      signal,
    );
  }

  /** A result that was not true: another try, as after a failure of the Job. */
  async #again(
    observed: PackagingObserved,
    { job, task, target }: Extract<Step, { kind: 'Collect' }>,
    log: Logger,
    signal: AbortSignal,
  ): Promise<Advance> {
    const attempt = Number(job.metadata.annotations?.[annotations.attempt] ?? 1);
    const earlier = observed.deployment.status?.package as PackageStatus | undefined;
    const message = `What Job ${job.metadata.name} reported is not what lies in the repository`;
    log.warn({ job: job.metadata.name, attempt }, 'The result of a packaging Job was not true');
    if (attempt >= 3)
      return {
        outcome: failed(
          'ResultNotTrue',
          `${message}, ${attempt} times; find out who else writes Pods in this namespace, then delete the Job`,
          earlier,
        ),
      };
    const { image = '' } = observed;
    await this.#start(observed, { kind: 'Start', task, attempt: attempt + 1, image, ...(target && { target }) }, log, signal);
    await this.#removeJob(job, undefined, log, signal);
    return { outcome: working('PackagingRetries', `${message}; it is packaged again`, earlier) };
  }

  /** Gives and renews the pods' access to a package, and takes away that to those before it once it serves. */
  async #serve(
    observed: PackagingObserved,
    status: PackageStatus,
    target: NamespaceRepository | undefined,
    signal: AbortSignal,
  ): Promise<Advance> {
    const { deployment, dialect } = observed;
    const { clock, openShelf } = this.#ports;
    if (target === undefined) return { outcome: packaged(status) };
    const namespace = deployment.metadata.namespace ?? '';
    const current = await this.#withoutFormer(observed, status, signal);
    const needed = accessFor(current, target, namespace, dialect);
    if (needed.kind === 'Refused') return { outcome: { kind: 'Failed', block: needed.block, package: current } };
    const { access, ...rest } = current;
    if (needed.kind === 'None') return { outcome: packaged(rest) };
    if (isCurrent(access, needed.scope, clock.now()))
      return { outcome: packaged(current), lookAgainMilliseconds: renewalWait(current, clock.now()) };
    const expires = new Date(clock.now() + readMilliseconds);
    const token = await (await openShelf(target, signal)).sign(needed.grant, expires, signal);
    const secretName = readSecretName(deployment, rest.storageUri);
    const owner = controllerReference(deployment as Stored<ModelDeployment>);
    await this.#putSecret(
      signatureSecret(namespace, secretName, owner, deployment.metadata.name, { AZURE_STORAGE_ACCESS_KEY: token }),
      signal,
    );
    const expirationTime = `${expires.toISOString().slice(0, 19)}Z`;
    const renewed: PackageStatus = { ...rest, access: { secretName, scope: needed.scope, expirationTime } };
    return { outcome: packaged(renewed), lookAgainMilliseconds: readMilliseconds / 2 };
  }

  async #withoutFormer({ deployment }: PackagingObserved, status: PackageStatus, signal: AbortSignal): Promise<PackageStatus> {
    const { former, ...rest } = status;
    const serves =
      deployment.status?.package?.storageUri === status.storageUri &&
      deployment.status.observedGeneration === deployment.metadata.generation &&
      deployment.status.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') === true;
    // With a canary the version before gets requests still.
    if (former === undefined || !serves || (deployment.spec.rollout?.canaryTrafficPercent ?? 100) < 100) return status;
    const { namespace = '' } = deployment.metadata;
    for (const { secretName } of former) {
      if (secretName === undefined || secretName === rest.access?.secretName) continue;
      await ignoring(isNotFound, this.#ports.client.delete(secrets, { namespace, name: secretName }, {}, signal));
    }
    return rest;
  }

  async #removeJob(job: Cached<JobObject>, place: NamespaceRepository | undefined, log: Logger, signal: AbortSignal): Promise<void> {
    const { uid, deletionTimestamp } = job.metadata;
    if (deletionTimestamp !== undefined) return;
    if (place !== undefined && job.spec?.suspend !== true) {
      try {
        await (await this.#ports.openShelf(place, signal)).discard(runOf(job), signal);
      } catch (error) {
        if (!(error instanceof PackagingError)) throw error;
        // What stays is collected when it is a day old.
        log.warn({ job: job.metadata.name, code: error.code }, 'What a packaging Job uploaded could not be removed');
      }
    }
    // Its Secret and its Pods go with it.
    const options = { uid, propagationPolicy: 'Background' } as const;
    await ignoring(
      (error) => isNotFound(error) || isConflict(error),
      this.#ports.client.delete(jobs, keyOf(job as KubeObject), options, signal),
    );
  }

  /** Secrets may be written and not read: one of ours that is there is replaced. */
  async #putSecret(secret: ReturnType<typeof signatureSecret>, signal: AbortSignal): Promise<void> {
    const { client } = this.#ports;
    try {
      await client.create(secrets, secret, {}, signal);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await client.update(secrets, secret, {}, signal);
    }
  }
}

/** False where the upload is not what the message of the Job says. */
async function promoted(shelf: Shelf, run: string, result: JobResult, signal: AbortSignal): Promise<boolean> {
  try {
    await shelf.promote(run, result, signal);
    return true;
  } catch (error) {
    if (!(error instanceof PackagingError) || error.code !== 'ChecksumMismatch') throw error;
    await shelf.discard(run, signal);
    return false;
  }
}

function runOf({ metadata }: Cached<JobObject>): string {
  return metadata.annotations?.[annotations.run] ?? '';
}

function uploadUrls({ place }: NamespaceRepository, run: string): { readonly url: string; readonly manifestUrl: string } {
  const top = `${place.endpoint}/${place.container}`;
  return { url: `${top}/${incomingBlob(place, run)}`, manifestUrl: `${top}/${incomingManifestBlob(place, run)}` };
}

function renewalWait({ access }: PackageStatus, now: number): number {
  return Math.max(60_000, Date.parse(access?.expirationTime ?? '') - readMilliseconds / 2 - now);
}

async function ignoring(expected: (error: unknown) => boolean, request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!expected(error)) throw error;
  }
}
