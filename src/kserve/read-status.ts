import { compare } from '../models/finding.ts';
import { addressesOf } from './addresses.ts';
import { creationCause, deadlineCause, failureInfoCause, ingressCause, knativeCause, serviceCause } from './kserve-cause.ts';
import { type ComponentView, componentsOf } from './newest.ts';
import type { InferenceServiceObject, Observation, ObservedCondition } from './observation.ts';
import { isReady, type PodState, readPod } from './pod-state.ts';
import { readRuntime } from './read-runtime.ts';
import { redactText, tailOf } from './redact-text.ts';
import { unreflected } from './reflected.ts';
import { isExtended } from './scheduling.ts';
import type { Cause, Loading, LogRequest, Serving, ServingState, Stage } from './serving.ts';

/**
 * Reads an InferenceService together with everything below it and says in what state the declared model is. Pure: the same observation
 * gives the same answer, and log lines that would say more are asked for in `wantsLogsOf`.
 *
 * `Ready` means that the declared version answers. KServe's own Ready condition is True as well while an older version answers and the
 * new one cannot start; that is `Failed` here, with `previousServes` (docs/decisions: ready-means-the-declared-version).
 */
export function readServing(observation: Observation): Serving {
  const { deployment, inferenceService } = observation;
  if (inferenceService === undefined) return absent(deployment.spec.suspend === true);
  const components = componentsOf(observation).map((view) => readComponent(view, observation));
  const predictor = components[0];
  const base = {
    loading: loadingOf(predictor),
    addresses: addressesOf(deployment, inferenceService),
    runtime: readRuntime(observation, predictor?.view),
  };
  if (deployment.spec.suspend === true) return { ...base, ...suspended(observation, components), wantsLogsOf: [] };
  const behind = notActedOn(predictor?.view, inferenceService);
  const cause = causeOf(components, observation, behind !== undefined);
  const previousServes =
    components.some(({ view }) => view.previousServes) || (behind !== undefined && predictor?.view.newest.some(isReady) === true);
  const wantsLogsOf = components.flatMap(({ wantsLogsOf: wanted }) => wanted);
  const verdict = judgeState(observation, components, { cause, previousServes, behind });
  return { ...base, ...verdict, ...(cause && { cause }), previousServes, wantsLogsOf };
}

interface Verdict {
  readonly state: ServingState;
  readonly reason: string;
  readonly message: string;
}

interface ComponentReading {
  readonly view: ComponentView;
  readonly pods: readonly PodState[];
  readonly cause?: Cause;
  readonly wantsLogsOf: readonly LogRequest[];
}

const noLoading: Loading = { state: 'Pending', ready: 0, total: 0, summary: '0/0' };

function absent(isSuspended: boolean): Serving {
  const verdict: Verdict = isSuspended
    ? { state: 'Suspended', reason: 'Suspended', message: suspendedMessage }
    : { state: 'Unknown', reason: 'Pending', message: 'The InferenceService is not there yet' };
  return { ...verdict, loading: noLoading, addresses: {}, runtime: {}, previousServes: false, wantsLogsOf: [] };
}

const suspendedMessage = 'The model is stopped because spec.suspend is true; set it to false to serve again';

function suspended({ pods }: Observation, components: readonly ComponentReading[]): Verdict & { readonly previousServes: boolean } {
  const left = pods.length;
  const answers = components.some(({ view }) => view.previousServes || view.newest.some(isReady));
  return left === 0
    ? { state: 'Suspended', reason: 'Suspended', message: suspendedMessage, previousServes: false }
    : { state: 'Progressing', reason: 'Suspending', message: `The model is being stopped: ${left} pod(s) left`, previousServes: answers };
}

