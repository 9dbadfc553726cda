import { latestEvent } from './events.ts';
import { remedyForPull, skipListName } from './image-failure.ts';
import type { ComponentView } from './newest.ts';
import type { InferenceServiceObject, Observation, ObservedCondition } from './observation.ts';
import { redactText, tailOf } from './redact-text.ts';
import { readUnschedulable } from './scheduling.ts';
import type { Cause } from './serving.ts';

function condition(conditions: readonly ObservedCondition[] | undefined, type: string): ObservedCondition | undefined {
  return conditions?.find((one) => one.type === type);
}

const sentence = (text: string) => redactText(text.trim()).replace(/\.$/, '');

/** Why a Deployment or its ReplicaSet makes no pods: quota, admission, a missing service account. */
export function creationCause({ deployment, replicaSet }: ComponentView): Cause | undefined {
  const failure = [replicaSet, deployment]
    .map((object) => condition(object?.status?.conditions, 'ReplicaFailure'))
    .find((found) => found?.status === 'True');
  return failure === undefined ? undefined : refusedPod(failure.message ?? '');
}

function refusedPod(text: string): Cause {
  const message = sentence(text);
  const quota = /exceeded quota: ([\w.-]+)/.exec(message);
  if (quota !== null) {
    const remedy = `ask for less in spec.resources, spec.gpu or spec.scaling, or have quota ${quota[1]} of the namespace raised`;
    return {
      stage: 'Scheduling',
      reason: 'QuotaExceeded',
      message: `The namespace's quota allows no further pod: ${message}. To solve it: ${remedy}`,
    };
  }
  if (/serviceaccount "[^"]*" not found/.test(message)) {
    return {
      stage: 'Startup',
      reason: 'ServiceAccountMissing',
      message: `The pod is refused: ${message}. To solve it: make the ServiceAccount in this namespace, or correct spec.serviceAccountName`,
    };
  }
  const remedy = /PodSecurity/.test(message)
    ? remedyForPodSecurity(message)
    : /secrets? "[^"]*" not found/i.test(message)
      ? 'make the Secret that the service account or KServe names'
      : 'change what it names, or ask whoever set that rule';
  return { stage: 'Startup', reason: 'PodRefused', message: `The pod is refused: ${message}. To solve it: ${remedy}` };
}

/** Pod Security names each container at fault: `allowPrivilegeEscalation != false (container "storage-initializer" must set …)`. */
function remedyForPodSecurity(message: string): string {
  if (/"storage-initializer"/.test(message)) {
    return "KServe's stock storage initializer has no security context: serve a package (modelwright push) and set spec.storageContainer in the ServingPlatform, or have an administrator add a securityContext to the ClusterStorageContainer that downloads this model";
  }
  return /"(?:kserve|kfserving)-container"/.test(message)
    ? 'set spec.podSecurity to Restricted, or use a namespace whose Pod Security level admits the pod'
    : 'use a namespace whose Pod Security level admits the pod, or a runtime that fits it';
}

/** What Knative says about the newest Revision, or about the Configuration where no Revision could be made. */
export function knativeCause({ revision, knativeService, name }: ComponentView, { inferenceService }: Observation): Cause | undefined {
  const component = name === 'predictor' ? 'Predictor' : 'Transformer';
  const candidates = [
    condition(revision?.status?.conditions, 'ContainerHealthy'),
    condition(revision?.status?.conditions, 'ResourcesAvailable'),
    condition(knativeService?.status?.conditions, 'ConfigurationsReady'),
    condition(inferenceService?.status?.conditions, `${component}ConfigurationReady`),
  ];
  const failed = candidates.find((one) => one?.status === 'False' && one.reason !== 'RevisionMissing');
  return failed === undefined ? undefined : revisionCause(failed.reason ?? '', failed.message ?? '');
}

function revisionCause(reason: string, text: string): Cause {
  const message = sentence(text.replace(/^Revision "[^"]*" failed with message: /, ''));
  const image = /Unable to fetch image "([^"]+)"/.exec(message)?.[1];
  if (/failed to resolve image to digest/.test(message) || (image !== undefined && reason === 'ContainerMissing'))
    return unresolved(message, image ?? '');
  if (/nodes are available|no nodes available/.test(message)) {
    return {
      stage: 'Scheduling',
      reason: 'Unschedulable',
      message: `No node can run the pod: ${message}. To solve it: ${readUnschedulable(message).remedy}`,
    };
  }
  if (/pull(?:ing)? image|ErrImage|ImagePull/i.test(message)) {
    return {
      stage: 'ImagePull',
      reason: 'ImagePullFailed',
      message: `The image cannot be pulled: ${message}. To solve it: ${remedyForPull(message, image ?? '', 'spec.runtime.version')}`,
    };
  }
  if (/exceeded quota|is forbidden/.test(message)) return refusedPod(message);
  if (/^Container failed with|^ExitCode/.test(message) || /^ExitCode/.test(reason)) {
    return {
      stage: 'Running',
      reason: 'ContainerFailed',
      message: `${message}. To solve it: read the log of the container, and check that the package has the layout its server expects (modelwright lint)`,
    };
  }
  return notInTime(reason, message);
}

