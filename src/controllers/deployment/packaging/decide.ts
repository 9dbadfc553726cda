/** The whole policy of packaging: from what was observed to the next step and to what is said meanwhile. Pure. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Dialect } from '../../../kserve/dialect.ts';
import type { PodObject } from '../../../kserve/observation.ts';
import { allowsServiceAccount, allowsStorageUri } from '../../../kserve/policy.ts';
import type { Cached } from '../../../kube/store.ts';
import { hostMatcher } from '../../../models/host-list.ts';
import { lintStorageUri } from '../../../models/storage-uri-lint.ts';
import { storageUri } from '../../../packaging/azure/repository.ts';
import type { JobResult } from '../../../packaging/job-message.ts';
import { accessFor } from './access.ts';
import { jobStateOf } from './job-state.ts';
import { failed, notAsked, type Outcome, type PackageStatus, working } from './outcome.ts';
import { downloaderOf, serviceAccountOf } from './reader.ts';
import { chooseRepository, type NamespaceIdentity, type NamespaceRepository } from './repository.ts';
import { annotations, type JobObject } from './resources.ts';
import type { PackagingSettings } from './settings.ts';
import { type Task, taskOf } from './task.ts';

/** Everything that `decide` may look at. */
export interface PackagingObserved {
  readonly deployment: Cached<ModelDeployment>;
  readonly dialect: Dialect;
  readonly settings: PackagingSettings | undefined;
  readonly sourceHosts: readonly string[];
  /** Service accounts beside "default" that the policy allows. */
  readonly serviceAccounts: readonly string[];
  /** Undefined: not known, or not to be read. */
  readonly namespace: NamespaceIdentity | undefined;
  /** Image with our own program. */
  readonly image: string | undefined;
  readonly jobs: readonly Cached<JobObject>[];
  readonly pods: readonly Cached<PodObject>[];
  /** Packages of other deployments of the namespace. */
  readonly siblings: readonly PackageStatus[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What to do next. Each may be done twice without harm. */
export type Step =
  | { readonly kind: 'None' }
  | { readonly kind: 'Start'; readonly task: Task; readonly attempt: number; readonly target?: NamespaceRepository; readonly image: string }
  /** Give it its signature and let it run. */
  | { readonly kind: 'Release'; readonly job: Cached<JobObject>; readonly target?: NamespaceRepository }
  /** Look at what was uploaded, and take it over. */
  | {
      readonly kind: 'Collect';
      readonly job: Cached<JobObject>;
      readonly task: Task;
      readonly result: JobResult;
      readonly target?: NamespaceRepository;
    }
  /** Use a package that was made of the same source. */
  | { readonly kind: 'Reuse'; readonly package: PackageStatus; readonly task: Task; readonly target: NamespaceRepository }
  /** Nothing to make: give and renew the read access that the package needs. */
  | { readonly kind: 'Serve'; readonly package: PackageStatus; readonly target?: NamespaceRepository };

export interface PackagingDecision {
  readonly step: Step;
  /** Jobs that are not needed any more, and where they may have left an upload. */
  readonly remove: readonly Cached<JobObject>[];
  readonly place?: NamespaceRepository;
  /** What is said unless the step comes to something else. */
  readonly outcome: Outcome;
  readonly lookAgainMilliseconds?: number;
}

/** After this many tries of the same source it is up to somebody to change something. */
const maxAttempts = 5;
const [firstRetryMilliseconds, lastRetryMilliseconds] = [15_000, 600_000];

export function decidePackaging(observed: PackagingObserved): PackagingDecision {
  const task = taskOf(observed.deployment);
  const target = task?.kind === 'Pack' ? targetOf(task, observed) : undefined;
  return { ...decideOn(task, target, observed), ...(target?.kind === 'Usable' && { place: target }) };
}

type Target = ReturnType<typeof targetOf> | undefined;

function decideOn(task: Task | undefined, target: Target, observed: PackagingObserved): PackagingDecision {
  const { deployment, jobs } = observed;
  const earlier = deployment.status?.package as PackageStatus | undefined;
  if (task === undefined) return { step: none, remove: jobs, outcome: notAsked };
  const stop = (outcome: Outcome, remove: readonly Cached<JobObject>[] = []): PackagingDecision => ({ step: none, remove, outcome });

  if (target?.kind === 'Refused') return stop({ kind: 'Failed', block: target.block, ...(earlier && { package: earlier }) });
  const place = target && { target };
  const needed = target && accessFor(anyPackage(target), target, deployment.metadata.namespace ?? '', observed.dialect);
  if (needed?.kind === 'Refused') return stop({ kind: 'Failed', block: needed.block, ...(earlier && { package: earlier }) });
  // A repository that was moved to another place has none of its packages there.
  const isElsewhere = earlier !== undefined && target !== undefined && storageUri(target.place, earlier.sha256) !== earlier.storageUri;
  const done = earlier?.source === task.source && !isElsewhere ? earlier : undefined;
  if (done !== undefined) return { step: { kind: 'Serve', package: done, ...place }, remove: jobs, outcome: packaged(done) };
  if (deployment.spec.suspend === true) {
    return stop(working('Suspended', 'The model is packaged when spec.suspend is false again', earlier), jobs);
  }
  const block = hostBlock(observed) ?? (task.kind === 'Verify' ? readerBlock(task, observed) : undefined);
  if (block !== undefined) return stop({ ...block, ...(earlier && { package: earlier }) }, jobs);
  const { image } = observed;
  if (image === undefined) {
    const message =
      'The operator does not know the image of its own program, which packages models; an administrator must set spec.packaging.image of the ServingPlatform, or start it with --image';
    return stop(failed('ImageNotKnown', message, earlier));
  }
  const made = target && observed.siblings.find(({ source, repository }) => source === task.source && repository === target.declared.name);
  if (made !== undefined && target !== undefined && deployment.spec.source.archive !== undefined) {
    return {
      step: { kind: 'Reuse', package: made, task, target },
      remove: jobs,
      outcome: working('Packaging', 'An equal package is there already', earlier),
    };
  }
  const [job, ...others] = jobs.filter(({ metadata }) => metadata.annotations?.[annotations.source] === task.source).toSorted(newestFirst);
  const remove = [...others, ...jobs.filter(({ metadata }) => metadata.annotations?.[annotations.source] !== task.source)];
  const begun = working('Packaging', task.kind === 'Pack' ? 'The model is being packaged' : 'The package is being verified', earlier);
  const start = (attempt: number): Step => ({ kind: 'Start', task, attempt, image, ...place });
  if (job === undefined) return { step: start(1), remove, outcome: begun };

  const state = jobStateOf(job, observed.pods);
  switch (state.kind) {
    case 'Leaving':
      return { step: none, remove, outcome: begun };
    case 'Suspended':
      return { step: { kind: 'Release', job, ...place }, remove, outcome: begun };
    case 'Running':
      return { step: none, remove, outcome: working('Packaging', state.message, earlier) };
    case 'Done':
      return { step: { kind: 'Collect', job, task, result: state.result, ...place }, remove, outcome: begun };
    case 'Failed': {
      const { failure, at } = state;
      const attempt = Number(job.metadata.annotations?.[annotations.attempt] ?? 1);
      const fromOutside = task.kind === 'Verify' && curedOutside.has(failure.code);
      const said = fromOutside ? withoutCredentials(failure, task, observed) : failure;
      if (!(failure.retry || fromOutside) || attempt >= maxAttempts)
        return { step: none, remove, outcome: failed(reasonOf(failure.code), remedied(said, task, attempt), earlier) };
      const wait = at + Math.min(firstRetryMilliseconds * 2 ** (attempt - 1), lastRetryMilliseconds) - observed.now;
      if (wait <= 0) return { step: start(attempt + 1), remove: [...remove, job], outcome: begun };
      const message = `${said.message.replace(/\.$/, '')}; try ${attempt} of ${maxAttempts}, the next follows`;
      const outcome = fromOutside ? failed(failure.code, message, earlier) : working('PackagingRetries', message, earlier);
      return { step: none, remove, outcome, lookAgainMilliseconds: wait };
    }
    default:
      return state satisfies never;
  }
}

const none: Step = { kind: 'None' };

export function packaged(status: PackageStatus): Outcome {
  const { sha256, sizeBytes, files, layout, storageUri, access } = status;
  const what = `${files} file(s), ${sizeBytes} bytes, laid out for ${layout}, SHA-256 ${sha256}`;
  return {
    kind: 'Packaged',
    package: status,
    location: { storageUri, ...(access !== undefined && { secretName: access.secretName }) },
    message: status.repository === undefined ? `Verified: ${what}` : `In repository ${status.repository}: ${what}`,
  };
}

/** What every package of a repository has in common, as far as access to it is asked for. */
function anyPackage({ place }: NamespaceRepository): Pick<PackageStatus, 'sha256' | 'storageUri'> {
  const sha256 = '0'.repeat(64);
  return { sha256, storageUri: storageUri(place, sha256) };
}

function targetOf({ repository }: Extract<Task, { kind: 'Pack' }>, { namespace, settings }: PackagingObserved) {
  if (namespace !== undefined) return chooseRepository(repository, namespace, settings);
  const message =
    'The operator may not read namespaces, so it cannot tell which repositories this one may use; an administrator must let it read namespaces and the ServingPlatform (get, list and watch), which no Role of a single namespace can, or the model is packaged with "modelwright push" and named in spec.source.storageUri';
  return { kind: 'Refused', block: { stage: 'Packaging', reason: 'NamespaceNotReadable', message } } as const;
}

function hostBlock({ deployment, sourceHosts }: PackagingObserved): Extract<Outcome, { kind: 'Failed' }> | undefined {
  const { archive } = deployment.spec.source;
  if (archive === undefined || hostMatcher(sourceHosts)(new URL(archive.url).host)) return undefined;
  const message =
    'spec.source.archive.url: the cluster policy does not allow archives from this host; use an allowed one, or ask an administrator to add it to spec.policy.sourceHosts of the ServingPlatform';
  return { kind: 'Failed', block: { stage: 'Packaging', reason: 'SourceHostNotAllowed', message } };
}

/** The Job reads as the Pods of the model will: what may not be used by them, or read by them, is not used or read by it. */
function readerBlock(
  { storageUri }: Extract<Task, { kind: 'Verify' }>,
  { deployment, sourceHosts, serviceAccounts }: PackagingObserved,
): Extract<Outcome, { kind: 'Failed' }> | undefined {
  const block = (reason: string, message: string) => ({ kind: 'Failed', block: { stage: 'Validation', reason, message } }) as const;
  const account = serviceAccountOf(deployment);
  if (!allowsServiceAccount({ serviceAccounts }, account)) {
    return block(
      'ServiceAccountNotAllowed',
      `spec.serviceAccountName: the cluster policy does not allow "${account}"; leave the field out, or ask an administrator to add it to the allowed service accounts`,
    );
  }
  if (allowsStorageUri({ sourceHosts }, storageUri)) return undefined;
  return block(
    'SourceHostNotAllowed',
    'spec.source.storageUri: the cluster policy does not allow models from this host; use an allowed one, or ask an administrator to add it to spec.policy.sourceHosts of the ServingPlatform',
  );
}

/** Failures of a verification that are cured where nothing tells us: by whoever gives the access, or puts the package there. */
const curedOutside: ReadonlySet<string> = new Set(['AccessDenied', 'NotFound']);

/** A private blob that this KServe could not read either, with whatever credentials: that is the reason then. */
function withoutCredentials<F extends { readonly message: string }>(
  failure: F,
  { storageUri }: Extract<Task, { kind: 'Verify' }>,
  { dialect }: PackagingObserved,
): F {
  if (downloaderOf(storageUri, dialect) !== 'kserve-http') return failure;
  const found = lintStorageUri(storageUri, dialect.version, { isPrivate: true, modelwrightFetch: false }).find(
    ({ code }) => code === 'MW-L0733',
  );
  return found === undefined ? failure : { ...failure, message: `${failure.message} ${found.sentence} ${found.fix} (${found.code})` };
}

/** The later try first. */
function newestFirst(a: Cached<JobObject>, b: Cached<JobObject>): number {
  const attempt = ({ metadata }: Cached<JobObject>) => Number(metadata.annotations?.[annotations.attempt] ?? 0);
  return attempt(b) - attempt(a);
}

/** Reasons of the condition, where the Job's own word would not say enough. */
function reasonOf(code: string): string {
  return code === 'ChecksumMismatch' ? 'DigestMismatch' : code;
}

function remedied({ message, retry }: { readonly message: string; readonly retry: boolean }, task: Task, attempt: number): string {
  const text = message.replace(/\.$/, '');
  if (retry || (task.kind === 'Verify' && attempt >= maxAttempts))
    return `${text}; tried ${attempt} times. To have it tried again, delete its Job, or change spec.source`;
  return task.kind === 'Pack'
    ? `${text}. To have it packaged again, correct the source and change spec.source.volume.revision, or spec.source.archive`
    : text;
}
