/** `spec.runtimes`: which image models get, by the back-end that this KServe has. */
import type { RuntimeType } from '../../api/model-deployment/runtime.ts';
import type { RuntimeDeclaration, ServingPlatform } from '../../api/serving-platform/index.ts';
import { type Dialect, describeDialect } from '../../kserve/dialect.ts';
import type { ServingRuntimeObject } from '../../kserve/facts.ts';
import type { RolloutMember } from '../../kserve/platform/assignment.ts';
import { hasPullSecrets, withoutPullSecrets } from '../../kserve/platform/judge-platform.ts';
import {
  declaredImage,
  joined,
  ownRuntime,
  repositoryOf,
  runtimeTypeLabel,
  serverImage,
  stockRuntimeName,
} from '../../kserve/platform/own-runtime.ts';
import { type PredictorClaim, planPredictors } from '../../kserve/platform/predictors.ts';
import { parsePredictorImages } from '../../kserve/predictor-images.ts';
import { type Action, claimAnnotation, claimOn, clip, type Part, type Verdict } from './decision.ts';
import { type Declarations, effectiveDeclarations } from './declarations.ts';
import type { Resolution } from './image-query.ts';
import { membersOf, rolloutPolicy, type Target } from './members.ts';
import type { Observed } from './observe.ts';
import { setKey } from './shared-key.ts';

type Runtimes = NonNullable<NonNullable<Part['status']>['runtimes']>;

const maxBehind = 16;

export function decideRuntimes(observed: Observed): Part {
  const part = decidePresent(observed);
  const cleaning = left(observed);
  return cleaning.length === 0 ? part : { ...part, actions: [...part.actions, ...cleaning], remains: true };
}

/** Takes our values back where they decide nothing any more: KServe is in another namespace now, or of a version that reads no predictors. */
function left(observed: Observed): readonly Action[] {
  const { serving, inferenceServiceConfig, otherConfigs } = observed;
  const isInUse = serving.kind === 'Found' && !serving.features.predictorModel;
  const configs = [...otherConfigs, ...(isInUse || inferenceServiceConfig === undefined ? [] : [inferenceServiceConfig])];
  return configs.flatMap((object) => {
    const claim = claimOn<PredictorClaim>(object, 'predictors');
    if (claim === undefined) return [];
    const text = object.data?.['predictors'];
    const plan = text === undefined ? undefined : planPredictors(text, [], claim);
    if (plan?.kind === 'Unusable') return [];
    const claimNow = object.metadata.annotations?.[claimAnnotation.predictors] ?? null;
    return (
      setKey({ target: 'predictors', object, key: 'predictors', value: plan?.text ?? null, claim: null, claimNow }, observed)?.actions ?? []
    );
  });
}

function decidePresent(observed: Observed): Part {
  const { platform, serving } = observed;
  const isLeaving = platform.metadata.deletionTimestamp !== undefined;
  const declared = isLeaving ? [] : ((platform as ServingPlatform).spec.runtimes ?? []);
  if (serving.kind === 'Missing') {
    if (declared.length === 0) return { actions: [] };
    return { actions: [], verdict: { status: 'False', reason: serving.reason, message: serving.message } };
  }
  const effective = effectiveDeclarations(observed, declared, (type) => shippedImage(type, observed));
  const part = withResolutions(
    serving.features.predictorModel
      ? ownRuntimes(observed, effective.declared, effective.resolutions)
      : predictors(observed, effective.declared, serving),
    effective,
  );
  if (declared.length === 0) return part;
  const secretive = !hasPullSecrets(serving.version) ? declared.filter(({ imagePullSecrets = [] }) => imagePullSecrets.length > 0) : [];
  if (secretive.length > 0 && part.verdict?.status !== 'False') {
    const message = withoutPullSecrets(
      secretive.map(({ type }) => type),
      serving,
    );
    return { ...part, verdict: { status: 'False', reason: 'PullSecretsNotPossible', message } };
  }
  const runtimes = part.status?.runtimes ?? [];
  const { total, updated } = totals(runtimes);
  const message = `New models get ${runtimes.map(({ image }) => image).join(', ')}; ${updated} of ${total} models have come to it`;
  const verdict: Verdict = part.verdict ?? { status: 'True', reason: 'Applied', message: clip(message, 4096) };
  return { ...part, verdict, status: { ...part.status, ...(total > 0 && { summary: `${updated}/${total}` }) } };
}

