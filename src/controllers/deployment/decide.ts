/** The whole policy of the deployment controller: from what was observed to what should be done and said. Pure. */
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import type { Dialect } from '../../kserve/dialect.ts';
import { judge, type Problem } from '../../kserve/judge.ts';
import { parseMode, resolveMode } from '../../kserve/mode.ts';
import { givenLocation, type ModelLocation } from '../../kserve/model-location.ts';
import type { InferenceServiceObject } from '../../kserve/observation.ts';
import { readServing } from '../../kserve/read-status.ts';
import { type Rendered, type RenderedInferenceService, renderInferenceService } from '../../kserve/render.ts';
import type { LogRequest, Serving } from '../../kserve/serving.ts';
import { controllerReference, type KubeObject } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import type { Block } from './block.ts';
import type { WriteFailure } from './failure.ts';
import { canaryOf, withoutTraffic } from './gate/canary.ts';
import { decideGate, type GateDecision } from './gate/decide.ts';
import { servedBy, serving as servingOf } from './gate/served.ts';
import { describeIdentity } from './identity.ts';
import type { Observed } from './observe.ts';
import { adoptAnnotation, isLeftBehind } from './ownership.ts';
import { type Account, draftStatus, type StatusDraft } from './status.ts';

/** What to do about the InferenceService. */
export type Action =
  | { readonly kind: 'Leave' }
  | { readonly kind: 'Apply'; readonly desired: RenderedInferenceService }
  | { readonly kind: 'Delete'; readonly object: Cached<InferenceServiceObject> }
  /** Delete what an earlier deployment of this name has left behind. */
  | { readonly kind: 'Clear'; readonly object: Cached<InferenceServiceObject> };

export interface Decision {
  readonly action: Action;
  /** Undefined while the deployment is being deleted: then nothing is written any more. */
  readonly status: StatusDraft | undefined;
  /** Logs that would say more; with them in `Observed.logs` the status names the cause. */
  readonly wantsLogsOf: readonly LogRequest[];
  /** What measures a candidate for the promotion gate; absent where nothing is decided about it. */
  readonly gate?: GateDecision;
}

/** How the deployment is to be served, or what keeps it from that. */
type Plan =
  | { readonly kind: 'Blocked'; readonly block: Block; readonly dialect?: Dialect; readonly mode?: DeploymentMode }
  | { readonly kind: 'Wait'; readonly reason: string; readonly message: string; readonly dialect: Dialect; readonly mode: DeploymentMode }
  | {
      readonly kind: 'Serve';
      readonly dialect: Dialect;
      readonly mode: DeploymentMode;
      readonly rendered: Rendered;
      readonly warnings: readonly Problem[];
      readonly gate: GateDecision;
    };

/** What should be true now. The same observation always gives the same decision. */
export function decide(observed: Observed): Decision {
  if (observed.deployment.metadata.deletionTimestamp !== undefined)
    return { action: { kind: 'Leave' }, status: undefined, wantsLogsOf: [] };
  const plan = planFor(observed);
  const serving = readOwn(withOwnWrite(observed, plan), plan);
  return {
    action: actionFor(observed, plan),
    status: draftStatus(observed, accountOf(observed, plan, serving)),
    wantsLogsOf: serving?.wantsLogsOf ?? [],
    ...(plan.kind === 'Serve' && { gate: plan.gate }),
  };
}

