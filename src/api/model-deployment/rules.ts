/** Everything one ModelDeployment can say about itself: refused at apply by the API server, and by `modelwright lint`. */
import type { Rule } from '../rule.ts';
import type { ModelDeployment } from './index.ts';
import { gpuTaggedRuntimes, protocolsOf, runtimesNamedByService, runtimeTypes } from './runtime.ts';
import { storageSchemes } from './source.ts';

type Spec = ModelDeployment['spec'];

/** KServe names the predictor's objects `<name>-predictor` and labels them with `isvc.<name>-predictor`; a label value ends at 63. */
export const maxNameLength = 48;

const inCel = (words: readonly string[]) => `[${words.map((word) => `'${word}'`).join(', ')}]`;
const runtimeIn = (words: readonly string[]) => `self.spec.runtime.type in ${inCel(words)}`;

const namePattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** Annotation and label prefixes that steer KServe, Knative or Modelwright itself; each of them has a field of its own. */
export const reservedPrefixes = [
  'serving.kserve.io/',
  'internal.serving.kserve.io/',
  'serving.kubeflow.org/',
  'serving.knative.dev/',
  'autoscaling.knative.dev/',
  'modelwright.dev/',
] as const;
const reserved = (key: string) => reservedPrefixes.some((prefix) => key.startsWith(prefix));
const reservedCel = reservedPrefixes.map((prefix) => `!k.startsWith('${prefix}')`).join(' && ');

function isDigest(version: string): boolean {
  return version.startsWith('sha256:');
}