/** The image that models of a type get without us. */
function shippedImage(type: RuntimeType, { serving, runtimes, inferenceServiceConfig }: Observed): string | undefined {
  if (serving.kind === 'Missing') return undefined;
  if (serving.features.predictorModel) {
    return serverImage(runtimes?.find(({ metadata }) => metadata.name === stockRuntimeName(type)) as ServingRuntimeObject | undefined);
  }
  const text = inferenceServiceConfig?.data?.['predictors'];
  if (inferenceServiceConfig === undefined || text === undefined) return undefined;
  const without = planPredictors(text, [], claimOn<PredictorClaim>(inferenceServiceConfig, 'predictors'));
  const entry = parsePredictorImages({ predictors: without.kind === 'Planned' ? without.text : text })?.[type]?.v1;
  return entry === undefined || entry.defaultImageVersion === undefined ? entry?.image : joined(entry.image, entry.defaultImageVersion);
}

/** What registries did not say, or have not yet, is said before everything else. */
function withResolutions(part: Part, { problems, isWaiting, queries, resolutions }: Declarations): Part {
  const worse = problems[0] ?? (isWaiting && part.verdict?.status !== 'False' ? waiting : undefined);
  const messages = [...problems, ...(part.verdict?.status === 'False' ? [part.verdict] : [])].map(({ message }) => message);
  return {
    ...part,
    queries,
    status: { ...part.status, resolutions: [...resolutions] },
    ...(worse !== undefined && { verdict: { ...worse, message: problems.length > 0 ? clip(messages.join('. '), 4096) : worse.message } }),
  };
}

const waiting: Verdict = {
  status: 'Unknown',
  reason: 'ResolvingImages',
  message: 'Container registries are being asked what the declared versions stand for',
};

function totals(runtimes: Runtimes): { readonly total: number; readonly updated: number } {
  return {
    total: runtimes.reduce((sum, { models }) => sum + models.total, 0),
    updated: runtimes.reduce((sum, { models }) => sum + models.updated, 0),
  };
}

/** KServe ≥ 0.8: a ClusterServingRuntime of our own for each declaration. */
function ownRuntimes(observed: Observed, declared: readonly RuntimeDeclaration[], resolutions: readonly Resolution[]): Part {
  const { runtimes: present, usedByModels, usedByOthers, platform, setbacks } = observed;
  if (present === undefined) {
    const message = 'The ClusterServingRuntimes cannot be read; give the operator its ClusterRole, or wait until the API server answers';
    return declared.length === 0 ? { actions: [] } : { actions: [], verdict: { status: 'Unknown', reason: 'RuntimesUnread', message } };
  }
  const named = new Map(present.map((runtime) => [runtime.metadata.name, runtime]));
  const refusal = setbacks.get('runtimes');
  const problems: Verdict[] = [];
  const actions: Action[] = [];
  const inEffect: Runtimes = [];
  const wanted = new Set<string>();
  for (const declaration of declared) {
    const { type } = declaration;
    const stock = named.get(stockRuntimeName(type)) as ServingRuntimeObject | undefined;
    const before = platform.status?.runtimes?.find((runtime) => runtime.type === type) as Target | undefined;
    if (stock === undefined) {
      problems.push({ ...failed, reason: 'RuntimeMissing', message: missing(type) });
    } else {
      const object = ownRuntime(
        declaration,
        stock,
        resolutions.find((resolution) => resolution.type === type),
      );
      wanted.add(object.metadata.name);
      if (refusal?.kind === 'Refused') problems.push({ ...failed, reason: refusal.reason, message: refusal.message });
      else actions.push({ kind: 'ApplyRuntime', object });
      if (named.has(object.metadata.name)) {
        inEffect.push(
          withProgress(targetOf(declaration, declaredImage(declaration, stock), repositoryOf(stock), object.metadata.name), observed),
        );
        continue;
      }
    }
    // Until there is a new one, models go on with the one before.
    if (before?.runtimeName !== undefined && named.has(before.runtimeName)) {
      wanted.add(before.runtimeName);
      inEffect.push(withProgress(before, observed));
    }
  }
  const ours = present.filter(({ metadata }) => metadata.labels?.[runtimeTypeLabel] !== undefined);
  for (const object of ours) {
    const { name, deletionTimestamp } = object.metadata;
    const isFree = !wanted.has(name) && !usedByModels.has(name) && !usedByOthers.has(name);
    if (isFree && deletionTimestamp === undefined) actions.push({ kind: 'DeleteRuntime', object });
  }
  return {
    actions,
    status: { runtimes: inEffect },
    remains: ours.some(({ metadata: { name } }) => !usedByOthers.has(name) || usedByModels.has(name)),
    ...(problems[0] !== undefined && { verdict: { ...problems[0], message: problems.map(({ message }) => message).join('. ') } }),
    ...(problems.length === 0 && inEffect.length < declared.length && { verdict: pending }),
  };
}

const failed = { status: 'False' } as const;

function missing(type: RuntimeDeclaration['type']): string {
  return `ClusterServingRuntime ${stockRuntimeName(type)}, of which ours for ${type} is a copy, is not there; install it as KServe ships it`;
}

