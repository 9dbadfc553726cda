/** `spec.tagResolution`: what Knative is told to skip, who needs it, and what failed before. */

import type { ServingRuntimeObject } from '../../kserve/facts.ts';
import { skipListName } from '../../kserve/image-failure.ts';
import type { RevisionObject } from '../../kserve/observation.ts';
import {
  causeAfterAsking,
  type FailedResolution,
  failedResolutionOf,
  nextTryTime,
  type RegistryWord,
} from '../../kserve/platform/failed-resolution.ts';
import { serverImage } from '../../kserve/platform/own-runtime.ts';
import { effectiveRegistries, keyOf, planRegistries, type RegistryClaim, registryNotices } from '../../kserve/platform/registries.ts';
import { keyText, keyOf as objectKeyOf } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import { parseImage } from '../../models/image-reference.ts';
import { canonicalHost, parseReference } from '../../registry/reference.ts';
import { namedRegistries } from './ask-registry.ts';
import { type Action, claimAnnotation, claimOn, clip, type Part } from './decision.ts';
import type { ImageQuery } from './image-query.ts';
import type { Observed } from './observe.ts';
import type { SharedConfigMap } from './resources.ts';
import { setKey } from './shared-key.ts';

type TagStatus = NonNullable<NonNullable<Part['status']>['tagResolution']>;

/** A Revision that fails even after this many new starts has another cause. */
const maxFreed = 3;
const [maxFailed, maxExamples, maxProbes] = [32, 8, 8];

export function decideTagResolution(observed: Observed): Part {
  const { platform, deploymentConfig: config, knativeServed } = observed;
  const isLeaving = platform.metadata.deletionTimestamp !== undefined;
  const wanted = isLeaving ? [] : (platform.spec.tagResolution?.skipRegistries ?? []);
  if (config === undefined) {
    if (wanted.length === 0) return { actions: [] };
    const message = knativeServed
      ? 'ConfigMap knative-serving/config-deployment is not there, or may not be read; install it as Knative ships it, and work resumes by itself'
      : 'Knative Serving is not installed, so that there is nothing that resolves tags; install it, or remove spec.tagResolution.skipRegistries';
    return { actions: [], verdict: { status: 'False', reason: knativeServed ? 'ConfigMapMissing' : 'KnativeMissing', message } };
  }
  const data = config.data ?? {};
  const release = releaseOf(config);
  const claim = claimOn<RegistryClaim>(config, 'registries');
  const plan = planRegistries(data, wanted, claim, release);
  const claimNow = config.metadata.annotations?.[claimAnnotation.registries] ?? null;
  const step = setKey(
    {
      target: 'registries',
      object: config,
      key: plan.key,
      value: plan.value,
      claim: claimText(plan.claim, claim, plan.value === (data[plan.key] ?? null), claimNow),
      claimNow,
    },
    observed,
  );
  const declared = platform.spec.tagResolution !== undefined && !isLeaving;
  const status = declared
    ? { queries: probesFor(observed), status: { tagResolution: statusOf(observed, data, release, wanted, plan.claim?.added ?? []) } }
    : {};
  if (step !== undefined) return { ...step, ...status, remains: step.verdict === undefined };
  const free = declared ? revisionsToFree(observed, effectiveRegistries(data, release)) : [];
  if (wanted.length === 0) return { actions: free, ...status };
  const message = `Knative resolves no tags of ${wanted.join(', ')}`;
  return { actions: free, verdict: { status: 'True', reason: 'Applied', message }, ...status };
}

/** While what we added stays the same, others' edits beside it are no reason to write. */
function claimText(
  next: RegistryClaim | undefined,
  before: RegistryClaim | undefined,
  isUnchanged: boolean,
  now: string | null,
): string | null {
  if (next === undefined) return null;
  if (isUnchanged && before !== undefined && JSON.stringify(before.added) === JSON.stringify(next.added)) return now;
  return JSON.stringify(next);
}

function releaseOf({ metadata }: Cached<SharedConfigMap>): string | undefined {
  return metadata.labels?.['app.kubernetes.io/version'] ?? metadata.labels?.['serving.knative.dev/release'];
}