const rulesOfContent: readonly Rule<ModelDeployment>[] = [
  {
    id: 'name-form',
    fieldPath: '.metadata.name',
    message: 'metadata.name must start with a letter and hold only lower-case letters, digits and "-": KServe makes Service names from it',
    cel: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    holds: ({ metadata }) => namePattern.test(metadata.name),
  },
  {
    id: 'name-length',
    fieldPath: '.metadata.name',
    message: `metadata.name must have at most ${maxNameLength} characters: KServe would cut the longer names that it makes from it; choose a shorter one`,
    cel: `self.metadata.name.size() <= ${maxNameLength}`,
    holds: ({ metadata }) => metadata.name.length <= maxNameLength,
  },
  {
    id: 'model-name-fixed',
    fieldPath: '.spec.model.name',
    message: `spec.model.name must equal metadata.name, or be left out: ${runtimesNamedByService.join(', ')} serve the model under the name of the deployment`,
    cel: `!(${runtimeIn(runtimesNamedByService)}) || self.spec.?model.?name.orValue(self.metadata.name) == self.metadata.name`,
    holds: ({ metadata, spec }) =>
      !runtimesNamedByService.includes(spec.runtime.type) || (spec.model?.name ?? metadata.name) === metadata.name,
  },
  {
    id: 'storage-uri-blank',
    fieldPath: '.spec.source.storageUri',
    message: 'spec.source.storageUri must not contain blanks; remove them, also at the beginning and the end',
    cel: "!self.spec.source.storageUri.matches('[[:space:]]')",
    holds: ({ spec }) => !/\s/.test(spec.source.storageUri),
  },
  {
    id: 'storage-uri-scheme',
    fieldPath: '.spec.source.storageUri',
    message: `spec.source.storageUri must begin with one of ${storageSchemes.map((scheme) => `${scheme}://`).join(', ')}`,
    cel: `self.spec.source.storageUri.trim().matches('^(${storageSchemes.join('|')})://[^/]')`,
    holds: ({ spec }) => new RegExp(`^(${storageSchemes.join('|')})://[^/]`).test(spec.source.storageUri.trim()),
  },
  {
    id: 'storage-uri-credentials',
    fieldPath: '.spec.source.storageUri',
    message:
      'spec.source.storageUri must not carry a signature or password: everyone who may read the object would see it; put the SAS in a Secret of the service account instead',
    cel: "!self.spec.source.storageUri.matches('[?&](sig|token|X-Amz-Signature)=') && !self.spec.source.storageUri.matches('^[a-z]+://[^/]*@')",
    holds: ({ spec }) =>
      !/[?&](sig|token|X-Amz-Signature)=/.test(spec.source.storageUri) && !/^[a-z]+:\/\/[^/]*@/.test(spec.source.storageUri),
  },
  {
    id: 'protocol',
    fieldPath: '.spec.runtime.protocol',
    message: `spec.runtime.protocol is not spoken by this runtime; it may be ${runtimeTypes.map((type) => `${protocolsOf[type].join(' or ')} on ${type}`).join(', ')}`,
    cel: `!has(self.spec.runtime.protocol) || (${runtimeTypes
      .map((type) => `(self.spec.runtime.type == '${type}' && self.spec.runtime.protocol in ${inCel(protocolsOf[type])})`)
      .join(' || ')})`,
    holds: ({ spec }) => spec.runtime.protocol === undefined || protocolsOf[spec.runtime.type].includes(spec.runtime.protocol),
  },
  {
    id: 'gpu-tag-missing',
    fieldPath: '.spec.runtime.version',
    message:
      'spec.runtime.version must end in -gpu when spec.gpu is set: the plain image would run on the CPU of a GPU node; add the suffix, or remove spec.gpu',
    cel: `!has(self.spec.gpu) || !has(self.spec.runtime.version) || !(${runtimeIn(gpuTaggedRuntimes)}) || self.spec.runtime.version.startsWith('sha256:') || self.spec.runtime.version.endsWith('-gpu')`,
    holds: ({ spec }) => spec.gpu === undefined || !hasTagOf(spec) || spec.runtime.version?.endsWith('-gpu') === true,
  },
  {
    id: 'gpu-tag-without-gpu',
    fieldPath: '.spec.runtime.version',
    message:
      'spec.runtime.version must not end in -gpu when spec.gpu is not set: the image needs a GPU; set spec.gpu.count, or use the tag without -gpu',
    cel: `has(self.spec.gpu) || !has(self.spec.runtime.version) || !(${runtimeIn(gpuTaggedRuntimes)}) || !self.spec.runtime.version.endsWith('-gpu')`,
    holds: ({ spec }) => spec.gpu !== undefined || !hasTagOf(spec) || spec.runtime.version?.endsWith('-gpu') !== true,
  },
  {
    id: 'gpu-in-resources',
    fieldPath: '.spec.resources',
    message: 'spec.resources must not ask for the GPU as well; set spec.gpu.count only',
    cel: "!has(self.spec.resources) || ((!has(self.spec.resources.limits) || self.spec.resources.limits.all(k, !k.contains('/'))) && (!has(self.spec.resources.requests) || self.spec.resources.requests.all(k, !k.contains('/'))))",
    holds: ({ spec }) =>
      ![...Object.keys(spec.resources?.limits ?? {}), ...Object.keys(spec.resources?.requests ?? {})].some((key) => key.includes('/')),
  },
  {
    id: 'replicas-order',
    fieldPath: '.spec.scaling.maxReplicas',
    message: 'spec.scaling.maxReplicas must not be less than spec.scaling.minReplicas',
    cel: '!has(self.spec.scaling) || !has(self.spec.scaling.maxReplicas) || self.spec.scaling.?minReplicas.orValue(1) <= self.spec.scaling.maxReplicas',
    holds: ({ spec }) => spec.scaling?.maxReplicas === undefined || (spec.scaling.minReplicas ?? 1) <= spec.scaling.maxReplicas,
  },
  {
    id: 'scaling-metric-standard',
    fieldPath: '.spec.scaling.metric',
    message: 'spec.scaling.metric must be CPU or Memory in Standard mode; Concurrency and RPS need spec.deploymentMode: Knative',
    cel: "self.spec.?deploymentMode.orValue('') != 'Standard' || !(self.spec.?scaling.?metric.orValue('') in ['Concurrency', 'RPS'])",
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || !['Concurrency', 'RPS'].includes(spec.scaling?.metric ?? ''),
  },
  {
    id: 'scaling-metric-knative',
    fieldPath: '.spec.scaling.metric',
    message: 'spec.scaling.metric must be Concurrency or RPS in Knative mode; CPU and Memory need spec.deploymentMode: Standard',
    cel: "self.spec.?deploymentMode.orValue('') != 'Knative' || !(self.spec.?scaling.?metric.orValue('') in ['CPU', 'Memory'])",
    holds: ({ spec }) => spec.deploymentMode !== 'Knative' || !['CPU', 'Memory'].includes(spec.scaling?.metric ?? ''),
  },
  {
    id: 'scaling-target',
    fieldPath: '.spec.scaling.target',
    message: 'spec.scaling.target needs spec.scaling.metric beside it, and is a percentage from 1 to 100 for CPU and Memory',
    cel: "!has(self.spec.scaling) || !has(self.spec.scaling.target) || (has(self.spec.scaling.metric) && (!(self.spec.scaling.metric in ['CPU', 'Memory']) || self.spec.scaling.target <= 100))",
    holds: ({ spec }) =>
      spec.scaling?.target === undefined ||
      (spec.scaling.metric !== undefined && (!['CPU', 'Memory'].includes(spec.scaling.metric) || spec.scaling.target <= 100)),
  },
  {
    id: 'scale-to-zero-standard',
    fieldPath: '.spec.scaling.minReplicas',
    message:
      'spec.scaling.minReplicas must be at least 1 in Standard mode; scale to zero needs spec.deploymentMode: Knative, and spec.suspend stops a model in both modes',
    cel: "self.spec.?deploymentMode.orValue('') != 'Standard' || self.spec.?scaling.?minReplicas.orValue(1) >= 1",
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || (spec.scaling?.minReplicas ?? 1) >= 1,
  },
  {
    id: 'concurrency-standard',
    fieldPath: '.spec.scaling.containerConcurrency',
    message: 'spec.scaling.containerConcurrency has no effect in Standard mode; remove it, or set spec.deploymentMode: Knative',
    cel: "self.spec.?deploymentMode.orValue('') != 'Standard' || !self.spec.?scaling.?containerConcurrency.hasValue()",
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || spec.scaling?.containerConcurrency === undefined,
  },
  {
    id: 'canary-standard',
    fieldPath: '.spec.rollout.canaryTrafficPercent',
    message:
      'spec.rollout.canaryTrafficPercent has no effect in Standard mode, where KServe ignores it; remove it, or set spec.deploymentMode: Knative',
    cel: "self.spec.?deploymentMode.orValue('') != 'Standard' || !self.spec.?rollout.?canaryTrafficPercent.hasValue()",
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || spec.rollout?.canaryTrafficPercent === undefined,
  },
  {
    id: 'batching-protocol',
    fieldPath: '.spec.batching',
    message:
      'spec.batching needs protocol V1: KServe joins only V1 requests; remove it, or set spec.runtime.protocol: V1 (Triton batches by itself: dynamic_batching in config.pbtxt)',
    cel: "!has(self.spec.batching) || self.spec.runtime.?protocol.orValue(self.spec.runtime.type == 'Triton' ? 'V2' : 'V1') == 'V1'",
    holds: ({ spec }) => spec.batching === undefined || (spec.runtime.protocol ?? protocolsOf[spec.runtime.type][0]) === 'V1',
  },
  {
    id: 'transformer-replicas-order',
    fieldPath: '.spec.transformer.maxReplicas',
    message: 'spec.transformer.maxReplicas must not be less than spec.transformer.minReplicas',
    cel: '!has(self.spec.transformer) || !has(self.spec.transformer.maxReplicas) || self.spec.transformer.?minReplicas.orValue(1) <= self.spec.transformer.maxReplicas',
    holds: ({ spec }) => spec.transformer?.maxReplicas === undefined || (spec.transformer.minReplicas ?? 1) <= spec.transformer.maxReplicas,
  },
  {
    id: 'reserved-annotation',
    fieldPath: '.spec.podMetadata.annotations',
    message: `spec.podMetadata.annotations must not use the prefixes ${reservedPrefixes.join(', ')}; the settings behind them are fields of this spec`,
    cel: `!has(self.spec.podMetadata) || !has(self.spec.podMetadata.annotations) || self.spec.podMetadata.annotations.all(k, ${reservedCel})`,
    holds: ({ spec }) => !Object.keys(spec.podMetadata?.annotations ?? {}).some(reserved),
  },
  {
    id: 'reserved-label',
    fieldPath: '.spec.podMetadata.labels',
    message: `spec.podMetadata.labels must not use the prefixes ${reservedPrefixes.join(', ')}; the settings behind them are fields of this spec`,
    cel: `!has(self.spec.podMetadata) || !has(self.spec.podMetadata.labels) || self.spec.podMetadata.labels.all(k, ${reservedCel})`,
    holds: ({ spec }) => !Object.keys(spec.podMetadata?.labels ?? {}).some(reserved),
  },
];

