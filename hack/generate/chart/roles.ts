/**
 * The operator's permissions in the chart are those of manifests/operator and manifests/namespaced: what the manifests grant is grouped for the
 * templates here, so that a permission is written down in one place.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';

const root = join(import.meta.dirname, '../../..');

export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly RbacRule[];
}

export interface ChartRoles {
  /** ClusterRoles of the operator, by what their name ends in. */
  readonly cluster: Readonly<Record<string, readonly RbacRule[]>>;
  /** Roles in the operator's own namespace. */
  readonly own: Readonly<Record<string, readonly RbacRule[]>>;
  /** Roles in each namespace with models, for an operator that is limited to some. */
  readonly namespaced: Readonly<Record<string, readonly RbacRule[]>>;
}

/** Throws where a manifest has a role that the chart would not know where to put. */
export function chartRoles(): ChartRoles {
  const operator = rolesIn('operator').filter(({ metadata }) => !isForPeople(metadata.name));
  const namespaced = rolesIn('namespaced');
  const stray = [...operator, ...namespaced].find(({ kind, metadata }) =>
    kind === 'Role' ? metadata.namespace !== undefined && metadata.namespace !== 'modelwright-system' : metadata.namespace !== undefined,
  );
  if (stray !== undefined)
    throw new Error(`the chart has no place for ${stray.kind} ${stray.metadata.name} of ${stray.metadata.namespace}`);
  return {
    cluster: named(operator.filter(({ kind }) => kind === 'ClusterRole')),
    own: named(operator.filter(({ kind }) => kind === 'Role')),
    // The lease lies in the operator's namespace, for which there is a Role of its own.
    namespaced: named(namespaced, (rule) => !rule.apiGroups.includes('coordination.k8s.io')),
  };
}

/** Roles that are bound to people: made from the kinds, see people-roles.ts. */
function isForPeople(name: string): boolean {
  return /^modelwright-(viewer|editor|admin|platform-admin)$/.test(name);
}

function rolesIn(folder: string): Manifest[] {
  return globSync(join(root, 'manifests', folder, '*.yaml'))
    .sort()
    .flatMap((file) => loadAll(readFileSync(file, 'utf8')) as Manifest[])
    .filter((manifest) => manifest?.kind === 'ClusterRole' || manifest?.kind === 'Role');
}

function named(manifests: readonly Manifest[], wanted: (rule: RbacRule) => boolean = () => true): Record<string, readonly RbacRule[]> {
  return Object.fromEntries(
    manifests.map(({ metadata, rules = [] }) => [metadata.name.replace(/^modelwright-/, ''), rules.filter(wanted)]),
  );
}