function readComponent(view: ComponentView, observation: Observation): ComponentReading {
  const { events = [], logs = [] } = observation;
  const pods = view.newest.map((pod) => readPod(pod, { events, logs }));
  const failed = mostTelling(pods);
  const cause =
    podCause(view, failed) ??
    creationCause(view) ??
    (observation.mode === 'Knative' ? knativeCause(view, observation) : deadlineCause(view));
  const silent = cause?.reason === 'NotReadyInTime' ? runningLog(view, logs) : undefined;
  const request = failed?.wantsLogsOf ?? (silent?.text === undefined ? silent?.request : undefined);
  return {
    view,
    pods,
    ...(cause && { cause: silent?.text === undefined ? cause : { ...cause, ...silent.where, logTail: silent.text } }),
    wantsLogsOf: request === undefined ? [] : [request],
  };
}

/** The log of a server that runs, is not ready, and has used up its time. */
function runningLog(
  { newest }: ComponentView,
  logs: readonly { readonly pod: string; readonly container: string; readonly previous: boolean; readonly text: string }[],
): { request: LogRequest; text?: string; where: { pod: string; container: string } } | undefined {
  for (const { metadata, status } of newest) {
    const running = status?.containerStatuses?.find(
      ({ name, ready, state }) => name !== undefined && ready !== true && state?.running !== undefined,
    );
    if (running?.name === undefined) continue;
    const where = { pod: metadata.name, container: running.name };
    const request = { ...where, previous: false };
    const text = logs.find((log) => log.pod === request.pod && log.container === request.container && !log.previous)?.text;
    return { request, where, ...(text !== undefined && text.trim() !== '' && { text: tailOf(text) }) };
  }
  return undefined;
}

/** In the order of a pod's life: of several pods that fail in different ways, the one that got furthest says most about the model. */
const stagesOfPod: readonly Stage[] = ['Scheduling', 'ImagePull', 'Download', 'Startup', 'Running'];

function mostTelling(pods: readonly PodState[]): PodState | undefined {
  const rank = ({ cause }: PodState) => (cause === undefined ? -1 : stagesOfPod.indexOf(cause.stage));
  const [first] = pods.toSorted((a, b) => rank(b) - rank(a) || compare(a.cause?.pod ?? '', b.cause?.pod ?? ''));
  return first?.cause === undefined ? undefined : first;
}

function podCause({ previousServes }: ComponentView, failed: PodState | undefined): Cause | undefined {
  if (failed?.cause === undefined) return undefined;
  const missing = (failed.insufficient ?? []).filter(isExtended);
  if (!previousServes || missing.length === 0) return failed.cause;
  return {
    ...failed.cause,
    stage: 'Rollout',
    reason: 'RolloutCannotBePlaced',
    message: `The new version waits for ${missing.join(', ')}, which the version before it may hold. ${failed.cause.message}; or set spec.suspend to true and back to false, which frees what the old version holds`,
  };
}

/** The field of the predictor that KServe has not acted on yet. */
function notActedOn(view: ComponentView | undefined, service: InferenceServiceObject): string | undefined {
  const template = view?.knativeService?.spec?.template ?? view?.deployment?.spec?.template;
  return template === undefined ? undefined : unreflected(service, template);
}

function causeOf(components: readonly ComponentReading[], observation: Observation, isBehind: boolean): Cause | undefined {
  const own = components.find(({ cause }) => cause !== undefined)?.cause;
  if (own !== undefined) return own;
  if (observation.dialect.features.modelStatus) {
    const stopped = stoppedCause(components, observation.inferenceService);
    if (stopped !== undefined) return stopped;
  }
  return serviceCause(observation, isBehind) ?? ingressCause(observation);
}

/** Knative takes the pods of a failed Revision away; what KServe noted of them is then all that is left. */
function stoppedCause(components: readonly ComponentReading[], service: InferenceServiceObject | undefined): Cause | undefined {
  const model = service?.status?.modelStatus;
  if (model?.transitionStatus !== 'BlockedByFailedLoad' || model.states?.targetModelState !== 'FailedToLoad') return undefined;
  if (model.lastFailureInfo === undefined || (components[0]?.view.newest.length ?? 0) > 0) return undefined;
  return failureInfoCause(model.lastFailureInfo);
}

