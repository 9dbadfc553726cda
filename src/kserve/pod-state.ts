import { remedyForDownload } from './download-failure.ts';
import { latestEvent } from './events.ts';
import { remedyForPull } from './image-failure.ts';
import type { ContainerStatus, EventObject, FetchedLog, PodObject } from './observation.ts';
import { redactText, tailOf } from './redact-text.ts';
import { readUnschedulable } from './scheduling.ts';
import type { Cause, Loading, LogRequest } from './serving.ts';

/** How far one pod is, or what stands in its way. */
export interface PodState {
  readonly loading: Loading['state'];
  readonly cause?: Cause;
  /** Resources that no node has enough of, where the pod cannot be placed. */
  readonly insufficient?: readonly string[];
  readonly wantsLogsOf?: LogRequest;
}

export interface PodContext {
  readonly events: readonly EventObject[];
  readonly logs: readonly FetchedLog[];
}

const initializerNames = ['storage-initializer', 'modelcar-init'];
const pullReasons = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'ImageInspectError',
  'SignatureValidationFailed',
];
const createReasons = [
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'PreCreateHookError',
  'PostStartHookError',
];

/**
 * How containerd and the kubelet tell the end of a container that they lost sight of when the node stopped: nobody knows how it ended, and
 * it is being started again.
 */
const lostSight = ['Unknown', 'ContainerStatusUnknown'];

/** Of a container whose program the runtime could not start: it is not on PATH, or not for this machine. */
const neverStarted = ['StartError', 'ContainerCannotRun'];

/**
 * What a pod says about itself: the source of most causes. KServe's own status looks at one pod only, and knows neither image pulls, nor
 * scheduling, nor memory (KServe 0.20, PropagateModelStatus).
 */
export function readPod(pod: PodObject, context: PodContext): PodState {
  const { status } = pod;
  if (status?.phase === 'Failed' && (status.containerStatuses ?? []).every(({ state }) => state?.terminated === undefined))
    return gone(pod);
  if (isOutOfSight(pod)) return outOfSight(pod);
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') return unschedulable(pod, scheduled.message ?? '');
  for (const container of status?.initContainerStatuses ?? []) {
    const failed = readContainer(pod, container, true, context);
    if (failed !== undefined) return failed;
  }
  for (const container of status?.containerStatuses ?? []) {
    const failed = readContainer(pod, container, false, context);
    if (failed !== undefined) return failed;
  }
  return { loading: progressOf(pod) };
}

export function isReady({ status }: PodObject): boolean {
  return status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') ?? false;
}

function progressOf(pod: PodObject): Loading['state'] {
  if (isReady(pod)) return 'Loaded';
  const init = pod.status?.initContainerStatuses ?? [];
  if (init.some(({ name, state }) => initializerNames.includes(name ?? '') && state?.running !== undefined)) return 'Downloading';
  return (pod.status?.containerStatuses ?? []).some(({ state }) => state?.running !== undefined) ? 'Loading' : 'Pending';
}

function gone({ metadata, status }: PodObject): PodState {
  const reason = status?.reason ?? 'PodFailed';
  const message = `The pod was ended by its node: ${redactText(status?.message ?? reason)}; if it happens again, raise spec.resources or use another node`;
  return { loading: 'Failed', cause: { stage: 'Running', reason, message, pod: metadata.name } };
}

/**
 * The control plane took the pod's readiness away because its node reports no more (MarkPodsNotReady of the node lifecycle controller). All
 * else is left as the kubelet wrote it last, so that the containers seem to be ready; a kubelet that says False gives a reason.
 */
function isOutOfSight({ status }: PodObject): boolean {
  const of = (wanted: string) => status?.conditions?.find(({ type }) => type === wanted);
  const ready = of('Ready');
  return ready?.status === 'False' && !ready.reason && of('ContainersReady')?.status === 'True';
}

function outOfSight({ metadata, spec }: PodObject): PodState {
  const node = spec?.nodeName ?? '';
  const message =
    `Node ${node} no longer reports, so nobody knows about the pod on it: the node is off, cut off or out of order. The pod answers again ` +
    `when the node is back; after some minutes Kubernetes starts another elsewhere, where one fits. To see why: kubectl describe node ${node}`;
  return { loading: 'Failed', cause: { stage: 'Running', reason: 'NodeNotReady', message, pod: metadata.name } };
}

function unschedulable({ metadata }: PodObject, message: string): PodState {
  const { insufficient, remedy } = readUnschedulable(message);
  const cause: Cause = {
    stage: 'Scheduling',
    reason: 'Unschedulable',
    message: `No node can run the pod: ${message.replace(/\.?\s*$/, '')}. To solve it: ${remedy}`,
    pod: metadata.name,
  };
  return { loading: 'Pending', cause, insufficient };
}

