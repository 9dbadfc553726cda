/** Revisions that failed because Knative could not resolve a tag to a digest: which, why, and how long Knative would still wait. */
import type { RegistryCause } from '../../api/serving-platform/registry-cause.ts';
import { skipListName } from '../image-failure.ts';
import type { RevisionObject } from '../observation.ts';
import { redactText } from '../redact-text.ts';

export interface FailedResolution {
  readonly image: string;
  /** The registry as the list of skipped ones must spell it. */
  readonly registry: string;
  /** When it failed, as Knative says. */
  readonly since: string;
  readonly cause: string;
  /** The cause in one word, as far as Knative's words tell it. */
  readonly reason?: RegistryCause;
}

/** How a Revision failed on its tag; undefined for any other state. Conditions as Knative 0.24 to 1.23 write them. */
export function failedResolutionOf(revision: RevisionObject): FailedResolution | undefined {
  const condition = revision.status?.conditions?.find(
    ({ type, status, reason }) => type === 'ContainerHealthy' && status === 'False' && reason === 'ContainerMissing',
  );
  const message = condition?.message ?? '';
  const image = /Unable to fetch image "([^"]+)"/.exec(message)?.[1];
  if (
    condition === undefined ||
    image === undefined ||
    !/failed to resolve image to digest|failed to fetch image information/.test(message)
  )
    return undefined;
  const since = condition.lastTransitionTime ?? revision.metadata.creationTimestamp ?? '';
  return { image, registry: skipListName(image), since, ...causeOf(message, image) };
}

const causes: readonly (readonly [words: RegExp, reason: RegistryCause, cause: string])[] = [
  [
    /toomanyrequests|too many requests|rate limit|\b429\b/i,
    'RateLimited',
    'limits how often it may be asked; give the pods an imagePullSecret of an account',
  ],
  [
    /unauthorized|authentication required|denied|forbidden|\b401\b|\b403\b/i,
    'Unauthorized',
    'wants credentials; give the pods an imagePullSecret',
  ],
  [
    /manifest_unknown|manifest unknown|name_unknown|not found|\b404\b/i,
    'NoSuchTag',
    'has no such image or tag, so the pods could not pull it either; correct the version',
  ],
  [/x509|certificate|tls:/i, 'TLS', 'has a certificate that Knative does not trust; add its CA to the Knative controller'],
  [
    /no such host|server misbehaving/i,
    'DNS',
    'has a name that DNS does not know here; correct the image, or the DNS of the Knative controller',
  ],
  [
    /context deadline exceeded|timeout|timed out/i,
    'Timeout',
    'did not answer in time; check the network, or raise digest-resolution-timeout in config-deployment',
  ],
  [
    /connection refused|no route to host|network is unreachable/i,
    'Unreachable',
    'cannot be reached from the Knative controller; check the network and the proxy',
  ],
];

/** The real reason in plain words. A tag that was pushed always has a digest: to skip resolution hides the reason, and may only move it to the pull. */
function causeOf(message: string, image: string): Pick<FailedResolution, 'cause' | 'reason'> {
  const registry = skipListName(image);
  const known = causes.find(([words]) => words.test(message));
  if (known !== undefined) return { cause: `${registry} ${known[2]}`, reason: known[1] };
  const words = /failed to resolve image to digest: (.*)$/s.exec(message)?.[1] ?? message;
  return { cause: redactText(words).slice(0, 1000) };
}

/** What the registry answered to us: that the image is there, or why not, with a clause that names the registry. */
export type RegistryWord =
  | { readonly kind: 'Found' }
  | { readonly kind: 'Failed'; readonly cause: RegistryCause; readonly message: string };

/**
 * The cause, once we have asked the registry too. That an image is not there is its word and final. All else may look different from where Knative
 * stands, with other credentials and another network: then Knative's words count, and ours only where they say nothing.
 */
export function causeAfterAsking(
  failure: FailedResolution,
  word: RegistryWord | undefined,
): { readonly cause: string; readonly reason?: RegistryCause | 'Found' } {
  const { cause, reason, registry } = failure;
  const said = { cause, ...(reason !== undefined && { reason }) };
  if (word === undefined) return said;
  if (word.kind === 'Found') {
    const isOver = reason === undefined || reason === 'NoSuchTag';
    return isOver
      ? { cause: `${registry} has the image now, so that Knative's next try should succeed`, reason: 'Found' }
      : { ...said, cause: `${cause} (the operator itself finds the image there)` };
  }
  const isFinal = word.cause === 'NoSuchTag' || word.cause === 'NoSuchRepository';
  if (isFinal) return { cause: `${word.message}, so the pods could not pull it either; correct the version`, reason: word.cause };
  return reason === undefined ? { cause: word.message, reason: word.cause } : said;
}

/**
 * When Knative tries again by itself: 1, 3, 7, … 1,023 s after the Revision was made, each wait twice the one before, and 1,000 s at most
 * (seen with Knative 1.23; the queue's limiter is per image, so the time is an estimate).
 */
export function nextTryTime(created: string, now: number): string {
  const age = (now - Date.parse(created)) / 1000;
  let wait = 1;
  let at = 1;
  while (at <= age) {
    wait = Math.min(wait * 2, 1000);
    at += wait;
  }
  return `${new Date(Date.parse(created) + at * 1000).toISOString().slice(0, 19)}Z`;
}