function notInTime(reason: string, message: string): Cause {
  if (reason === 'ProgressDeadlineExceeded' || /Initial scale was never achieved|progress deadline|timed out progressing/i.test(message)) {
    return {
      stage: 'Startup',
      reason: 'NotReadyInTime',
      message: `The model server was not ready within the progress deadline: ${message}. To solve it: read its log; a large model needs a longer progress-deadline (knative-serving/config-deployment)`,
    };
  }
  return {
    stage: 'InferenceService',
    reason: reason === '' ? 'RevisionFailed' : reason,
    message: `The new revision failed: ${message}. To solve it: correct what it names`,
  };
}

function unresolved(message: string, image: string): Cause {
  const registry = skipListName(image);
  const denied = /unauthorized|denied|forbidden|401|403/i.test(message);
  const missing = /MANIFEST_UNKNOWN|manifest unknown|NAME_UNKNOWN|not found/i.test(message);
  const remedy = missing
    ? 'correct spec.runtime.version: the registry has no such tag'
    : denied
      ? `add a Secret for ${registry} to spec.imagePullSecrets, or give spec.runtime.version as a digest (sha256:…)`
      : `give spec.runtime.version as a digest (sha256:…), or have ${registry} added to registries-skipping-tag-resolving in ConfigMap knative-serving/config-deployment`;
  return {
    stage: 'ImageResolution',
    reason: 'TagNotResolved',
    message: `Knative cannot resolve the tag of image ${image}: ${message}. To solve it: ${remedy}`,
  };
}

/**
 * Failures that KServe itself reports; not one that it has only kept from before.
 *
 * @param isBehind KServe has not acted on the present spec, so what its conditions say is about an earlier one.
 */
export function serviceCause(observation: Observation, isBehind: boolean): Cause | undefined {
  const { inferenceService } = observation;
  if (inferenceService === undefined) return undefined;
  return specCause(inferenceService) ?? reconcileCause(inferenceService) ?? eventCause(observation, inferenceService, isBehind);
}

function specCause({ status }: InferenceServiceObject): Cause | undefined {
  const model = status?.modelStatus;
  // `lastFailureInfo` stays after recovery and has no time, so only the transition tells whether it holds.
  if (model?.transitionStatus !== 'InvalidSpec') return undefined;
  const { reason = 'InvalidPredictorSpec', message = '' } = model.lastFailureInfo ?? {};
  const remedies: Readonly<Record<string, string>> = {
    NoSupportingRuntime: 'choose another spec.runtime.type or protocol, or have a ServingRuntime for it installed',
    RuntimeNotRecognized: 'have the ServingRuntime that KServe names installed; until then the runtime does not exist here',
    RuntimeDisabled: 'have the ServingRuntime enabled, or choose another spec.runtime.type',
  };
  return {
    stage: 'InferenceService',
    reason,
    message: `KServe has no runtime to serve this with${message === '' ? '' : `: ${sentence(message)}`}. To solve it: ${remedies[reason] ?? 'correct spec.runtime'}`,
  };
}

type FailureInfo = NonNullable<NonNullable<NonNullable<InferenceServiceObject['status']>['modelStatus']>['lastFailureInfo']>;

/** What KServe noted of a pod that is gone. It does not say which container it was, so the remedy covers download and loading. */
export function failureInfoCause({ message = '', exitCode }: FailureInfo): Cause {
  const text = tailOf(message);
  const last = text.split('\n').findLast((line) => line.trim() !== '') ?? '';
  const said = last === '' ? '' : `: ${sentence(last)}`;
  const code = exitCode === undefined ? '' : ` (exit code ${exitCode}${exitCode === 137 ? ', as for want of memory' : ''})`;
  return {
    stage: 'Running',
    reason: 'ModelLoadFailed',
    message: `The model could not be loaded${code}${said}. To solve it: check spec.source.storageUri, the layout of the package (modelwright lint) and spec.resources`,
    ...(text !== '' && { logTail: text }),
  };
}

function reconcileCause({ status }: InferenceServiceObject): Cause | undefined {
  const failed = ['PredictorReady', 'TransformerReady', 'Ready']
    .map((type) => condition(status?.conditions, type))
    .find((one) => one?.status === 'False' && (one.reason === 'ReconcileFailed' || one.reason === 'ServerlessModeRejected'));
  if (failed === undefined) return undefined;
  const message = sentence(failed.message ?? '');
  const refused = knativeRefusal(message);
  if (refused !== undefined) return refused;
  if (failed.reason === 'ServerlessModeRejected') {
    return {
      stage: 'Platform',
      reason: 'KnativeMissing',
      message: `KServe refuses Knative mode: ${message}. To solve it: install Knative Serving and restart the KServe controller, or use spec.deploymentMode: Standard in a new ModelDeployment`,
    };
  }
  return {
    stage: 'InferenceService',
    reason: 'ReconcileFailed',
    message: `KServe cannot make what the service needs: ${message}. To solve it: correct what it names`,
  };
}