function readContainer(pod: PodObject, container: ContainerStatus, isInit: boolean, context: PodContext): PodState | undefined {
  const { state } = container;
  const waiting = state?.waiting;
  if (waiting?.reason !== undefined && pullReasons.includes(waiting.reason)) return cannotPull(pod, container, waiting, context);
  if (waiting?.reason !== undefined && createReasons.includes(waiting.reason)) return cannotCreate(pod, container, waiting);
  const ended = endOf(container, isInit);
  if (ended === undefined) return undefined;
  if (ended.reason !== undefined && neverStarted.includes(ended.reason)) return cannotCreate(pod, container, ended);
  return isInit && initializerNames.includes(container.name ?? '')
    ? downloadFailed(pod, container, ended, context)
    : crashed(pod, container, ended, isInit, context);
}

type Terminated = NonNullable<NonNullable<ContainerStatus['lastState']>['terminated']>;

/**
 * The end of a run that was a failure and has not been made good: the present one, or the last where the container waits to be started
 * again or runs again without being ready. A container that is ready has recovered, whatever its last run ended with.
 */
function endOf({ state, lastState, ready, restartCount }: ContainerStatus, isInit: boolean): Terminated | undefined {
  const { terminated, running, waiting } = state ?? {};
  const last = lastState?.terminated;
  if (lostSight.includes((terminated ?? last)?.reason ?? '')) return undefined;
  if (terminated !== undefined) return terminated.exitCode === 0 && isInit ? undefined : terminated;
  if (waiting?.reason === 'CrashLoopBackOff')
    return last ?? { reason: 'CrashLoopBackOff', ...(waiting.message !== undefined && { message: waiting.message }) };
  if (last === undefined || last.exitCode === 0 || (restartCount ?? 0) === 0) return undefined;
  return running !== undefined && ready !== true ? last : undefined;
}

function imageOf({ spec }: PodObject, { name, image }: ContainerStatus): string {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return containers.find((container) => container.name === name)?.image ?? image ?? '';
}

/** The field that gave a container's image. */
function fieldOf(container: string | undefined, pod: PodObject): string {
  if (initializerNames.includes(container ?? '')) return 'the image of the storage initializer in the configuration of KServe';
  if (container === 'queue-proxy') return 'queue-sidecar-image in knative-serving/config-deployment';
  if (container === 'agent') return 'the image of the agent in inferenceservice-config';
  return pod.metadata.labels?.['component'] === 'transformer' ? 'spec.transformer.image' : 'spec.runtime.version';
}

function cannotPull(
  pod: PodObject,
  container: ContainerStatus,
  waiting: { reason?: string; message?: string },
  { events }: PodContext,
): PodState {
  const image = imageOf(pod, container);
  // A back-off says no more than that; why, is in the event of the last attempt.
  const attempts = events.filter(
    ({ reason, message, involvedObject }) =>
      reason === 'Failed' &&
      message?.startsWith('Failed to pull image') === true &&
      involvedObject?.kind === 'Pod' &&
      involvedObject.name === pod.metadata.name,
  );
  const attempt = latestEvent(attempts)?.message;
  const why = redactText(pullError(waiting.message) || pullError(attempt));
  return {
    loading: 'Failed',
    cause: {
      stage: 'ImagePull',
      reason: waiting.reason === 'InvalidImageName' ? 'InvalidImageName' : 'ImagePullFailed',
      message: `Image ${image} cannot be pulled${why === '' ? '' : `: ${why}`}. To solve it: ${remedyForPull(`${waiting.reason} ${why}`, image, fieldOf(container.name, pod))}`,
      ...where(pod, container),
    },
  };
}

/**
 * What went wrong, without the words around it, which change between an attempt and the wait for the next one: the same failure has the
 * same text each time it is read.
 */
