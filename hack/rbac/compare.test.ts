import assert from 'node:assert/strict';
import { it } from 'node:test';
import { chartRoles, type RbacRule } from '../generate/chart/roles.ts';
import { compare, expand, isOperators } from './compare.ts';

const user = 'operator';
const pods = { group: '', resource: 'pods' };
const rules = [
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'delete'] },
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['a', 'b'], verbs: ['patch'] },
];

it('finds what is granted and never used, by name where it is granted by name', () => {
  const seen = [
    { user, verb: 'list', ...pods, allowed: true },
    { user, verb: 'patch', group: '', resource: 'configmaps', name: 'a', allowed: true },
  ];
  const { unused, refused } = compare({ everywhere: expand(rules), own: [] }, seen, []);
  assert.deepEqual(unused, [
    { verb: 'delete', ...pods },
    { verb: 'patch', group: '', resource: 'configmaps', name: 'b' },
  ]);
  assert.deepEqual(refused, []);
});

it('finds what was refused, and does not count it as used', () => {
  const seen = [{ user, verb: 'get', ...pods, allowed: false }];
  const { unused, refused } = compare({ everywhere: expand(rules), own: [] }, seen, [{ matches: { resource: 'configmaps' }, why: 'x' }]);
  assert.deepEqual(refused, [{ verb: 'get', ...pods }]);
  assert.equal(unused.length, 2);
});

it('takes a refusal of what is granted there for a moment without roles', () => {
  const [list, remove] = expand(rules);
  const granted = { everywhere: [list] as never, own: [remove] as never };
  const refusedOf = (...seen: Parameters<typeof compare>[1]) => compare(granted, seen, []).refused;
  assert.deepEqual(refusedOf({ user, verb: 'list', ...pods, allowed: false }), []);
  assert.deepEqual(refusedOf({ user, verb: 'delete', ...pods, allowed: false, own: true }), []);
  assert.deepEqual(refusedOf({ user, verb: 'delete', ...pods, allowed: false }), [{ verb: 'delete', ...pods }]);
});

it('counts what an operator of this checkout asked for, and neither an earlier one nor kubectl with its account', () => {
  const use = { user, verb: 'list', ...pods, allowed: true };
  assert.equal(isOperators({ ...use, program: 'modelwright/0.1.0' }, user), true);
  assert.equal(isOperators({ ...use, program: 'modelwright/earlier-0a1b2c3' }, user), false);
  assert.equal(isOperators(use, user), false);
  assert.equal(isOperators({ ...use, user: 'another', program: 'modelwright/0.1.0' }, user), false);
});

it('names waivers that nothing needs', () => {
  const waiver = { matches: { resource: 'secrets' }, why: 'x' };
  assert.deepEqual(compare({ everywhere: expand(rules), own: [] }, [], [waiver]).idle, [waiver]);
});

const rolesOf = (parts: readonly Readonly<Record<string, readonly RbacRule[]>>[]) =>
  parts.flatMap((roles) => Object.values(roles).flatMap(expand));
const everything = rolesOf(Object.values(chartRoles()));

it("the operator's roles have no wildcard, and nothing by which it could give itself more", () => {
  for (const { verb, group, resource, name } of everything) {
    assert.ok(![verb, group, resource, name].includes('*'), `${verb} ${resource}`);
    assert.ok(!['escalate', 'bind', 'impersonate'].includes(verb), `${verb} ${resource}`);
    assert.notEqual(group, 'rbac.authorization.k8s.io');
    // Of a service account it may learn which Secrets it names, and neither what they hold nor a token.
    if (resource.startsWith('serviceaccounts')) assert.equal(`${verb} ${resource}`, 'get serviceaccounts');
    assert.ok(!['pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers', 'nodes/proxy'].includes(resource), resource);
    assert.ok(!/webhookconfigurations|validatingadmissionpolic/.test(resource), resource);
  }
});

it('no role of the cluster, or of a namespace with models, reads Secrets', () => {
  const { cluster, namespaced } = chartRoles();
  const reads = [cluster, namespaced]
    .flatMap((roles) => Object.values(roles).flatMap(expand))
    .filter(({ resource }) => resource === 'secrets');
  assert.deepEqual(
    reads.filter(({ verb }) => ['get', 'list', 'watch'].includes(verb)),
    [],
  );
});