function hasTagOf(spec: Spec): boolean {
  return gpuTaggedRuntimes.includes(spec.runtime.type) && spec.runtime.version !== undefined && !isDigest(spec.runtime.version);
}

/** Present, value equal, or absent on both sides. Spelled with `has`: optionals lose the size bounds that the cost estimate needs. */
function unchangedInCel(path: string): string {
  const fields = path.split('.');
  const present = (root: string) => fields.map((_, index) => `has(${[root, ...fields.slice(0, index + 1)].join('.')})`).join(' && ');
  const [now, before] = [present('self.spec'), present('oldSelf.spec')];
  return `(${now}) ? (${before} && self.spec.${path} == oldSelf.spec.${path}) : !(${before})`;
}

/** A field that is fixed once the model has served: readers of its numbers and URLs rely on what it names. */
function fixedOnceReady(field: string, read: (spec: Spec) => unknown): Rule<ModelDeployment> {
  return {
    id: `fixed-${field.replaceAll('.', '-')}`,
    fieldPath: `.spec.${field}`,
    message: `spec.${field} cannot change once the model has served; make a new ModelDeployment for another model`,
    cel: `!has(oldSelf.status) || !has(oldSelf.status.firstReadyTime) || (${unchangedInCel(field)})`,
    holds: (object, old) => old?.status?.firstReadyTime === undefined || read(object.spec) === read(old.spec),
  };
}

