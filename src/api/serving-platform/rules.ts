/** What one ServingPlatform can say about itself. Knative accepts any text as a registry, so nobody but these rules catches a wrong one. */
import { type Protocol, protocolsOf, type RuntimeType } from '../model-deployment/runtime.ts';
import type { Rule } from '../rule.ts';
import type { ServingPlatform } from './index.ts';

/** The name of the only ServingPlatform. */
export const platformName = 'default';

/** Names of Docker Hub that Knative never compares with: its image library writes index.docker.io (go-containerregistry, `DefaultRegistry`). */
const dockerHubAliases = ['docker.io', 'registry-1.docker.io', 'hub.docker.com', 'registry.hub.docker.com', 'docker.com'] as const;
const hostPattern = '^([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])*[a-z0-9]([-a-z0-9]*[a-z0-9])?(:[0-9]{1,5})?$';

const registries = 'self.tagResolution.skipRegistries';
const each = (condition: string) => `!has(self.tagResolution) || !has(${registries}) || ${registries}.all(r, ${condition})`;
const registriesOf = ({ spec }: ServingPlatform): readonly string[] => spec.tagResolution?.skipRegistries ?? [];

/** An IP address or a range of them, as far as letters tell. */
const addressPattern = '^([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7})(/[0-9]{1,3})?$';

const sourceHostPattern = '^([*][.])?([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])*[a-z0-9]([-a-z0-9]*[a-z0-9])?(:[0-9]{1,5})?$';

const spoken = Object.entries(protocolsOf) as readonly (readonly [RuntimeType, readonly Protocol[]])[];
const protocolTexts = spoken.map(([type, protocols]) => `${type} speaks ${protocols.join(', ')}`).join('; ');
const protocolMap = `{${spoken.map(([type, protocols]) => `'${type}': [${protocols.map((protocol) => `'${protocol}'`).join(', ')}]`).join(', ')}}`;

