/** Finds what a profile loads, and says whether it can be loaded now. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { protocolsOf } from '../../../api/model-deployment/runtime.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { LoadProtocol } from '../../../api/model-profile/target.ts';
import { modelNameOf } from '../../../kserve/addresses.ts';
import type { ServingGroup } from '../../../kserve/dialect.ts';
import type { InferenceServiceObject, PodObject } from '../../../kserve/observation.ts';
import type { KubeObject } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { redactUri } from '../../../models/redact.ts';
import { serviceLabel } from '../../deployment/stores.ts';
import { isTemporary, temporaryTarget } from '../../deployment/temporary.ts';
import { profileLabel } from '../labels.ts';
import { metricsOf } from './metrics-url.ts';
import type { ReadyTarget, TargetProvenance, TargetState } from './target.ts';
import { targetLabelOf } from './target-key.ts';
import { targetPodsOf } from './target-pods.ts';
import { judgeUrl } from './url-policy.ts';

/** What the caches have of a target. `service` is `Unread` until they are filled. */
export interface TargetFacts {
  readonly deployment?: Cached<ModelDeployment> | undefined;
  readonly service?: Cached<InferenceServiceObject> | 'Unread' | undefined;
  /** API group that `service` is of. */
  readonly group?: ServingGroup;
  readonly pods: readonly Cached<PodObject>[];
  /** `spec.policy.targetHosts` of the ServingPlatform. */
  readonly targetHosts: readonly string[];
}

export function resolveTarget(profile: Cached<ModelProfile>, facts: TargetFacts): TargetState {
  const label = targetLabelOf(profile);
  const { target } = profile.spec;
  if (target.modelDeployment !== undefined) return { label, ...fromDeployment(profile, target.modelDeployment, facts) };
  if (target.inferenceService !== undefined) return { label, ...fromService(profile, target.inferenceService, facts) };
  return { label, ...fromUrl(profile, target.url ?? '', facts) };
}

type State = TargetState extends infer S ? (S extends unknown ? Omit<S, 'label'> : never) : never;

function fromDeployment(profile: Cached<ModelProfile>, name: string, { deployment, service, group, pods }: TargetFacts): State {
  if (deployment === undefined) {
    return notReady('TargetNotFound', `There is no ModelDeployment ${name} in this namespace; the run starts when it is there and ready`);
  }
  const subject = deployment as ModelDeployment;
  const { status, metadata } = subject;
  if (isTemporary(deployment as Cached<KubeObject>) && !belongTogether(deployment, profile)) {
    return { kind: 'Refused', ...temporaryTarget(name) };
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const current = ready?.observedGeneration === metadata.generation && metadata.deletionTimestamp === undefined;
  const isCandidate = profile.spec.target.revision === 'Candidate';
  const url = isCandidate ? status?.rollout?.candidate?.url : status?.addresses?.internal?.url;
  if (url === undefined || (!isCandidate && (ready?.status !== 'True' || !current))) {
    if (isCandidate) {
      return notReady('CandidateNotReady', `The promotion gate of ModelDeployment ${name} holds no revision back that could be measured`);
    }
    const why = ready === undefined ? 'nothing is known of it yet' : ready.message;
    return notReady('TargetNotReady', `ModelDeployment ${name} is not ready: ${why}`);
  }
  const protocol = profile.spec.target.protocol ?? subject.spec.runtime.protocol ?? protocolsOf[subject.spec.runtime.type][0];
  const modelName = profile.spec.target.modelName ?? modelNameOf(subject);
  const foreign = elsewhere(url, profile);
  if (foreign !== undefined) return foreign;
  const kserve = status?.kserve?.version;
  const storageUri = status?.package?.storageUri ?? subject.spec.source.storageUri;
  return readyService(profile, {
    url,
    protocol,
    modelName,
    pods,
    ...(group !== undefined && { group }),
    name,
    runtime: subject.spec.runtime.type,
    provenance: {
      target: targetLabelOf(profile),
      targetUid: deployment.metadata.uid,
      ...(storageUri !== undefined && { storageUri: redactUri(storageUri) }),
      ...(status?.package?.sha256 !== undefined && { modelSha256: status.package.sha256 }),
      ...(status?.runtime?.image !== undefined && { image: status.runtime.image }),
      ...(status?.runtime?.digest !== undefined && { imageDigest: status.runtime.digest }),
      ...(kserve !== undefined && { kserve }),
      ...(status?.deploymentMode !== undefined && { deploymentMode: status.deploymentMode }),
    },
    ...(service !== undefined && service !== 'Unread' && { service }),
  });
}

/** A copy is measured by the profile that made it, or by the profile that was made along with it. */
function belongTogether(copy: Cached<ModelDeployment>, profile: Cached<ModelProfile>): boolean {
  const ownerOf = ({ metadata }: Cached<KubeObject>) => metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
  const owner = ownerOf(copy as Cached<KubeObject>);
  return owner === profile.metadata.uid || owner === ownerOf(profile as Cached<KubeObject>);
}

function fromService(profile: Cached<ModelProfile>, name: string, { service, group, pods }: TargetFacts): State {
  if (service === 'Unread') return { kind: 'Unread' };
  if (service === undefined) {
    return notReady('TargetNotFound', `There is no InferenceService ${name} in this namespace; the run starts when it is there and ready`);
  }
  const owner = service.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner?.kind === 'ModelDeployment') {
    const message = `InferenceService ${name} belongs to a ModelDeployment; name that: spec.target.modelDeployment: ${owner.name}`;
    return { kind: 'Refused', reason: 'TargetOwned', message };
  }
  if (owner?.kind === 'ModelProfile' || service.metadata.labels?.[profileLabel] !== undefined) {
    const message = `InferenceService ${name} is the temporary copy of a ModelProfile and goes with its run; name what it is a copy of`;
    return { kind: 'Refused', reason: 'TargetTemporary', message };
  }
  const ready = service.status?.conditions?.find(({ type }) => type === 'Ready');
  const url = service.status?.address?.url?.replace(/\/v[12]\/models\/.*$/, '').replace(/\/+$/, '');
  if (ready?.status !== 'True' || url === undefined || service.metadata.deletionTimestamp !== undefined) {
    return notReady('TargetNotReady', `InferenceService ${name} is not ready${ready?.message ? `: ${ready.message}` : ''}`);
  }
  const foreign = elsewhere(url, profile);
  if (foreign !== undefined) return foreign;
  return readyService(profile, {
    url,
    protocol: profile.spec.target.protocol ?? 'V2',
    modelName: profile.spec.target.modelName ?? name,
    pods,
    ...(group !== undefined && { group }),
    name,
    service,
    provenance: {
      target: targetLabelOf(profile),
      targetUid: service.metadata.uid,
      ...(service.status?.deploymentMode !== undefined && { deploymentMode: service.status.deploymentMode }),
    },
  });
}

