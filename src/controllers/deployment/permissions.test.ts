import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { loadAll } from 'js-yaml';
import { platformPermissions } from '../platform/permissions.ts';
import { profilePermissions } from '../profile/permissions.ts';
import { permissions } from './permissions.ts';

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
  readonly resourceNames?: string[];
}

it('the ClusterRole of manifests/operator grants what the controllers ask for, and no more', () => {
  const file = new URL('../../../manifests/operator/cluster-role.yaml', import.meta.url);
  const [role] = loadAll(readFileSync(file, 'utf8')) as { rules: Rule[] }[];
  const granted = (role?.rules ?? []).flatMap(({ apiGroups, resources, verbs, resourceNames = [] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group} ${resourceNames.toSorted()}`)),
    ),
  );
  const asked = [...permissions, ...platformPermissions, ...profilePermissions].flatMap(({ group, resource, verbs, names = [] }) =>
    verbs.map((verb) => `${verb} ${resource}.${group} ${names.toSorted()}`),
  );
  // Both dialects share a rule in the manifest; each may be asked for alone.
  assert.deepEqual([...new Set(granted)].sort(), [...new Set(asked)].sort());
});
