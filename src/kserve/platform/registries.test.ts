import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  builtInRegistries,
  currentKey,
  effectiveRegistries,
  legacyKey,
  planRegistries,
  type RegistryClaim,
  registryNotices,
} from './registries.ts';

/** `data` after the plan, and the claim that is left. */
function carryOut(data: Record<string, string>, wanted: readonly string[], claim?: RegistryClaim, release?: string) {
  const plan = planRegistries(data, wanted, claim, release);
  const { [plan.key]: _, ...others } = data;
  return { data: plan.value === null ? others : { ...others, [plan.key]: plan.value }, claim: plan.claim };
}

describe('the registries that Knative does not resolve tags of', () => {
  it('keep the built-in three when the key is first created', () => {
    const { data } = carryOut({}, ['nvcr.io']);
    assert.deepEqual(data, { [currentKey]: 'kind.local,ko.local,dev.local,nvcr.io' });
  });

  it('keep what the legacy key had when the current one is created', () => {
    const { data } = carryOut({ [legacyKey]: 'nvcr.io' }, ['index.docker.io']);
    assert.equal(data[currentKey], 'nvcr.io,index.docker.io');
    assert.equal(data[legacyKey], 'nvcr.io');
  });

  it('are written under the legacy key for a Knative that reads no other', () => {
    assert.deepEqual(carryOut({}, ['nvcr.io'], undefined, 'v0.24.0').data, { [legacyKey]: 'kind.local,ko.local,dev.local,nvcr.io' });
  });

  it('return to the old bytes when nobody touched them since', () => {
    for (const before of [{}, { [currentKey]: ' a.io , b.io' }, { [currentKey]: '' }]) {
      const { data, claim } = carryOut(before, ['nvcr.io']);
      assert.deepEqual(carryOut(data, [], claim), { data: before, claim: undefined });
    }
  });

  it("leave an entry that was somebody else's before", () => {
    const before = { [currentKey]: 'nvcr.io' };
    const { data, claim } = carryOut(before, ['nvcr.io']);
    assert.deepEqual(data, before);
    assert.deepEqual(carryOut(data, [], claim).data, before);
  });

  it('lose only our entries when somebody added theirs since', () => {
    const { data, claim } = carryOut({}, ['nvcr.io']);
    const edited = { [currentKey]: `${data[currentKey]}, theirs.io` };
    assert.deepEqual(carryOut(edited, [], claim).data, { [currentKey]: 'kind.local,ko.local,dev.local, theirs.io' });
  });

  it('follow the spec: an entry that it no longer names goes, a new one comes', () => {
    const first = carryOut({}, ['nvcr.io', 'quay.io']);
    const second = carryOut(first.data, ['quay.io', 'ghcr.io'], first.claim);
    assert.equal(second.data[currentKey], 'kind.local,ko.local,dev.local,quay.io,ghcr.io');
    assert.deepEqual(carryOut(second.data, [], second.claim).data, {});
  });

  it('are never lost for others, whatever they do between our edits', () => {
    const host: fc.Arbitrary<string> = fc.constantFrom('a.io', 'b.io', 'c.io', 'd.io', 'e.io');
    const hosts = fc.uniqueArray(host, { maxLength: 4 });
    fc.assert(
      fc.property(hosts, fc.array(fc.tuple(hosts, hosts), { maxLength: 6 }), (theirs, steps) => {
        let data: Record<string, string> = theirs.length === 0 ? {} : { [currentKey]: theirs.join(', ') };
        let claim: RegistryClaim | undefined;
        const foreign = new Set<string>(theirs);
        for (const [wanted, add] of steps) {
          ({ data, claim } = carryOut(data, wanted, claim));
          const now = effectiveRegistries(data);
          for (const registry of [...wanted, ...foreign]) assert.ok(now.includes(registry), `${registry} is missing from ${now}`);
          const fresh = add.filter((registry) => !now.includes(registry));
          if (fresh.length > 0) data = { ...data, [currentKey]: [...now, ...fresh].join(',') };
          for (const registry of fresh) foreign.add(registry);
        }
        ({ data, claim } = carryOut(data, [], claim));
        const left = new Set(data[currentKey] === undefined ? [] : effectiveRegistries(data));
        for (const registry of foreign) assert.ok(left.has(registry), `${registry} was lost`);
        for (const registry of left)
          assert.ok(foreign.has(registry) || builtInRegistries.some((one) => one === registry), `${registry} was left behind`);
        assert.equal(claim, undefined);
      }),
    );
  });
});

describe('the legacy key beside the current one', () => {
  it('is explained where it loses something', () => {
    const [notice] = registryNotices({ [legacyKey]: 'nvcr.io', [currentKey]: 'index.docker.io' });
    assert.match(notice ?? '', /legacy spelling and loses to registries-skipping-tag-resolving: its nvcr\.io has no effect/);
  });

  it('is passed over in silence where it loses nothing', () => {
    assert.deepEqual(registryNotices({ [legacyKey]: 'nvcr.io', [currentKey]: 'nvcr.io' }), []);
    assert.deepEqual(registryNotices({ [legacyKey]: 'nvcr.io' }), []);
  });
});
