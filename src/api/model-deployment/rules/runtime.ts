/** Runtime, protocol, GPU and what the pods are given. */
import { celIfPresent, celList, celPresent } from '../../cel.ts';
import { parseQuantity } from '../../quantity.ts';
import type { Rule } from '../../rule.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../index.ts';
import { gpuTaggedRuntimes, protocolsOf, runtimeTypes } from '../runtime.ts';

const isDigest = (version: string) => version.startsWith('sha256:');

/** True for a tag of a runtime whose CPU and GPU builds are told apart by it. */
function hasTellingTag({ runtime }: ModelDeploymentSpec): boolean {
  return gpuTaggedRuntimes.includes(runtime.type) && runtime.version !== undefined && !isDigest(runtime.version);
}

const noTellingTag = `!(self.runtime.type in ${celList(gpuTaggedRuntimes)}) || !has(self.runtime.version) || self.runtime.version.startsWith('sha256:')`;

const gpuResource = '^(nvidia[.]com|amd[.]com|gpu[.]intel[.]com)/';
const computeResource = '^(cpu|memory|ephemeral-storage|hugepages-[0-9A-Za-z]+)$|/';

/** Named one by one: over all keys of a map the comparison would exceed the cost budget of Kubernetes 1.30. */
const ordered = ['cpu', 'memory', 'ephemeral-storage'];

type ResourceField = 'resources' | 'transformer.resources';

function resourcesOf(spec: ModelDeploymentSpec, field: ResourceField) {
  return field === 'resources' ? spec.resources : spec.transformer?.resources;
}

function namesIn(spec: ModelDeploymentSpec, field: ResourceField): string[] {
  const { requests = {}, limits = {} } = resourcesOf(spec, field) ?? {};
  return [...Object.keys(requests), ...Object.keys(limits)];
}

/** `condition` on every key `k` of requests and limits. */
function celOfNames(field: ResourceField, condition: string): string {
  const each = (part: string) => `(${celIfPresent(`${field}.${part}`, `self.${field}.${part}.all(k, ${condition})`)})`;
  return `${each('requests')} && ${each('limits')}`;
}

function resourceRules(field: ResourceField, id: string): Rule<ModelDeployment>[] {
  return [
    {
      id: `${id}-names`,
      scope: 'spec',
      fieldPath: `.spec.${field}`,
      message: `spec.${field} may name cpu, memory, ephemeral-storage, hugepages-<size> and extended resources with a domain, such as example.com/fpga`,
      cel: celOfNames(field, `k.matches('${computeResource}')`),
      holds: ({ spec }) => namesIn(spec, field).every((name) => new RegExp(computeResource).test(name)),
    },
    {
      id: `${id}-order`,
      scope: 'spec',
      fieldPath: `.spec.${field}.requests`,
      reason: 'Forbidden',
      message: `spec.${field}.requests must not be more than spec.${field}.limits, for each of ${ordered.join(', ')}`,
      cel: `!(${celPresent(`${field}.requests`)}) || !has(self.${field}.limits) || ${celList(ordered)}.all(k, !(k in self.${field}.requests) || !(k in self.${field}.limits) || quantity(string(self.${field}.requests[k])).compareTo(quantity(string(self.${field}.limits[k]))) <= 0)`,
      holds: ({ spec }) => {
        const { requests = {}, limits = {} } = resourcesOf(spec, field) ?? {};
        return ordered.every((name) => {
          const [least, most] = [requests[name], limits[name]].map((quantity) => parseQuantity(quantity ?? ''));
          return least === undefined || most === undefined || least <= most;
        });
      },
    },
  ];
}

export const runtimeRules: readonly Rule<ModelDeployment>[] = [
  {
    id: 'protocol',
    scope: 'spec',
    fieldPath: '.spec.runtime.protocol',
    reason: 'Forbidden',
    message: `spec.runtime.protocol is not spoken by this runtime; it may be ${runtimeTypes.map((type) => `${protocolsOf[type].join(' or ')} on ${type}`).join(', ')}`,
    cel: `!has(self.runtime.protocol) || (${runtimeTypes
      .map((type) => `(self.runtime.type == '${type}' && self.runtime.protocol in ${celList(protocolsOf[type])})`)
      .join(' || ')})`,
    holds: ({ spec }) => spec.runtime.protocol === undefined || protocolsOf[spec.runtime.type].includes(spec.runtime.protocol),
  },
  {
    id: 'gpu-tag-missing',
    scope: 'spec',
    fieldPath: '.spec.runtime.version',
    reason: 'Forbidden',
    message:
      'spec.runtime.version must end in -gpu when spec.gpu is set: the plain image would run on the CPU of a GPU node; add the suffix, or remove spec.gpu',
    cel: `!has(self.gpu) || ${noTellingTag} || self.runtime.version.endsWith('-gpu')`,
    holds: ({ spec }) => spec.gpu === undefined || !hasTellingTag(spec) || spec.runtime.version?.endsWith('-gpu') === true,
  },
  {
    id: 'gpu-tag-without-gpu',
    scope: 'spec',
    fieldPath: '.spec.runtime.version',
    reason: 'Forbidden',
    message:
      'spec.runtime.version must not end in -gpu when spec.gpu is not set: the image needs a GPU; set spec.gpu.count, or use the tag without -gpu',
    cel: `has(self.gpu) || ${noTellingTag} || !self.runtime.version.endsWith('-gpu')`,
    holds: ({ spec }) => spec.gpu !== undefined || !hasTellingTag(spec) || spec.runtime.version?.endsWith('-gpu') !== true,
  },
  {
    id: 'gpu-in-resources',
    scope: 'spec',
    fieldPath: '.spec.resources',
    reason: 'Forbidden',
    message: 'spec.resources must not ask for the GPU; set spec.gpu.count, and spec.gpu.resourceName where it is not nvidia.com/gpu',
    cel: celOfNames(
      'resources',
      `!k.matches('${gpuResource}') && (!has(self.gpu) || !has(self.gpu.resourceName) || k != self.gpu.resourceName)`,
    ),
    holds: ({ spec }) => namesIn(spec, 'resources').every((name) => !new RegExp(gpuResource).test(name) && name !== spec.gpu?.resourceName),
  },
  {
    id: 'gpu-product-twice',
    scope: 'spec',
    fieldPath: '.spec.scheduling.nodeSelector',
    reason: 'Forbidden',
    message: 'spec.scheduling.nodeSelector must not choose the GPU product as well; set spec.gpu.product only',
    cel: `!has(self.gpu) || !has(self.gpu.product) || ${celIfPresent('scheduling.nodeSelector', "self.scheduling.nodeSelector.all(k, !k.endsWith('/gpu.product'))")}`,
    holds: ({ spec }) =>
      spec.gpu?.product === undefined || !Object.keys(spec.scheduling?.nodeSelector ?? {}).some((key) => key.endsWith('/gpu.product')),
  },
  ...resourceRules('resources', 'resource'),
  ...resourceRules('transformer.resources', 'transformer-resource'),
];