function planFor(observed: Observed): Plan {
  const { platform: dialect, deployment, facts, policy, identityHolder, inferenceService } = observed;
  if (dialect.kind === 'Missing') {
    return { kind: 'Blocked', block: { stage: 'Platform', reason: dialect.reason, message: dialect.message } };
  }
  const subject = withModeInUse(observed);
  const resolved = resolveMode(subject, facts, dialect);
  if (resolved.kind === 'Unavailable') {
    return { kind: 'Blocked', dialect, block: { stage: 'Platform', reason: resolved.reason, message: resolved.message } };
  }
  const { mode } = resolved;
  const blocked = (block: Block): Plan => ({ kind: 'Blocked', dialect, mode, block });

  switch (inferenceService.kind) {
    case 'Unread':
      return { kind: 'Wait', dialect, mode, ...unreadWait };
    case 'Foreign':
      // Without a mode: should it be taken over, the one that it runs in counts.
      return { kind: 'Blocked', dialect, block: foreignBlock(deployment.metadata.name, inferenceService.controller) };
    case 'Predecessor':
      return { kind: 'Wait', dialect, mode, ...predecessorWait };
    case 'Leaving':
      return { kind: 'Wait', dialect, mode, ...leavingWait };
    case 'Absent':
    case 'Adoptable':
      if (identityHolder !== undefined) return blocked(identityBlock(deployment, identityHolder));
      break;
    case 'Ours':
      break;
    default:
      return assertNever(inferenceService);
  }

  const { packaging } = observed;
  if (packaging.kind === 'Failed') return blocked(packaging.block);
  if (packaging.kind === 'Working' && !isStopped(observed)) {
    return { kind: 'Wait', dialect, mode, reason: packaging.reason, message: packaging.message };
  }
  const location = locationOf(observed);
  if (location === undefined)
    return blocked({
      stage: 'Packaging',
      reason: 'Suspended',
      message: 'Nothing is served, and nothing is packaged, until spec.suspend is false again',
    });
  const problems = judge(subject, { dialect, mode, facts, policy, location });
  const block = blockOf(problems);
  if (block !== undefined) return blocked(block);
  const rendered = renderInferenceService(subject, {
    dialect,
    mode,
    owner: controllerReference(deployment),
    location,
    restricted: observed.restricted,
  });
  const gate = gateFor(observed, dialect, mode, rendered);
  return { kind: 'Serve', dialect, mode, rendered: throughGate(rendered, gate), warnings: problems, gate };
}

function gateFor(observed: Observed, dialect: Dialect, mode: DeploymentMode, { object }: Rendered): GateDecision {
  const { deployment, inferenceService, gate } = observed;
  const wanted = servedBy(object);
  const ours = inferenceService.kind === 'Ours' ? inferenceService.object : undefined;
  const live = ours && servedBy(ours);
  const canary = ours && deployment.spec.rollout?.gate && canaryOf(ours, mode, readOwn(observed, { kind: 'Read', dialect, mode }));
  return wanted === undefined ? { kind: 'Off', apply: {}, keep: {} } : decideGate({ ...gate, deployment, wanted, live, canary, mode });
}

/** What may be written: a model that is held back leaves its place to the one before, or to none. */
function throughGate(rendered: Rendered, gate: GateDecision): Rendered {
  if (gate.kind === 'Off' || gate.kind === 'Open') return rendered;
  if (gate.kind === 'Held' && gate.withoutTraffic) return withoutTraffic(rendered);
  return gate.promoted === undefined ? { ...rendered, absent: true } : servingOf(rendered, gate.promoted);
}

/** A service that is stopped is so also while its model is packaged. */
function isStopped({ deployment }: Observed): boolean {
  return deployment.spec.suspend === true;
}

/** Where the model lies: as the author says, or where its package is, or, for a service that is stopped, where the one before is. */
function locationOf({ deployment, packaging }: Observed): ModelLocation | undefined {
  if (packaging.kind === 'Packaged') return packaging.location;
  if (packaging.kind === 'Working' && packaging.package !== undefined) return { storageUri: packaging.package.storageUri };
  return givenLocation(deployment as ModelDeployment);
}