function statusOf(
  observed: Observed,
  data: Readonly<Record<string, string>>,
  release: string | undefined,
  wanted: readonly string[],
  ours: readonly string[],
): TagStatus {
  const skipped = effectiveRegistries(data, release);
  const failed = failures(observed.revisions);
  const cost =
    wanted.length === 0
      ? []
      : [
          'tags of skipped registries are not pinned: after a tag was moved, two pods of one model may run different images; with pinDigests: true in spec.runtimes models get the digest, and no entry is needed',
          'skipping hides why a tag could not be resolved, and the pull may fail for the same reason: a tag that was pushed always has a digest',
        ];
  return {
    key: keyOf(release),
    skipped: skipped.slice(0, 256).map((registry) => clip(registry, 1024)),
    ours: ours.slice(0, 64),
    notices: [...registryNotices(data, release), ...cost].map((notice) => clip(notice, 1024)),
    needed: wanted.flatMap((registry) => neededBy(registry, observed) ?? []).slice(0, 64),
    failedRevisions: failed.slice(0, maxFailed).map(({ revision, failure }) => {
      const { namespace = '', name, creationTimestamp } = revision.metadata;
      const { image, since } = failure;
      const { cause, reason } = causeAfterAsking(failure, wordOn(image, observed));
      return {
        namespace,
        name,
        image: clip(image, 700),
        since,
        cause: clip(cause, 1024),
        ...(reason !== undefined && { reason }),
        nextTryTime: nextTryTime(creationTimestamp, observed.now),
      };
    }),
  };
}

/**
 * The registry is asked too, and only one that an administrator named: here, in a ClusterServingRuntime or in the policy. Authors of models may come to name
 * images of other hosts, and the operator goes nowhere for them.
 */
function probesFor({ platform: { spec }, runtimes = [], revisions }: Observed): readonly ImageQuery[] {
  const shipped = runtimes.flatMap((runtime) => serverImage(runtime as ServingRuntimeObject) ?? []);
  const allowed = [...(spec.policy?.runtimeRegistries ?? []), ...(spec.policy?.imageRegistries ?? [])].map(
    (entry) => entry.split('/')[0] ?? '',
  );
  const hosts = new Set([
    ...namedRegistries(spec).map(({ host }) => host),
    ...shipped.map((image) => parseReference(image).host),
    ...allowed.map(canonicalHost),
  ]);
  const images = new Set(failures(revisions).map(({ failure }) => failure.image));
  return [...images]
    .filter((image) => hosts.has(parseReference(image).host))
    .slice(0, maxProbes)
    .map((image) => ({ kind: 'Probe', key: probeKey(image), image }));
}

const probeKey = (image: string) => JSON.stringify(['Probe', image]);

function wordOn(image: string, { answers }: Observed): RegistryWord | undefined {
  const answer = answers.get(probeKey(image));
  return answer === undefined || answer.kind === 'Resolved' ? undefined : answer;
}

interface Failed {
  readonly revision: Cached<RevisionObject>;
  readonly failure: FailedResolution;
}

/** Of each Configuration the newest Revision only: Knative makes no older one anew. */
function failures(revisions: readonly Cached<RevisionObject>[]): readonly Failed[] {
  const newest = new Map<string, Cached<RevisionObject>>();
  for (const revision of revisions) {
    const configuration = `${revision.metadata.namespace}/${revision.metadata.labels?.['serving.knative.dev/configuration']}`;
    const other = newest.get(configuration);
    if (other === undefined || generationOf(other) < generationOf(revision)) newest.set(configuration, revision);
  }
  return [...newest.values()]
    .flatMap((revision) => {
      const failure = failedResolutionOf(revision as RevisionObject);
      return failure === undefined ? [] : [{ revision, failure }];
    })
    .sort((a, b) => (idOf(a.revision) < idOf(b.revision) ? -1 : 1));
}

function generationOf({ metadata }: Cached<RevisionObject>): number {
  return Number(metadata.labels?.['serving.knative.dev/configurationGeneration'] ?? 0);
}

/** The way that was seen to work: Knative makes a deleted Revision anew at once, and annotating the old one has no effect. */
function revisionsToFree({ platform, revisions, settledRegistries, freed }: Observed, skipped: readonly string[]): readonly Action[] {
  if (platform.spec.tagResolution?.retryFailedRevisions !== true) return [];
  return failures(revisions)
    .filter(({ revision, failure: { registry } }) => {
      const mayHelp = skipped.includes(registry) && settledRegistries.has(registry);
      return mayHelp && revision.metadata.deletionTimestamp === undefined && (freed.get(idOf(revision)) ?? 0) < maxFreed;
    })
    .map(({ revision }) => ({ kind: 'FreeRevision', object: revision }));
}

export function idOf(revision: Cached<RevisionObject>): string {
  return keyText(objectKeyOf(revision as RevisionObject));
}

function neededBy(registry: string, { models }: Observed): TagStatus['needed'][number] | undefined {
  const users = models
    .filter(({ deployment: { status } }) => {
      const image = status?.runtime?.image;
      return (
        status?.deploymentMode === 'Knative' &&
        image !== undefined &&
        parseImage(image).digest === undefined &&
        skipListName(image) === registry
      );
    })
    .map(({ deployment: { metadata } }) => `${metadata.namespace}/${metadata.name}`)
    .sort();
  return users.length === 0 ? undefined : { registry, models: users.length, examples: users.slice(0, maxExamples) };
}
