/**
 * The state that a trial ends in, in a form that two runs can be compared by. What differs between two undisturbed runs is masked here and
 * nowhere else: a masked field is an untested field, so the list is short.
 *
 * - `metadata.uid`, `resourceVersion`, `creationTimestamp`, `managedFields[].time`: the API server's own.
 * - `lastTransitionTime`, `firstReadyTime`: clock readings.
 * - `metadata.generation` and `status.observedGeneration` of InferenceServices: how many steps led to the same end.
 * - names and namespaces: the trial's own prefix is replaced; a uid that names a present object is replaced by that object's name, so a reference
 *   to anything else still shows.
 */
import type { ManagedFields, Thing } from './api.ts';

const clockFields = new Set(['lastTransitionTime', 'firstReadyTime']);

/** Managers whose field ownership is part of the state: the operator's. */
const operatorManager = /^modelwright/;

export type State = Readonly<Record<string, unknown>>;

/** `objects` by `kind/name`, masked. */
export function stateOf(objects: Readonly<Record<string, readonly Thing[]>>, namespace: string, prefix: string): State {
  const state: Record<string, unknown> = {};
  const uids = new Map<string, string>();
  for (const [kind, things] of Object.entries(objects))
    for (const { metadata } of things) uids.set(metadata.uid, `${kind} ${metadata.name}`);
  for (const [kind, things] of Object.entries(objects)) {
    for (const thing of things) {
      let text = JSON.stringify(masked(thing, kind));
      for (const [uid, name] of uids) text = text.replaceAll(uid, `uid of ${name}`);
      text = text.replaceAll(prefix, 'TRIAL-').replaceAll(namespace, 'NAMESPACE');
      state[`${kind} ${thing.metadata.name.replaceAll(prefix, 'TRIAL-')}`] = JSON.parse(text);
    }
  }
  return state;
}

function masked(thing: Thing, kind: string): unknown {
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    managedFields,
    generation,
    ...metadata
  } = thing.metadata as Thing['metadata'] & {
    creationTimestamp?: string;
  };
  const rest = Object.fromEntries(Object.entries(thing).filter(([field]) => field !== 'metadata'));
  const counted = kind === 'ModelDeployment';
  return withoutClocks({
    ...rest,
    ...(rest['status'] !== undefined && {
      status: counted ? rest['status'] : { ...(rest['status'] as object), observedGeneration: undefined },
    }),
    metadata: { ...metadata, ...(counted && { generation }), owned: ownedFields(managedFields ?? []) },
  });
}

/** Which fields the operator owns, per way of writing. */
function ownedFields(managed: readonly ManagedFields[]): unknown {
  return managed
    .filter(({ manager }) => operatorManager.test(manager))
    .map(({ manager, operation, subresource, fieldsV1 }) => ({ manager, operation, subresource, fieldsV1: sorted(fieldsV1) }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function withoutClocks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutClocks);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field, content]) => content !== undefined && !clockFields.has(field))
      .map(([field, content]) => [field, withoutClocks(content)]),
  );
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([field, content]) => [field, sorted(content)]),
  );
}

/** Paths at which two states differ, with both values; empty when they are the same. */
export function differences(expected: unknown, actual: unknown, path = ''): string[] {
  if (Object.is(expected, actual)) return [];
  const branch = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object';
  if (!branch(expected) || !branch(actual) || Array.isArray(expected) !== Array.isArray(actual)) {
    return [`${path || '.'}: expected ${brief(expected)}, found ${brief(actual)}`];
  }
  const fields = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...fields].flatMap((field) => differences(expected[field], actual[field], `${path}.${field}`));
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 160 ? text : `${text.slice(0, 160)}…`;
}