/** The status when what was decided could not be written. */
export function afterFailedWrite(observed: Observed, failure: WriteFailure): StatusDraft {
  const plan = planFor(observed);
  const { dialect, mode } = plan;
  const serving = readOwn(observed, plan);
  const known = { ...(dialect && { dialect }), ...(mode && { mode }), ...(serving && { serving }) };
  return draftStatus(
    observed,
    failure.kind === 'Refused'
      ? { kind: 'Blocked', block: { stage: 'InferenceService', reason: 'InferenceServiceRefused', message: failure.message }, ...known }
      : { kind: 'Waiting', reason: 'WriteFailed', message: failure.message, ...known },
  );
}

/** The status when the API server refuses what was to measure a candidate. */
export function afterRefusedCandidate(observed: Observed, message: string): StatusDraft {
  const plan = planFor(observed);
  const serving = readOwn(observed, plan);
  const { dialect, mode } = plan;
  const known = { ...(dialect && { dialect }), ...(mode && { mode }), ...(serving && { serving }) };
  const refused = { reason: 'CandidateRefused', message: `The candidate cannot be measured: ${message}` };
  const gate = plan.kind === 'Serve' && plan.gate.kind === 'Held' ? { ...plan.gate, ...refused, state: 'Blocked' as const } : undefined;
  return draftStatus(observed, { kind: 'Blocked', block: { stage: 'Rollout', ...refused }, ...(gate && { gate }), ...known });
}

function actionFor({ deployment, inferenceService }: Observed, plan: Plan): Action {
  const ours = inferenceService.kind === 'Ours' ? inferenceService.object : undefined;
  const remove: Action = ours === undefined ? { kind: 'Leave' } : { kind: 'Delete', object: ours };
  switch (plan.kind) {
    case 'Wait':
      // The garbage collector would do so as well, some time.
      return inferenceService.kind === 'Predecessor' && isLeftBehind(inferenceService.object)
        ? { kind: 'Clear', object: inferenceService.object }
        : { kind: 'Leave' };
    case 'Blocked':
      // Stopping must work when nothing else does: what may not be written any more can still be taken away.
      return deployment.spec.suspend === true ? remove : { kind: 'Leave' };
    case 'Serve':
      return plan.rendered.absent ? remove : { kind: 'Apply', desired: plan.rendered.object };
    default:
      return assertNever(plan);
  }
}

/**
 * While the cache has yet to hear of the InferenceService that we made, or one is about to be made, it is taken to be as we write it: so the status is the same
 * before it is there and after, until KServe acts on it.
 */
function withOwnWrite(observed: Observed, plan: Plan): Observed {
  if (!observed.settling || observed.inferenceService.kind !== 'Absent' || plan.kind !== 'Serve' || plan.rendered.absent) return observed;
  const object = plan.rendered.object as Cached<KubeObject> as Cached<InferenceServiceObject>;
  return { ...observed, inferenceService: { kind: 'Ours', object } };
}

/** What the service that we own says; undefined where there is none to read, or nobody to read it by. */
function readOwn(observed: Observed, plan: Pick<Plan, 'dialect' | 'mode'> & { readonly kind: Plan['kind'] | 'Read' }): Serving | undefined {
  const { inferenceService, children, logs } = observed;
  const { dialect, mode } = plan;
  if (dialect === undefined || mode === undefined) return undefined;
  if (inferenceService.kind === 'Unread' || inferenceService.kind === 'Foreign' || inferenceService.kind === 'Predecessor')
    return undefined;
  if (plan.kind === 'Blocked' && inferenceService.kind === 'Absent') return undefined;
  return readServing({
    deployment: withModeInUse(observed),
    dialect,
    mode,
    ...(inferenceService.kind !== 'Absent' && { inferenceService: inferenceService.object as InferenceServiceObject }),
    ...children,
    logs,
  });
}