function pullError(message = ''): string {
  return message
    .replace(/^Back-off pulling image "[^"]*"(?:: )?/, '')
    .replace(/^(?:ErrImagePull: )?(?:Failed to pull image "[^"]*": )?/, '')
    .replaceAll(/rpc error: code = \w+ desc = /g, '')
    .replace(/^failed to pull and unpack image "[^"]*": /, '')
    .replace(/\.?\s*$/, '');
}

function cannotCreate(pod: PodObject, container: ContainerStatus, waiting: { reason?: string; message?: string }): PodState {
  const message = redactText(waiting.message ?? '');
  const remedy = /secret|configmap/i.test(message)
    ? 'make what is missing, in the same namespace'
    : /runAsNonRoot|non-root/.test(message)
      ? 'use an image whose user is a number other than 0; or, where the namespace admits root, set spec.podSecurity to Unset'
      : 'check the image and its command';
  return {
    loading: 'Failed',
    cause: {
      stage: 'Startup',
      reason: 'ContainerNotCreated',
      message: `Container ${container.name} cannot be started: ${message || waiting.reason}. To solve it: ${remedy}`,
      ...where(pod, container),
    },
  };
}

function downloadFailed(pod: PodObject, container: ContainerStatus, ended: Terminated, context: PodContext): PodState {
  if (ended.reason === 'OOMKilled') return outOfMemory(pod, container, ended, context);
  const { logTail, wantsLogsOf, said } = words(pod, container, ended, context);
  const last = said?.split('\n').findLast((line) => line.trim() !== '') ?? '';
  return {
    loading: 'Failed',
    cause: {
      stage: 'Download',
      reason: 'DownloadFailed',
      message: `The model cannot be downloaded${last === '' ? ` (exit code ${ended.exitCode ?? 'unknown'})` : `: ${last.trim().replace(/\.$/, '')}`}. To solve it: ${remedyForDownload(said ?? '')}`,
      ...where(pod, container),
      ...(logTail !== undefined && { logTail }),
    },
    ...(wantsLogsOf && { wantsLogsOf }),
  };
}

function crashed(pod: PodObject, container: ContainerStatus, ended: Terminated, isInit: boolean, context: PodContext): PodState {
  if (ended.reason === 'OOMKilled') return outOfMemory(pod, container, ended, context);
  const { logTail, wantsLogsOf, said } = words(pod, container, ended, context);
  const last = said?.split('\n').findLast((line) => line.trim() !== '');
  const how =
    ended.exitCode === 137
      ? 'is killed (exit code 137): by its liveness probe, or for want of memory on the node'
      : ended.exitCode === undefined
        ? 'stops'
        : `stops with exit code ${ended.exitCode}`;
  return {
    loading: 'Failed',
    cause: {
      stage: isInit ? 'Startup' : 'Running',
      reason: (container.restartCount ?? 0) > 0 ? 'CrashLoop' : 'ContainerFailed',
      message: `Container ${container.name} ${how}${last === undefined ? '' : `: ${last.trim().replace(/\.$/, '')}`}. To solve it: read its log, and check that the package has the layout its server expects (modelwright lint)`,
      ...where(pod, container),
      ...(logTail !== undefined && { logTail }),
    },
    ...(wantsLogsOf && { wantsLogsOf }),
  };
}

function outOfMemory(pod: PodObject, container: ContainerStatus, ended: Terminated, context: PodContext): PodState {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const limit = containers.find(({ name }) => name === container.name)?.resources?.limits?.['memory'];
  const isInitializer = initializerNames.includes(container.name ?? '');
  const field =
    pod.metadata.labels?.['component'] === 'transformer' && !isInitializer
      ? 'spec.transformer.resources.limits.memory'
      : 'spec.resources.limits.memory';
  const remedy = isInitializer
    ? "raise storageInitializer.memoryLimit in inferenceservice-config, or the limit of the storage container: it is not the model server's own limit"
    : `raise ${field}`;
  const { logTail, wantsLogsOf } = words(pod, container, ended, context);
  return {
    loading: 'Failed',
    cause: {
      stage: isInitializer ? 'Download' : 'Running',
      reason: 'OutOfMemory',
      message: `Container ${container.name} used more memory than its limit${limit === undefined ? '' : ` of ${limit}`} and was killed. To solve it: ${remedy}`,
      ...where(pod, container),
      ...(logTail !== undefined && { logTail }),
    },
    ...(wantsLogsOf && { wantsLogsOf }),
  };
}

/** What a container that ended left to read: its log where it was fetched, else its termination message. */
function words(
  pod: PodObject,
  container: ContainerStatus,
  ended: Terminated,
  { logs }: PodContext,
): { logTail?: string; said?: string; wantsLogsOf?: LogRequest } {
  const request: LogRequest = {
    pod: pod.metadata.name,
    container: container.name ?? '',
    previous: container.state?.terminated === undefined,
  };
  const fetched = logs.find(
    (log) => log.pod === request.pod && log.container === request.container && log.previous === request.previous,
  )?.text;
  const message = ended.message === undefined || ended.message.trim() === '' ? undefined : tailOf(ended.message);
  const log = fetched === undefined || fetched.trim() === '' ? undefined : tailOf(fetched);
  const logTail = log ?? message;
  const said = message ?? log;
  return {
    ...(logTail !== undefined && { logTail }),
    ...(said !== undefined && { said }),
    ...(fetched === undefined && { wantsLogsOf: request }),
  };
}

function where(pod: PodObject, { name }: ContainerStatus): { pod: string; container?: string } {
  return { pod: pod.metadata.name, ...(name !== undefined && { container: name }) };
}
