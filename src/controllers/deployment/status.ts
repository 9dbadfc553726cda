import type { ModelDeployment, ModelDeploymentStatus } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import type { Dialect } from '../../kserve/dialect.ts';
import type { Serving, Stage } from '../../kserve/serving.ts';
import { type ConditionInput, setConditions } from '../../kube/conditions.ts';
import type { Block } from './block.ts';
import type { GateDecision } from './gate/decide.ts';
import { describeIdentity, identityOf } from './identity.ts';
import type { Observed } from './observe.ts';

/** What there is to tell, whoever is told. */
export type Account = {
  readonly dialect?: Dialect;
  readonly mode?: DeploymentMode;
  /** What our InferenceService says; absent where there is none. */
  readonly serving?: Serving;
  /** What the promotion gate has decided; absent where it was not asked. */
  readonly gate?: GateDecision;
} & (
  | { readonly kind: 'Blocked'; readonly block: Block }
  | { readonly kind: 'Waiting'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Serving'; readonly serving: Serving; readonly warnings: readonly string[]; readonly notes: readonly string[] }
);

/** A status before it is stamped with times and generation. */
export type StatusDraft = Omit<ModelDeploymentStatus, 'conditions' | 'observedGeneration' | 'firstReadyTime'> & {
  readonly conditions: readonly ConditionInput[];
};

type Verdict = Pick<ConditionInput, 'status' | 'reason' | 'message'>;

/** Longest texts that the schema of the status lets through. */
const [maxMessage, maxLogTail] = [4096, 4096];

/** The positive account and the failure, as fields and conditions. */
export function draftStatus(observed: Observed, account: Account): StatusDraft {
  const { dialect, serving, mode } = account;
  const fixedMode = observed.deployment.status?.deploymentMode ?? mode;
  const lastError = lastErrorOf(account);
  return {
    conditions: conditionsOf(observed, account),
    ...(fixedMode !== undefined && { deploymentMode: fixedMode }),
    ...(dialect !== undefined && {
      kserve: { apiVersion: dialect.apiVersion, ...(dialect.release !== undefined && { version: dialect.release }) },
    }),
    ...packageOf(observed),
    ...(serving !== undefined && accountedFor(serving)),
    ...rolloutOf(observed, account),
    ...(lastError !== undefined && { lastError }),
  };
}

/** What the gate has let through is remembered also while something else keeps the model from being judged. */
function rolloutOf({ deployment }: Observed, { gate }: Account): Pick<StatusDraft, 'rollout'> {
  const before = deployment.status?.rollout as StatusDraft['rollout'];
  const rollout = gate === undefined ? deployment.spec.rollout?.gate && before : gate.kind === 'Off' ? undefined : gate.rollout;
  return rollout === undefined || Object.keys(rollout).length === 0 ? {} : { rollout };
}

/** The package that is there; an earlier one while a new one is made. */
function packageOf({ packaging }: Observed): Pick<StatusDraft, 'package'> {
  return packaging.kind === 'NotAsked' || packaging.package === undefined ? {} : { package: packaging.package };
}

/** Empty parts are left out: where there was something before, server-side apply would make null of an empty object. */
function accountedFor({ addresses, runtime, loading }: Serving): Partial<StatusDraft> {
  const [hasAddress, hasRuntime] = [addresses, runtime].map((part) => Object.keys(part).length > 0);
  return { ...(hasAddress && { addresses }), ...(hasRuntime && { runtime }), loading };
}

/** The status to write: conditions keep their times, and the first time of serving is never forgotten. */
export function stampStatus(deployment: ModelDeployment, draft: StatusDraft, now: string): ModelDeploymentStatus {
  const { status, metadata } = deployment;
  const generation = metadata.generation ?? 0;
  const wanted = new Set(draft.conditions.map(({ type }) => type));
  const conditions = setConditions(status?.conditions, draft.conditions, { now, observedGeneration: generation });
  const isReady = draft.conditions.some(({ type, status: state }) => type === 'Ready' && state === 'True');
  const firstReadyTime = status?.firstReadyTime ?? (isReady ? now : undefined);
  return {
    ...draft,
    observedGeneration: generation,
    // Only conditions that hold now: Reconciling and Stalled are there when they are true.
    conditions: conditions.filter(({ type }) => wanted.has(type)),
    ...(firstReadyTime !== undefined && { firstReadyTime }),
  };
}

function conditionsOf(observed: Observed, account: Account): ConditionInput[] {
  const ready = readyVerdict(account);
  const summary = summaryOf(account);
  const conditions = [
    identityCondition(observed),
    packagedCondition(observed),
    promotedCondition(observed, account),
    { type: 'RuntimeReady', ...runtimeVerdict(account) },
    { type: 'InferenceServiceReady', ...serviceVerdict(account) },
    { type: 'Ready', ...ready },
    summary === 'Reconciling' ? { type: 'Reconciling', ...ready, status: 'True' as const } : undefined,
    summary === 'Stalled' ? { type: 'Stalled', ...ready, status: 'True' as const } : undefined,
  ];
  return conditions.flatMap((condition) =>
    condition === undefined ? [] : [{ ...condition, message: clip(condition.message, maxMessage) }],
  );
}

/** kstatus' two abnormal states: work goes on, or cannot go on until somebody acts. */
function summaryOf(account: Account): 'Reconciling' | 'Stalled' | undefined {
  if (account.kind === 'Blocked') return 'Stalled';
  if (account.kind === 'Waiting') return 'Reconciling';
  switch (account.serving.state) {
    case 'Failed':
      // A node with room may come without anybody changing the model: an autoscaler adds one, another model leaves one.
      return account.serving.cause?.stage === 'Scheduling' ? 'Reconciling' : 'Stalled';
    case 'Progressing':
    case 'Unknown':
      return 'Reconciling';
    case 'Ready':
    case 'Suspended':
      return undefined;
  }
}

function readyVerdict(account: Account): Verdict {
  switch (account.kind) {
    case 'Blocked':
      return { status: 'False', reason: account.block.reason, message: account.block.message };
    case 'Waiting':
      return { status: 'Unknown', reason: account.reason, message: account.message };
    case 'Serving': {
      const { serving, warnings } = account;
      return { ...verdictOf(serving), message: sentences(serving.message, ...warnings) };
    }
  }
}

function serviceVerdict(account: Account): Verdict {
  if (account.kind === 'Serving') {
    const { serving, notes } = account;
    return { ...verdictOf(serving), message: sentences(serving.message, ...notes) };
  }
  // A spec that may not be written says nothing about the service that runs by the one before.
  if ((account.kind === 'Blocked' || account.gate?.kind === 'Held') && account.serving !== undefined) return verdictOf(account.serving);
  return readyVerdict(account);
}

function verdictOf({ state, reason, message, previousServes }: Serving): Verdict {
  switch (state) {
    case 'Ready':
      return { status: 'True', reason, message };
    case 'Unknown':
      return { status: 'Unknown', reason, message };
    case 'Progressing':
      // A rollout over a version that goes on answering is neither serving nor not serving what is declared.
      return { status: previousServes ? 'Unknown' : 'False', reason, message };
    case 'Failed':
    case 'Suspended':
      return { status: 'False', reason, message };
  }
}

/** Stages in which the image of the model server is what fails. */
const imageStages: readonly Stage[] = ['Platform', 'ImageResolution', 'ImagePull'];

function runtimeVerdict(account: Account): Verdict {
  const failure = account.kind === 'Blocked' ? account.block : account.serving?.cause;
  if (failure !== undefined && imageStages.includes(failure.stage)) {
    return { status: 'False', reason: failure.reason, message: failure.message };
  }
  const { image, name, managedVia } = account.serving?.runtime ?? {};
  if (image === undefined) return { status: 'Unknown', reason: 'NotResolved', message: 'The image of the model server is not known yet' };
  const origin = [name === undefined ? '' : `runtime ${name}`, managedVia === undefined ? '' : `image set by the ${managedVia}`].filter(
    Boolean,
  );
  return { status: 'True', reason: 'ImageResolved', message: origin.length === 0 ? image : `${image} (${origin.join(', ')})` };
}

/** Absent without a gate. */
function promotedCondition({ deployment }: Observed, { gate }: Account): ConditionInput | undefined {
  const type = 'Promoted';
  switch (gate?.kind) {
    case 'Off':
      return undefined;
    case 'Open':
      return { type, status: 'True', reason: gate.reason, message: gate.message };
    case 'Paused':
      return { type, status: 'Unknown', reason: 'Suspended', message: 'Nothing is measured while spec.suspend is true' };
    case 'Held':
      return { type, status: gate.state === 'Waiting' ? 'Unknown' : 'False', reason: gate.reason, message: gate.message };
    case undefined:
      if (deployment.spec.rollout?.gate === undefined) return undefined;
      return { type, status: 'Unknown', reason: 'NotJudged', message: 'What condition Ready names comes first' };
  }
}

/** Absent for a source that KServe is given as it is. */
function packagedCondition({ packaging }: Observed): ConditionInput | undefined {
  const type = 'Packaged';
  switch (packaging.kind) {
    case 'NotAsked':
      return undefined;
    case 'Packaged':
      return {
        type,
        status: 'True',
        reason: packaging.package.repository === undefined ? 'Verified' : 'Packaged',
        message: packaging.message,
      };
    case 'Working':
      return { type, status: 'Unknown', reason: packaging.reason, message: packaging.message };
    case 'Failed':
      return { type, status: 'False', reason: packaging.block.reason, message: packaging.block.message };
  }
}

/** Absent for a model that does not say enough to be told apart from others. */
function identityCondition({ deployment, identityHolder }: Observed): ConditionInput | undefined {
  const subject = deployment as ModelDeployment;
  if (identityOf(subject) === undefined) return undefined;
  if (identityHolder === undefined) {
    return {
      type: 'IdentityUnique',
      status: 'True',
      reason: 'Unique',
      message: `No other ModelDeployment has ${describeIdentity(subject)}`,
    };
  }
  const message = `ModelDeployment ${identityHolder.metadata.name} has the same ${describeIdentity(subject)}, and was there first`;
  return { type: 'IdentityUnique', status: 'False', reason: 'IdentityTaken', message };
}

function lastErrorOf(account: Account): NonNullable<ModelDeploymentStatus['lastError']> | undefined {
  if (account.kind === 'Blocked') {
    const { stage, reason, message } = account.block;
    return { stage, reason, message: clip(message, maxMessage) };
  }
  const cause = account.kind === 'Serving' ? account.serving.cause : undefined;
  if (cause === undefined) return undefined;
  const { logTail, ...rest } = cause;
  return {
    ...rest,
    message: clip(cause.message, maxMessage),
    ...(logTail !== undefined && { logTail: clipStart(logTail, maxLogTail) }),
  };
}

/** Joins what is there into one text, each a sentence of its own. */
function sentences(...texts: readonly string[]): string {
  return texts
    .filter((text) => text !== '')
    .map((text) => text.replace(/\.$/, ''))
    .join('. ');
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** Of a log the end matters. */
function clipStart(text: string, length: number): string {
  return text.length <= length ? text : `…${text.slice(text.length - length + 1)}`;
}