const pending: Verdict = { status: 'Unknown', reason: 'Progressing', message: 'The ClusterServingRuntimes are being made' };

/** KFServing 0.6 and KServe 0.7: key `predictors` of inferenceservice-config. */
function predictors(observed: Observed, declared: readonly RuntimeDeclaration[], dialect: Dialect): Part {
  const { inferenceServiceConfig: config } = observed;
  if (config === undefined) {
    const message = `ConfigMap inferenceservice-config of ${describeDialect(dialect)} is not there, or may not be read; install it as KServe ships it, or name its namespace in spec.kserve.namespace`;
    return declared.length === 0 ? { actions: [] } : { actions: [], verdict: { status: 'False', reason: 'ConfigMapMissing', message } };
  }
  const where = `${config.metadata.namespace}/${config.metadata.name}`;
  const text = config.data?.['predictors'];
  const claim = claimOn<PredictorClaim>(config, 'predictors');
  if (text === undefined || (declared.length === 0 && claim === undefined)) {
    const message = `ConfigMap ${where} has no key predictors, which ${describeDialect(dialect)} takes its images from; add it as KServe ships it`;
    return declared.length === 0 ? { actions: [] } : { actions: [], verdict: { status: 'False', reason: 'PredictorsMissing', message } };
  }
  const plan = planPredictors(text, declared, claim);
  if (plan.kind === 'Unusable') {
    const message = `Key predictors of ConfigMap ${where} cannot be edited: ${plan.message}. KServe's webhook fails on it too; correct it by hand, and work resumes by itself`;
    return { actions: [], verdict: { status: 'False', reason: 'PredictorsMalformed', message: clip(message, 4096) } };
  }
  const claimNow = config.metadata.annotations?.[claimAnnotation.predictors] ?? null;
  const nextClaim = plan.claim === undefined ? null : JSON.stringify(plan.claim);
  const step = setKey({ target: 'predictors', object: config, key: 'predictors', value: plan.text, claim: nextClaim, claimNow }, observed);
  const refused = new Set(plan.problems.map(({ type }) => type));
  const images = parsePredictorImages({ predictors: text });
  const inEffect = declared
    .filter(({ type }) => !refused.has(type) && step === undefined)
    .map((declaration) => {
      const repository = declaration.image ?? images?.[declaration.type]?.v1?.image ?? '';
      return withProgress(targetOf(declaration, joined(repository, declaration.version), repository), observed);
    });
  const [problem] = plan.problems;
  const verdict: Verdict | undefined =
    problem === undefined
      ? undefined
      : { status: 'False', reason: problem.reason, message: clip(plan.problems.map(({ message }) => message).join('. '), 4096) };
  return {
    actions: [],
    ...(step === undefined || declared.length === 0 ? {} : { verdict: pendingEdit }),
    ...step,
    ...(verdict !== undefined && { verdict }),
    ...(declared.length > 0 && { status: { runtimes: inEffect } }),
    remains: step !== undefined && step.verdict === undefined,
  };
}

const pendingEdit: Verdict = { status: 'Unknown', reason: 'Progressing', message: 'inferenceservice-config is being edited' };

function targetOf(
  { type, image, gpuVersion }: RuntimeDeclaration,
  whole: string,
  repository: string | undefined,
  runtimeName?: string,
): Omit<Target, 'models'> {
  return {
    type,
    image: whole,
    ...(gpuVersion !== undefined && { gpuImage: joined(image ?? repository ?? '', gpuVersion) }),
    managedVia: runtimeName === undefined ? 'ConfigMap' : 'ClusterServingRuntime',
    ...(runtimeName !== undefined && { runtimeName }),
  };
}

function withProgress(target: Omit<Target, 'models'>, { models }: Observed): Target {
  const none = { total: 0, updated: 0, behind: [], summary: '0/0' };
  const members = membersOf(models, target.type, { ...target, models: none });
  const updated = members.filter(({ state }) => state === 'Updated').length;
  const behind = members
    .filter(({ state }) => state === 'Behind' || state === 'Moving')
    .map(({ id }) => id)
    .sort();
  return {
    ...target,
    models: { total: members.length, updated, behind: behind.slice(0, maxBehind), summary: `${updated}/${members.length}` },
  };
}

/** Whether a rollout goes on by itself now. */
export function isRollingOut({ platform, models }: Observed, runtimes: Runtimes): boolean {
  const policy = rolloutPolicy((platform as ServingPlatform).spec);
  const isOnItsWay = ({ state }: RolloutMember) => state === 'Moving' || (state === 'Behind' && policy.strategy === 'Immediate');
  return runtimes.some((target) => membersOf(models, target.type, target).some(isOnItsWay));
}
