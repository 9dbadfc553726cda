/** What people may do with our kinds: roles that join view, edit and admin, and one for the settings of the whole cluster. */
import { group, type KindDefinition } from '../../../src/api/kind.ts';
import type { RbacRule } from './roles.ts';

export interface PeopleRole {
  /** After `modelwright-`. */
  readonly name: string;
  readonly says: string;
  /** Roles of every cluster that it joins; none: it works only where it is bound. */
  readonly joins: readonly ('view' | 'edit' | 'admin')[];
  readonly rules: readonly RbacRule[];
}

type Named = Pick<KindDefinition<never>, 'plural' | 'namespaced'>;

const read = ['get', 'list', 'watch'] as const;
const write = ['create', 'update', 'patch', 'delete'] as const;

export function peopleRoles(kinds: readonly Named[]): PeopleRole[] {
  const namespaced = pluralsOf(kinds.filter((kind) => kind.namespaced));
  const cluster = pluralsOf(kinds.filter((kind) => !kind.namespaced));
  const rule = (resources: readonly string[], verbs: readonly string[]): RbacRule => ({ apiGroups: [group], resources, verbs });
  return [
    {
      name: 'viewer',
      says: 'Sees models and their status. Whoever may view a namespace may.',
      joins: ['view', 'edit', 'admin'],
      rules: [rule([...namespaced, ...namespaced.map((plural) => `${plural}/status`)], read)],
    },
    {
      name: 'editor',
      says: 'Deploys and measures models. Whoever may edit a namespace may.',
      joins: ['edit', 'admin'],
      rules: [rule(namespaced, write)],
    },
    {
      name: 'admin',
      says: 'Deletes all of a namespace at once as well. Whoever administers a namespace may.',
      joins: ['admin'],
      rules: [rule(namespaced, ['deletecollection'])],
    },
    {
      name: 'platform-admin',
      says: 'Declares what all models of the cluster share. Joins no other role: bind it with a ClusterRoleBinding.',
      joins: [],
      rules: [
        rule(cluster, [...read, ...write]),
        rule(
          cluster.map((plural) => `${plural}/status`),
          ['get'],
        ),
      ],
    },
  ];
}

function pluralsOf(kinds: readonly Named[]): string[] {
  return kinds.map(({ plural }) => plural).toSorted();
}