function loadingOf(predictor: ComponentReading | undefined): Loading {
  if (predictor === undefined) return noLoading;
  const { view, pods } = predictor;
  const ready = view.newest.filter(isReady).length;
  const total = Math.max(view.wanted, 0);
  const state = loadingOrder.find((one) => pods.some(({ loading }) => loading === one)) ?? 'Pending';
  return { state, ready, total, summary: `${ready}/${total}` };
}

/** The least advanced first. */
const loadingOrder: readonly Loading['state'][] = ['Failed', 'Pending', 'Downloading', 'Loading', 'Loaded'];

interface Findings {
  readonly cause: Cause | undefined;
  readonly previousServes: boolean;
  readonly behind: string | undefined;
}

function judgeState(
  observation: Observation,
  components: readonly ComponentReading[],
  { cause, previousServes, behind }: Findings,
): Verdict {
  const { inferenceService } = observation;
  const ready = inferenceService?.status?.conditions?.find(({ type }) => type === 'Ready');
  if (inferenceService?.metadata.deletionTimestamp !== undefined) {
    return { state: 'Progressing', reason: 'Deleting', message: 'The InferenceService is being deleted' };
  }
  const rolledOut = behind === undefined && components.every(({ view }) => view.rolledOut !== false);
  const [predictor] = components;
  // KServe's Ready may be of the moment before. Copies that only start, as after scale to zero, have no cause.
  const nobodyAnswers = cause !== undefined && components.some(({ view }) => view.newest.length > 0 && !view.newest.some(isReady));
  if (ready?.status === 'True' && rolledOut && !previousServes && !nobodyAnswers) {
    if (cause === undefined) return serves(components);
    return { ...serves(components), message: `The model answers, and one of its copies does not start. ${cause.message}` };
  }
  if (cause !== undefined) {
    const tail = previousServes ? '. The version before this one still answers' : '';
    return { state: 'Failed', reason: cause.reason, message: cause.message + tail };
  }
  if (behind !== undefined) {
    const tail = previousServes ? '; the version before it answers until then' : '';
    return { state: 'Progressing', reason: 'WaitingForKServe', message: `KServe has not acted on the change of ${behind} yet${tail}` };
  }
  return progress(predictor, ready, previousServes);
}

function serves(components: readonly ComponentReading[]): Verdict {
  const copies = components[0]?.view.newest.filter(isReady).length ?? 0;
  const idle = components[0]?.view.newest.length === 0 && components[0].view.wanted === 0;
  if (idle) return { state: 'Ready', reason: 'ScaledToZero', message: 'The model is scaled to zero; the next request starts a copy' };
  const message =
    copies === 0 ? 'A copy is starting; requests wait for it' : `The model answers: ${copies} ${copies === 1 ? 'copy' : 'copies'}`;
  return { state: 'Ready', reason: 'Serving', message };
}

function progress(predictor: ComponentReading | undefined, ready: ObservedCondition | undefined, previousServes: boolean): Verdict {
  const { state } = loadingOf(predictor);
  const tail = previousServes ? '; the version before it answers until then' : '';
  switch (predictor?.pods.length === 0 ? 'None' : state) {
    case 'Downloading':
      return { state: 'Progressing', reason: 'Downloading', message: `The model is being downloaded${tail}` };
    case 'Loading':
      return { state: 'Progressing', reason: 'Loading', message: `The model server is loading the model${tail}` };
    case 'Loaded':
      return { state: 'Progressing', reason: 'RollingOut', message: `The model is loaded and requests are being moved to it${tail}` };
    case 'None':
      return {
        state: 'Progressing',
        reason: 'Pending',
        message: ready?.message ? `KServe says: ${redactText(ready.message)}` : `KServe has made no pod yet${tail}`,
      };
    default:
      return { state: 'Progressing', reason: 'Pending', message: `The pod is being set up${tail}` };
  }
}