function fromUrl(profile: Cached<ModelProfile>, text: string, { targetHosts }: TargetFacts): State {
  const verdict = judgeUrl(text, targetHosts);
  if (!verdict.allowed) return { kind: 'Refused', reason: 'TargetHostNotAllowed', message: verdict.message };
  const { protocol = 'V2', modelName } = profile.spec.target;
  return {
    kind: 'Ready',
    target: {
      url: withScheme(text, protocol),
      protocol,
      ...(modelName !== undefined && { modelName }),
      pods: [],
      addresses: verdict.addresses,
      provenance: { target: targetLabelOf(profile) },
    },
  };
}

interface ServiceParts {
  readonly url: string;
  readonly protocol: LoadProtocol;
  readonly modelName: string;
  readonly name: string;
  readonly group?: ServingGroup;
  readonly runtime?: ModelDeployment['spec']['runtime']['type'];
  readonly service?: Cached<InferenceServiceObject>;
  readonly pods: readonly Cached<PodObject>[];
  readonly provenance: TargetProvenance;
}

function readyService({ spec }: Cached<ModelProfile>, parts: ServiceParts): State {
  const pods = targetPodsOf(parts.pods);
  const nodes = [...new Set(pods.flatMap(({ node }) => node ?? []))].toSorted().slice(0, 16);
  const target: ReadyTarget = {
    url: withScheme(parts.url, parts.protocol),
    protocol: parts.protocol,
    modelName: parts.modelName,
    ...(parts.group !== undefined && { podLabel: { key: serviceLabel[parts.group], value: parts.name } }),
    pods,
    ...(spec.target.host === undefined && metricsOf(parts.runtime, parts.protocol, pods)),
    provenance: { ...parts.provenance, ...(nodes.length > 0 && { nodes }) },
  };
  return { kind: 'Ready', target };
}

/** KServe gives a service the address of its own namespace; anything else was put there by somebody else. */
function elsewhere(url: string, { metadata }: Cached<ModelProfile>): State | undefined {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  const [, namespace, kind] = host.split('.');
  if (namespace === metadata.namespace && (kind === 'svc' || kind === undefined)) return undefined;
  const message = `The address in the status of the target is ${host || 'not a URL'}, not one of this namespace; it is not loaded`;
  return { kind: 'Refused', reason: 'TargetElsewhere', message };
}

function withScheme(url: string, protocol: LoadProtocol): string {
  return protocol === 'GRPCV1' || protocol === 'GRPCV2' ? url.replace(/^http(s?):/, 'grpc$1:') : url;
}

function notReady(reason: string, message: string): State {
  return { kind: 'NotReady', reason, message };
}