const oldMode =
  "(has(oldSelf.spec.deploymentMode) ? oldSelf.spec.deploymentMode : (has(oldSelf.status) && has(oldSelf.status.deploymentMode) ? oldSelf.status.deploymentMode : ''))";
const newMode =
  "(has(self.spec.deploymentMode) ? self.spec.deploymentMode : (has(oldSelf.status) && has(oldSelf.status.deploymentMode) ? oldSelf.status.deploymentMode : ''))";

const rulesOfChange: readonly Rule<ModelDeployment>[] = [
  {
    id: 'fixed-deploymentMode',
    fieldPath: '.spec.deploymentMode',
    message:
      'spec.deploymentMode cannot change: KServe cannot switch a service between modes; delete the ModelDeployment and create it again',
    cel: `${oldMode} == '' || ${newMode} == ${oldMode}`,
    holds: (object, old) => {
      const inEffect = old?.spec.deploymentMode ?? old?.status?.deploymentMode;
      return inEffect === undefined || (object.spec.deploymentMode ?? old?.status?.deploymentMode) === inEffect;
    },
  },
  fixedOnceReady('runtime.type', (spec) => spec.runtime.type),
  fixedOnceReady('model.name', (spec) => spec.model?.name),
  fixedOnceReady('model.architecture', (spec) => spec.model?.architecture),
  fixedOnceReady('model.framework', (spec) => spec.model?.framework),
  fixedOnceReady('model.task', (spec) => spec.model?.task),
  fixedOnceReady('model.dataset', (spec) => spec.model?.dataset),
  fixedOnceReady('model.parent', (spec) => spec.model?.parent),
];

export const rules: readonly Rule<ModelDeployment>[] = [...rulesOfContent, ...rulesOfChange];