export const rules: readonly Rule<ServingPlatform>[] = [
  {
    id: 'name-default',
    scope: 'object',
    fieldPath: '.metadata.name',
    message: 'metadata.name must be "default": there is one ServingPlatform in a cluster',
    cel: `self.metadata.name == '${platformName}'`,
    holds: ({ metadata }) => metadata.name === platformName,
  },
  {
    id: 'registry-docker-hub',
    scope: 'spec',
    fieldPath: '.spec.tagResolution.skipRegistries',
    message:
      'spec.tagResolution.skipRegistries: Knative knows Docker Hub as index.docker.io only, and no other name of it ever matches; write index.docker.io',
    cel: each(`!(r in [${dockerHubAliases.map((alias) => `'${alias}'`).join(', ')}])`),
    holds: (platform) => registriesOf(platform).every((registry) => !dockerHubAliases.some((alias) => alias === registry)),
  },
  {
    id: 'registry-no-path',
    scope: 'spec',
    fieldPath: '.spec.tagResolution.skipRegistries',
    message:
      'spec.tagResolution.skipRegistries: Knative compares the host of the registry alone, so neither a path nor https:// ever matches; write nvcr.io for nvcr.io/nvidia',
    cel: each(`!r.contains('/')`),
    holds: (platform) => registriesOf(platform).every((registry) => !registry.includes('/')),
  },
  {
    id: 'registry-no-wildcard',
    scope: 'spec',
    fieldPath: '.spec.tagResolution.skipRegistries',
    message:
      'spec.tagResolution.skipRegistries: Knative compares letter by letter and knows no wildcards; write each registry out, as in eu.gcr.io and us.gcr.io',
    cel: each(`!r.contains('*')`),
    holds: (platform) => registriesOf(platform).every((registry) => !registry.includes('*')),
  },
  {
    id: 'registry-host',
    scope: 'spec',
    fieldPath: '.spec.tagResolution.skipRegistries',
    message:
      'spec.tagResolution.skipRegistries: each must be a host in lower case that has a dot or a port, or is localhost, as in nvcr.io or registry:5000; an image reference that begins with any other word belongs to Docker Hub',
    cel: each(
      `r.contains('/') || r.contains('*') || (r.matches('${hostPattern}') && (r.contains('.') || r.contains(':') || r == 'localhost'))`,
    ),
    holds: (platform) =>
      registriesOf(platform).every(
        (registry) =>
          /[/*]/.test(registry) || (new RegExp(hostPattern).test(registry) && (/[.:]/.test(registry) || registry === 'localhost')),
      ),
  },
  {
    id: 'source-host',
    scope: 'spec',
    fieldPath: '.spec.policy.sourceHosts',
    message:
      'spec.policy.sourceHosts: each must be a host in lower case, with its port where that is not the usual one, and may begin with "*."; without https:// and without a path, as in models.example.com or *.blob.core.windows.net',
    cel: `!has(self.policy) || !has(self.policy.sourceHosts) || self.policy.sourceHosts.all(h, h.matches('${sourceHostPattern}'))`,
    holds: ({ spec }) => (spec.policy?.sourceHosts ?? []).every((host) => new RegExp(sourceHostPattern).test(host)),
  },
  {
    id: 'repository-git',
    scope: 'spec',
    fieldPath: '.spec.repositories',
    message:
      'spec.repositories: azureBlob.prefix must not contain ".git": KServe 0.17 and newer would take the packages for a Git repository; choose another folder',
    cel: `!has(self.repositories) || self.repositories.all(r, !has(r.azureBlob.prefix) || !r.azureBlob.prefix.contains('.git'))`,
    holds: ({ spec }) => (spec.repositories ?? []).every(({ azureBlob }) => azureBlob.prefix?.includes('.git') !== true),
  },
  {
    id: 'repository-selector',
    scope: 'spec',
    fieldPath: '.spec.repositories',
    message:
      'spec.repositories: in allowedNamespaces.matchExpressions the operators In and NotIn need values, Exists and DoesNotExist take none',
    cel: `!has(self.repositories) || self.repositories.all(r, !has(r.allowedNamespaces.matchExpressions) || r.allowedNamespaces.matchExpressions.all(e, (e.operator in ['In', 'NotIn']) == (has(e.values) && e.values.size() > 0)))`,
    holds: ({ spec }) =>
      (spec.repositories ?? []).every(({ allowedNamespaces }) =>
        (allowedNamespaces.matchExpressions ?? []).every(
          ({ operator, values = [] }) => (operator === 'In' || operator === 'NotIn') === values.length > 0,
        ),
      ),
  },
  {
    id: 'runtime-platform-pinned',
    scope: 'spec',
    fieldPath: '.spec.runtimes',
    message: 'spec.runtimes[].platform says which image to pin, so it needs pinDigests: true; add that, or leave platform out',
    cel: '!has(self.runtimes) || self.runtimes.all(r, !has(r.platform) || (has(r.pinDigests) && r.pinDigests))',
    holds: ({ spec }) => (spec.runtimes ?? []).every(({ platform, pinDigests }) => platform === undefined || pinDigests === true),
  },
  {
    id: 'runtime-protocols',
    scope: 'spec',
    fieldPath: '.spec.runtimes',
    message: `spec.runtimes[].protocols: ${protocolTexts}`,
    cel: `!has(self.runtimes) || self.runtimes.all(r, !has(r.protocols) || r.protocols.all(p, p in ${protocolMap}[r.type]))`,
    holds: ({ spec }) =>
      (spec.runtimes ?? []).every(({ type, protocols = [] }) => protocols.every((protocol) => protocolsOf[type].includes(protocol))),
  },
  {
    id: 'registry-plain-or-trusted',
    scope: 'spec',
    fieldPath: '.spec.registries',
    message: 'spec.registries[]: plainHTTP speaks without TLS, so caBundle would count for nothing; leave one of them out',
    cel: '!has(self.registries) || self.registries.all(r, !has(r.plainHTTP) || !r.plainHTTP || !has(r.caBundle))',
    holds: ({ spec }) => (spec.registries ?? []).every(({ plainHTTP, caBundle }) => plainHTTP !== true || caBundle === undefined),
  },
  {
    id: 'target-host',
    scope: 'spec',
    fieldPath: '.spec.policy.targetHosts',
    message:
      'spec.policy.targetHosts: each must be a host in lower case, with its port where only that is meant, and may begin with "*."; or an address, or a range as 10.0.0.0/8; without http:// and without a path',
    cel: `!has(self.policy) || !has(self.policy.targetHosts) || self.policy.targetHosts.all(h, h.matches('${sourceHostPattern}') || h.matches('${addressPattern}'))`,
    holds: ({ spec }) =>
      (spec.policy?.targetHosts ?? []).every((host) =>
        [sourceHostPattern, addressPattern].some((pattern) => new RegExp(pattern).test(host)),
      ),
  },
];