/** Knative's webhook said no to the pod. */
function knativeRefusal(message: string): Cause | undefined {
  const field = /must not set the field\(s\): ([^\s]+)/.exec(message)?.[1];
  if (field === undefined) return undefined;
  return {
    stage: 'Platform',
    reason: 'KnativeFeatureDisabled',
    message: `Knative refuses the pod: ${message}. To solve it: ${remedyForField(field)}, or use spec.deploymentMode: Standard in a new ModelDeployment`,
  };
}

/** Knative has a flag for a security context of the pod, and none for fields of one at a container that are newer than it. */
function remedyForField(path: string): string {
  if (/containers\[\d+\]\.securityContext/.test(path)) return 'upgrade Knative, or set spec.podSecurity to Unset';
  if (/\.securityContext\b/.test(path)) {
    return 'set "kubernetes.podspec-securitycontext": "enabled" in ConfigMap knative-serving/config-features';
  }
  return `enable the feature flag for ${path.split('.').at(-1)} in ConfigMap knative-serving/config-features`;
}

/** Races between writers and short outages, which KServe reports like errors of the spec and gets over by itself. */
const passing =
  /object has been modified|Operation cannot be fulfilled|connection refused|context (?:canceled|deadline exceeded)|etcdserver|TLS handshake|EOF$/;

/** Where KServe's reconciler fails before it writes a status, an event is all there is. */
function eventCause({ events = [] }: Observation, { metadata, status }: InferenceServiceObject, isBehind: boolean): Cause | undefined {
  const predictor = condition(status?.conditions, 'PredictorReady');
  const hasSpoken = predictor !== undefined && (predictor.status !== 'Unknown' || (predictor.reason ?? '') !== '');
  if (hasSpoken && !isBehind) return undefined;
  const about = events.filter(
    ({ reason, message = '', involvedObject }) =>
      reason === 'InternalError' &&
      !passing.test(message) &&
      involvedObject?.kind === 'InferenceService' &&
      involvedObject.name === metadata.name &&
      (involvedObject.uid ?? metadata.uid) === metadata.uid,
  );
  const text = latestEvent(about)?.message;
  if (text === undefined) return undefined;
  const message = sentence(text);
  const refused = knativeRefusal(message);
  if (refused !== undefined) return refused;
  if (/StorageURI not supported|storageUri, must be one of/i.test(message)) {
    return {
      stage: 'InferenceService',
      reason: 'StorageUriNotSupported',
      message: `KServe does not read this storageUri: ${message}. To solve it: use a scheme from that list in spec.source.storageUri`,
    };
  }
  if (/No ServingRuntimes or ClusterServingRuntimes with the name|no runtime found/i.test(message)) {
    return {
      stage: 'InferenceService',
      reason: 'NoSupportingRuntime',
      message: `KServe has no runtime to serve this with: ${message}. To solve it: choose another spec.runtime.type or protocol, or have the runtime installed`,
    };
  }
  return {
    stage: 'InferenceService',
    reason: 'ReconcileFailed',
    message: `KServe cannot act on the InferenceService: ${message}. To solve it: correct what it names`,
  };
}

/** The Deployment has given up waiting, and its pods say nothing that explains it. */
export function deadlineCause({ deployment, name }: ComponentView): Cause | undefined {
  const progressing = condition(deployment?.status?.conditions, 'Progressing');
  if (progressing?.status !== 'False' || progressing.reason !== 'ProgressDeadlineExceeded') return undefined;
  return {
    stage: 'Startup',
    reason: 'NotReadyInTime',
    message: `The ${name === 'predictor' ? 'model server' : 'transformer'} runs and has not become ready: ${sentence(progressing.message ?? '')}. To solve it: read its log; the model may not load, or need longer`,
  };
}

/** The workload is there and requests cannot reach it. */
export function ingressCause({ inferenceService }: Observation): Cause | undefined {
  const ingress = condition(inferenceService?.status?.conditions, 'IngressReady');
  const predictor = condition(inferenceService?.status?.conditions, 'PredictorReady');
  if (ingress?.status !== 'False' || predictor?.status !== 'True' || ingress.reason === 'Stopped') return undefined;
  // "Predictor ingress not created" and the like say that it is about to be.
  if ((ingress.message ?? '') === '' || /not created/.test(ingress.message ?? '')) return undefined;
  return {
    stage: 'Ingress',
    reason: 'IngressFailed',
    message: `The service cannot be reached: ${sentence(ingress.message ?? '')}. To solve it: check the ingress of KServe (inferenceservice-config, key ingress)`,
  };
}
