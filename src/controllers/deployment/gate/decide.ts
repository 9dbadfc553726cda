/** Whether a new model or runtime may serve: what is held back, what measures it, and what came of that. Pure. */
import { createHash } from 'node:crypto';
import type { Gate, RolloutStatus } from '../../../api/model-deployment/gate.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import { controllerReference } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { copiedSpec, temporaryCopy } from '../temporary.ts';
import type { Canary } from './canary.ts';
import { candidateProfile, measuredAs } from './profile.ts';
import { type Served, servedHash, serves } from './served.ts';

const defaultWaitSeconds = 14_400;

/** What a candidate's run is read from. */
export interface GateObserved {
  readonly deployment: Cached<ModelDeployment>;
  /** What the spec asks for. */
  readonly wanted: Served;
  /** What our InferenceService asks KServe for; undefined where there is none. */
  readonly live: Served | undefined;
  /** How the revisions of that service stand; undefined where a candidate needs a service of its own. */
  readonly canary: Canary | undefined;
  /** The profile that the gate names. */
  readonly named: Cached<ModelProfile> | undefined;
  /** Temporary ModelDeployments and ModelProfiles that the deployment owns. */
  readonly shadows: readonly Cached<ModelDeployment>[];
  /** What the InferenceServices of the shadows ask KServe for, by name. */
  readonly servedByShadow: Readonly<Record<string, Served>>;
  readonly profiles: readonly Cached<ModelProfile>[];
  /** The mode in use: that of the shadow too. */
  readonly mode: 'Standard' | 'Knative';
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * - `Off`: no gate; everything goes through.
 * - `Open`: what is wanted may serve.
 * - `Held`: what is wanted is measured, or has failed; `promoted` goes on serving, where there is something.
 */
export type GateDecision = {
  /** What should be there for the measurement; everything else that is temporary goes. */
  readonly apply: { readonly shadow?: ModelDeployment; readonly profile?: ModelProfile };
  readonly keep: { readonly shadow?: string; readonly profile?: string };
  /** Milliseconds since 1970: when the clock changes the decision. */
  readonly again?: number;
} & (
  | { readonly kind: 'Off' }
  /** The model is stopped: nothing is measured, and it goes on as it was. */
  | { readonly kind: 'Paused'; readonly rollout: RolloutStatus; readonly promoted: Served | undefined }
  | { readonly kind: 'Open'; readonly rollout: RolloutStatus; readonly reason: string; readonly message: string }
  | {
      readonly kind: 'Held';
      readonly rollout: RolloutStatus;
      readonly promoted: Served | undefined;
      /** What is wanted is the newest revision of the service itself, without traffic. */
      readonly withoutTraffic?: true;
      /** `Failed` and `Blocked` wait for somebody; `Waiting` goes on by itself. */
      readonly state: 'Waiting' | 'Failed' | 'Blocked';
      readonly reason: string;
      readonly message: string;
    }
);

type Candidate = NonNullable<RolloutStatus['candidate']>;

/** Names what is made to measure a candidate; undefined where nothing is. */
export function candidateOf(decision: GateDecision | undefined): string | undefined {
  const shadow = decision?.apply.shadow;
  return shadow && `${shadow.metadata.name} ${JSON.stringify(shadow.spec)}`;
}

/** What should be true of the gate now. The same observation always gives the same decision. */
export function decideGate(observed: GateObserved): GateDecision {
  const { deployment, wanted, named, canary } = observed;
  // A revision without traffic has not been let through.
  const live = canary?.isOn ? undefined : observed.live;
  const gate: Gate | undefined = deployment.spec.rollout?.gate;
  if (gate === undefined) return { kind: 'Off', apply: {}, keep: {} };
  const before: RolloutStatus = deployment.status?.rollout ?? {};
  const promoted = promotedBefore(before, live, wanted);
  const kept = { ...(promoted && { promoted }), ...(before.previous !== undefined && { previous: before.previous }) };
  if (deployment.spec.suspend === true) return { kind: 'Paused', rollout: kept, promoted, apply: {}, keep: {} };
  const hash = servedHash(wanted);
  if (promoted?.hash === hash) return open(observed, before, { ...promoted, ...wanted });
  if (before.previous === hash) return open(observed, before, { hash, ...wanted, ...letThrough('RolledBack', rolledBack) });
  const held = (state: 'Waiting' | 'Failed' | 'Blocked', candidate: Candidate | undefined, reason: string, message: string) => ({
    kind: 'Held' as const,
    state,
    reason,
    message,
    promoted,
    rollout: { ...kept, ...(candidate && { candidate }) },
  });
  if (named === undefined) {
    const message = `spec.rollout.gate.profile: there is no ModelProfile ${gate.profile} in this namespace; create it, or remove spec.rollout.gate`;
    return { ...held('Blocked', undefined, 'GateProfileNotFound', message), apply: {}, keep: {} };
  }
  const { objective } = named.spec;
  if ((objective?.latency?.length ?? 0) === 0 && objective?.maxErrorsPerMillion === undefined) {
    const message = `spec.rollout.gate.profile: ModelProfile ${gate.profile} has no objective that a candidate could keep; give it spec.objective.latency, or name another profile`;
    return { ...held('Blocked', undefined, 'GateProfileWithoutObjective', message), apply: {}, keep: {} };
  }
  const key = keyOf(hash, named);
  const recorded = before.candidate?.key === key ? before.candidate : undefined;
  const startTime = recorded?.startTime ?? new Date(observed.now).toISOString().replace(/\.\d+Z$/, 'Z');
  // Its own service goes on serving only where there is something before the candidate.
  const inService = canary !== undefined && (promoted !== undefined || canary.isOn) ? canary : undefined;
  const parts = partsOf(observed, named, key, inService !== undefined);
  const candidate = (state: Candidate['state'], reason: string, message: string): Candidate => ({
    key,
    state,
    startTime,
    ...(state !== 'Failed' && inService === undefined && { modelDeployment: parts.shadow.metadata.name }),
    ...(state !== 'Failed' && inService?.isOn && isUp(inService) && { revision: inService.ready, url: inService.url }),
    profile: parts.profile.metadata.name,
    reason,
    message: clip(message),
  });
  const failed = (reason: string, message: string): GateDecision => ({
    ...held('Failed', candidate('Failed', reason, message), reason, `${message}. ${remedy(promoted)}`),
    apply: {},
    // The figures stay, so that they can be looked at.
    keep: { profile: parts.profile.metadata.name },
  });
  if (recorded?.state === 'Failed') return failed(recorded.reason, recorded.message);

  const ends = Date.parse(startTime) + (gate.waitAtMostSeconds ?? defaultWaitSeconds) * 1000;
  const shadow = observed.shadows.find(({ metadata }) => metadata.name === parts.shadow.metadata.name);
  const profile = observed.profiles.find(({ metadata }) => metadata.name === parts.profile.metadata.name);
  const step =
    inService === undefined
      ? stepOf({ shadow, profile, served: observed.servedByShadow[parts.shadow.metadata.name], wanted })
      : stepInService(inService, observed.live, wanted, profile);
  if (step.kind === 'Passed') {
    const verdict = `What is declared keeps the objective of ModelProfile ${gate.profile}: ${step.message}`;
    return open(observed, before, { hash, ...wanted, ...letThrough('Passed', verdict) });
  }
  if (step.kind === 'Failed') return failed(step.reason, step.message);
  if (observed.now >= ends) {
    return failed(
      'GateTimedOut',
      `The candidate was not measured within ${gate.waitAtMostSeconds ?? defaultWaitSeconds} seconds: ${step.message}`,
    );
  }
  const state = step.kind;
  return {
    ...held(
      'Waiting',
      candidate(state, `Candidate${state}`, step.message),
      `Candidate${state}`,
      `${step.message}${promoted === undefined ? '' : '; what served before serves until then'}`,
    ),
    ...(inService !== undefined && { withoutTraffic: true as const }),
    apply: {
      ...(inService === undefined && { shadow: parts.shadow }),
      // Its patience begins when it is made; the candidate may take long to come up.
      ...((step.isServing || profile !== undefined) && { profile: parts.profile }),
    },
    keep: { ...(inService === undefined && { shadow: parts.shadow.metadata.name }), profile: parts.profile.metadata.name },
    again: ends,
  };
}

type Promoted = NonNullable<RolloutStatus['promoted']>;

const rolledBack = 'What is declared has served before, and serves again without being measured';
const trusted = 'What is declared was serving when the gate was set';

function letThrough(reason: string, message: string): Pick<Promoted, 'reason' | 'message'> {
  return { reason, message: clip(message) };
}

function open({ profiles }: GateObserved, before: RolloutStatus, promoted: Promoted): GateDecision {
  // The figures of the last run stay; a run that nobody waits for any more goes.
  const measured = profiles.find(({ status }) => status?.run?.state === 'Complete')?.metadata.name;
  const last = before.promoted?.hash;
  const previous = last !== undefined && last !== promoted.hash ? last : before.previous;
  const { reason, message } = promoted;
  return {
    kind: 'Open',
    reason,
    message,
    rollout: { promoted, ...(previous !== undefined && previous !== promoted.hash && { previous }) },
    apply: {},
    keep: measured === undefined ? {} : { profile: measured },
  };
}

/** What the gate let through last; where the status does not say, what our service asks for was there before the gate. */
function promotedBefore(before: RolloutStatus, live: Served | undefined, wanted: Served): Promoted | undefined {
  if (before.promoted !== undefined) return before.promoted;
  if (live === undefined) return undefined;
  const served = serves(live, wanted) ? wanted : live;
  return { hash: servedHash(served), ...letThrough('AlreadyServing', trusted), ...served };
}

/** Another way of measuring, or another run asked for, is another question to the same model. */
function keyOf(hash: string, { spec }: Cached<ModelProfile>): string {
  const how = measuredAs(spec as ModelProfile['spec']);
  return createHash('sha256')
    .update(JSON.stringify([hash, how, spec.runId ?? null]))
    .digest('hex')
    .slice(0, 16);
}

/** The objects of a candidate: a model that serves it, alone, and the profile that measures that. */
function partsOf(
  { deployment, mode }: GateObserved,
  named: Cached<ModelProfile>,
  key: string,
  inService: boolean,
): { shadow: ModelDeployment; profile: ModelProfile } {
  const owner = controllerReference(deployment as never);
  const identity = [deployment.metadata.uid, key];
  const copied = copiedSpec(deployment as ModelDeployment);
  const spec: ModelDeploymentSpec = { ...copied, deploymentMode: mode, scaling: oneCopy(copied.scaling) };
  const shadow = temporaryCopy(deployment, { purpose: 'Candidate', identity, owner, spec });
  return { shadow, profile: candidateProfile(named, deployment, { name: shadow.metadata.name, inService, owner }) };
}

/** One copy is enough for the figures, and never none. */
function oneCopy(scaling: ModelDeploymentSpec['scaling']): NonNullable<ModelDeploymentSpec['scaling']> {
  const concurrency = scaling?.containerConcurrency;
  return { minReplicas: 1, maxReplicas: 1, ...(concurrency !== undefined && { containerConcurrency: concurrency }) };
}

type Step =
  | { readonly kind: 'Preparing' | 'Measuring'; readonly message: string; readonly isServing: boolean }
  | { readonly kind: 'Passed'; readonly message: string }
  | { readonly kind: 'Failed'; readonly reason: string; readonly message: string };

interface Evidence {
  readonly shadow: Cached<ModelDeployment> | undefined;
  readonly profile: Cached<ModelProfile> | undefined;
  readonly served: Served | undefined;
  readonly wanted: Served;
}

/** How far a candidate is, by what its profile and its shadow say of themselves. */
function stepOf({ shadow, profile, served, wanted }: Evidence): Step {
  if (served !== undefined && servedHash(served) !== servedHash(wanted) && !serves(served, wanted)) {
    const message = `What was set up to be measured is not what is declared: it serves ${served.storageUri}, and ${wanted.storageUri} is declared`;
    return { kind: 'Failed', reason: 'CandidateDiffers', message };
  }
  const verdict = profile === undefined ? undefined : verdictOf(profile);
  if (verdict !== undefined && verdict.kind !== 'Measuring') return verdict;
  const conditions = shadow?.status?.observedGeneration === shadow?.metadata.generation ? (shadow?.status?.conditions ?? []) : [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True')
    return verdict ?? { kind: 'Preparing', message: 'The candidate serves and is about to be measured', isServing: true };
  const stalled = conditions.some(({ type, status }) => type === 'Stalled' && status === 'True');
  if (stalled && shadow?.status?.firstReadyTime === undefined) {
    return { kind: 'Failed', reason: 'CandidateNotServing', message: `The candidate does not serve: ${ready?.message ?? 'it is stalled'}` };
  }
  return { kind: 'Preparing', message: `The candidate is being set up${ready?.message ? `: ${ready.message}` : ''}`, isServing: false };
}

/** How far a candidate is that is the newest revision of its own service. */
function stepInService(canary: Canary, live: Served | undefined, wanted: Served, profile: Cached<ModelProfile> | undefined): Step {
  const verdict = profile === undefined ? undefined : verdictOf(profile);
  if (verdict !== undefined && verdict.kind !== 'Measuring') return verdict;
  const isTold = canary.isOn && live !== undefined && serves(live, wanted);
  if (!isTold) return { kind: 'Preparing', message: 'The candidate becomes a revision without traffic', isServing: false };
  if (canary.cause !== undefined) {
    return { kind: 'Failed', reason: 'CandidateNotServing', message: `The candidate does not serve: ${canary.cause}` };
  }
  if (!isUp(canary))
    return { kind: 'Preparing', message: 'The revision of the candidate is being set up, without traffic', isServing: false };
  return verdict ?? { kind: 'Preparing', message: 'The candidate serves without traffic and is about to be measured', isServing: true };
}

function isUp({ created, ready, rolledOut, url }: Canary): boolean {
  return created !== undefined && created === ready && ready !== rolledOut && url !== undefined;
}

function verdictOf({ metadata, status }: Cached<ModelProfile>): Step {
  const find = (type: string) => status?.conditions?.find((condition) => condition.type === type);
  const [ready, complete, slo, stalled] = [find('Ready'), find('Complete'), find('SLOMet'), find('Stalled')];
  const running: Step = { kind: 'Measuring', message: ready?.message ?? 'The candidate is about to be measured', isServing: true };
  if (status?.observedGeneration !== metadata.generation) return running;
  if (complete?.status === 'True') {
    if (slo?.status === 'True') return { kind: 'Passed', message: slo.message };
    return { kind: 'Failed', reason: 'SLONotMet', message: slo?.message ?? 'No point of the run came out valid' };
  }
  if (stalled?.status === 'True' || status?.run?.state === 'Failed' || status?.run?.state === 'Cancelled') {
    return {
      kind: 'Failed',
      reason: 'CandidateNotMeasured',
      message: `The candidate could not be measured: ${ready?.message ?? stalled?.message ?? 'its run ended'}`,
    };
  }
  return running;
}

function remedy(promoted: Served | undefined): string {
  return promoted === undefined
    ? 'Nothing serves; declare another model or runtime, change the objective, or remove spec.rollout.gate'
    : `What served before goes on serving; to go back to it, set spec.source and spec.runtime as they were (${promoted.storageUri}), or declare another model`;
}

function clip(text: string): string {
  return text.length <= 2048 ? text : `${text.slice(0, 2047)}…`;
}