function accountOf(observed: Observed, plan: Plan, serving: Serving | undefined): Account {
  const { dialect, mode } = plan;
  const known = { ...(dialect && { dialect }), ...(mode && { mode }), ...(serving && { serving }) };
  switch (plan.kind) {
    case 'Blocked':
      return { kind: 'Blocked', block: plan.block, ...known };
    case 'Wait':
      return { kind: 'Waiting', reason: plan.reason, message: plan.message, ...known };
    case 'Serve': {
      const { gate } = plan;
      if (gate.kind === 'Held') {
        const { reason, message } = gate;
        return gate.state === 'Waiting'
          ? { kind: 'Waiting', reason, message, gate, ...known }
          : { kind: 'Blocked', block: { stage: 'Rollout', reason, message }, gate, ...known };
      }
      const remarks = { warnings: plan.warnings.map(({ message }) => message), notes: plan.rendered.notes };
      if (serving === undefined)
        return { kind: 'Waiting', reason: 'Pending', message: 'The InferenceService is about to be made', gate, ...known };
      const stale = observed.settling && serving.state !== 'Progressing' && !(serving.state === 'Suspended' && plan.rendered.absent);
      return stale ? { kind: 'Waiting', ...appliedWait, gate, ...known } : { kind: 'Serving', ...remarks, gate, ...known, serving };
    }
    default:
      return assertNever(plan);
  }
}

/**
 * The deployment as the functions of the dialect should see it: a service that exists is in a mode already, also where our status was
 * lost or not written yet, and a new one takes the operator's own default before KServe's.
 */
function withModeInUse(observed: Observed): ModelDeployment {
  const subject = observed.deployment as ModelDeployment;
  if (subject.status?.deploymentMode !== undefined) return subject;
  const mode = modeOfService(observed) ?? observed.defaultMode;
  const possible = mode !== undefined && observed.platform.kind === 'Found' && observed.platform.modes.includes(mode);
  return possible ? { ...subject, status: { ...subject.status, deploymentMode: mode } } : subject;
}

function modeOfService({ inferenceService }: Observed): DeploymentMode | undefined {
  if (inferenceService.kind !== 'Ours' && inferenceService.kind !== 'Adoptable') return undefined;
  const { status, metadata } = inferenceService.object;
  return parseMode(status?.deploymentMode ?? metadata.annotations?.['serving.kserve.io/deploymentMode']);
}

/** All blocking problems as one: the first gives stage and reason, each its sentence. */
function blockOf(problems: readonly Problem[]): Block | undefined {
  const blocking = problems.filter((problem) => problem.blocking);
  const [first] = blocking;
  if (first === undefined) return undefined;
  return { stage: first.stage, reason: first.reason, message: blocking.map(({ message }) => message).join('. ') };
}

function foreignBlock(name: string, controller: string | undefined): Block {
  const remedy =
    controller === undefined
      ? `rename this ModelDeployment, delete that InferenceService, or let it be taken over: kubectl annotate inferenceservice ${name} ${adoptAnnotation}=true`
      : 'rename this ModelDeployment, or remove the InferenceService from there';
  const message = `InferenceService ${name} exists and is ${controller === undefined ? 'not managed by Modelwright' : `managed by ${controller}`}; it is left alone: ${remedy}`;
  return { stage: 'InferenceService', reason: 'InferenceServiceNotOurs', message };
}

function identityBlock(deployment: Cached<ModelDeployment>, holder: Cached<ModelDeployment>): Block {
  const message = `ModelDeployment ${holder.metadata.name} is the same model (${describeIdentity(deployment as ModelDeployment)}) and was there first; raise spec.model.version, or delete one of the two`;
  return { stage: 'Validation', reason: 'IdentityTaken', message };
}

const unreadWait = { reason: 'Reading', message: 'The InferenceServices of this cluster are being read' };
const predecessorWait = {
  reason: 'PredecessorLeaving',
  message: 'The InferenceService of an earlier ModelDeployment of this name is still there; a new one is made when it is gone',
};
const leavingWait = {
  reason: 'InferenceServiceLeaving',
  message: 'The InferenceService is being deleted; a new one is made when it is gone',
};
const appliedWait = { reason: 'Applied', message: 'The InferenceService was written; KServe has not acted on it yet' };

function assertNever(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
