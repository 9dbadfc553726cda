/** A candidate as the newest revision of its own service, without traffic: Knative mode, where something serves already. */
import type { DeploymentMode } from '../../../api/model-deployment/serving.ts';
import type { InferenceServiceObject } from '../../../kserve/observation.ts';
import type { Rendered } from '../../../kserve/render.ts';
import type { Serving } from '../../../kserve/serving.ts';
import type { Cached } from '../../../kube/store.ts';

/** How the revisions of a service stand. */
export interface Canary {
  /** The service is told to give its newest revision no traffic. */
  readonly isOn: boolean;
  readonly created?: string;
  readonly ready?: string;
  readonly rolledOut: string;
  /** Address of the newest revision inside the cluster; absent until Knative has routed it. */
  readonly url?: string;
  /** Why the newest revision does not come up. */
  readonly cause?: string;
}

/** Tag that KServe gives the newest revision (`createKnativeService`, 0.7 to 0.20). */
const newestTag = 'latest';

interface PredictorStatus {
  readonly latestCreatedRevision?: string;
  readonly latestReadyRevision?: string;
  readonly latestRolledoutRevision?: string;
  readonly traffic?: readonly { readonly tag?: string; readonly url?: string }[];
}

/**
 * What a service's status says of its revisions; undefined where a candidate needs a service of its own: in Standard mode, and before a
 * first revision has served, since KServe ignores the canary's share until then.
 *
 * @param serving what is read of the service
 */
export function canaryOf(service: Cached<InferenceServiceObject>, mode: DeploymentMode, serving: Serving | undefined): Canary | undefined {
  const predictor = service.status?.components?.['predictor'] as PredictorStatus | undefined;
  const { latestCreatedRevision: created, latestReadyRevision: ready, latestRolledoutRevision: rolledOut } = predictor ?? {};
  if (mode !== 'Knative' || rolledOut === undefined || rolledOut === '') return undefined;
  const isOn = (service.spec?.['predictor'] as { readonly canaryTrafficPercent?: number } | undefined)?.canaryTrafficPercent === 0;
  const tagged = predictor?.traffic?.find(({ tag, url }) => tag === newestTag && url !== undefined)?.url;
  const cause = created !== rolledOut && created !== ready ? serving?.cause?.message : undefined;
  const url = tagged === undefined ? undefined : internalUrl(tagged, service.metadata.namespace);
  return {
    isOn,
    rolledOut,
    ...(created !== undefined && { created }),
    ...(ready !== undefined && { ready }),
    ...(url !== undefined && { url }),
    ...(cause !== undefined && { cause }),
  };
}

/** Knative makes a Service of the tag and the name beside the external address, whose first part is the same. */
function internalUrl(external: string, namespace: string | undefined): string | undefined {
  if (!URL.canParse(external)) return undefined;
  const [name = ''] = new URL(external).hostname.split('.');
  return `http://${name}.${namespace}.svc.cluster.local`;
}

/** The service with its newest revision out of the traffic. */
export function withoutTraffic(rendered: Rendered): Rendered {
  const { object } = rendered;
  return { ...rendered, object: { ...object, spec: { ...object.spec, predictor: { ...object.spec.predictor, canaryTrafficPercent: 0 } } } };
}
