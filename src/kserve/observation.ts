import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Dialect } from './dialect.ts';
import type { LogRequest } from './serving.ts';

/** A condition in the form that Deployments, Knative objects, Pods and KServe share. */
export interface ObservedCondition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface InferenceServiceObject extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly ObservedCondition[];
    readonly url?: string;
    readonly address?: { readonly url?: string };
    readonly deploymentMode?: string;
    readonly servingRuntimeName?: string;
    readonly clusterServingRuntimeName?: string;
    readonly components?: Readonly<
      Record<
        string,
        {
          readonly latestReadyRevision?: string;
          readonly latestCreatedRevision?: string;
          readonly latestRolledoutRevision?: string;
          readonly url?: string;
        }
      >
    >;
    readonly modelStatus?: {
      readonly transitionStatus?: string;
      readonly states?: { readonly activeModelState?: string; readonly targetModelState?: string };
      readonly lastFailureInfo?: {
        readonly reason?: string;
        readonly message?: string;
        readonly exitCode?: number;
        readonly location?: string;
        readonly modelRevisionName?: string;
      };
    };
  };
}

interface TerminatedState {
  readonly reason?: string;
  readonly message?: string;
  readonly exitCode?: number;
  readonly signal?: number;
}

export interface ContainerStatus {
  readonly name?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly image?: string;
  readonly imageID?: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: TerminatedState;
  };
  readonly lastState?: { readonly terminated?: TerminatedState };
}

interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly resources?: { readonly limits?: Readonly<Record<string, string | number>> };
  readonly securityContext?: { readonly seccompProfile?: { readonly type?: string } };
}

export interface PodObject extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly conditions?: readonly ObservedCondition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

/** The part of a pod template that tells which spec it was made from. */
export interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly containers?: readonly Container[];
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly serviceAccountName?: string;
  };
}

export interface WorkloadObject extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly template?: PodTemplate };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly ObservedCondition[];
  };
}

export interface RevisionObject extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly ObservedCondition[];
    readonly containerStatuses?: readonly { readonly name?: string; readonly imageDigest?: string }[];
    readonly actualReplicas?: number;
    readonly desiredReplicas?: number;
  };
}

export interface KnativeServiceObject extends KubeObject {
  readonly spec?: { readonly template?: PodTemplate };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly latestCreatedRevisionName?: string;
    readonly latestReadyRevisionName?: string;
    readonly conditions?: readonly ObservedCondition[];
  };
}

export interface EventObject extends KubeObject {
  readonly reason?: string;
  readonly message?: string;
  readonly type?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

/** A log tail that was fetched for an earlier `LogRequest`. */
export interface FetchedLog extends LogRequest {
  readonly text: string;
}

/**
 * Everything below one ModelDeployment, read from the caches in one go. All of it may be a moment old, and each part may be missing:
 * what was not read is left out.
 */
export interface Observation {
  readonly deployment: ModelDeployment;
  readonly dialect: Dialect;
  readonly mode: DeploymentMode;
  readonly inferenceService?: InferenceServiceObject;
  /** Pods labelled `serving.kserve.io/inferenceservice=<name>`: of every revision and component. */
  readonly pods: readonly PodObject[];
  /** Deployments with that label (Standard), or of the revisions (Knative). */
  readonly deployments: readonly WorkloadObject[];
  readonly replicaSets?: readonly WorkloadObject[];
  /** Knative: Services and Revisions of this InferenceService. */
  readonly knativeServices?: readonly KnativeServiceObject[];
  readonly revisions?: readonly RevisionObject[];
  /** Events about the InferenceService, its ReplicaSets and its Pods. */
  readonly events?: readonly EventObject[];
  readonly logs?: readonly FetchedLog[];
}
