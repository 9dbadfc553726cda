import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Watch } from './controller.ts';
import { keyText, type ResourceType } from './object.ts';
import { ObjectStore } from './object-store.ts';
import { aWidget, widgets } from './testing/builders.ts';
import { specChanged, watch, watchMapped, watchOwned } from './watches.ts';

const owners: ResourceType = { group: 'test.modelwright.dev', version: 'v1', kind: 'Owner', plural: 'owners', namespaced: true };

function enqueued(source: Watch): string[] {
  const keys: string[] = [];
  source.start((key, initial) => keys.push(`${keyText(key)}${initial ? ' initial' : ''}`));
  return keys;
}

const at = (resourceVersion: string, metadata = {}) => aWidget('a', { metadata: { resourceVersion, ...metadata } });
const ownedBy = (name: string, more = {}) => ({
  ownerReferences: [{ apiVersion: 'test.modelwright.dev/v1', kind: 'Owner', name, uid: `uid-${name}`, controller: true, ...more }],
});

describe('watching a store', () => {
  it('asks for each object itself, marking what was there at start', () => {
    const store = new ObjectStore(widgets);
    store.replace([at('1')], '1');
    const keys = enqueued(watch(store));
    store.put(at('2'));
    store.remove({ namespace: 'default', name: 'a' });
    assert.deepEqual(keys, ['default/a initial', 'default/a', 'default/a']);
  });

  it('passes over updates that a filter finds unimportant, never additions and deletions', () => {
    const store = new ObjectStore(widgets);
    const keys = enqueued(watch(store, { changed: () => false }));
    store.put(at('1'));
    store.put(at('2'));
    assert.equal(keys.length, 1);
    store.remove({ namespace: 'default', name: 'a' });
    assert.equal(keys.length, 2);
  });
});

describe('watching what is owned', () => {
  it('asks for the controlling owner, of the old and the new state when that changed', () => {
    const store = new ObjectStore(widgets);
    store.put(at('1', ownedBy('first')));
    const keys = enqueued(watchOwned(store, owners));
    store.put(at('2', ownedBy('second')));
    assert.deepEqual(keys, ['default/first initial', 'default/second', 'default/first']);
  });

  for (const [what, more] of [
    ['an owner that does not control', { controller: false }],
    ['an owner of another kind', { kind: 'Other' }],
    ['an owner of another group', { apiVersion: 'other.dev/v1' }],
  ] as const) {
    it(`is not interested in ${what}`, () => {
      const store = new ObjectStore(widgets);
      const keys = enqueued(watchOwned(store, owners));
      store.put(at('1', ownedBy('first', more)));
      assert.deepEqual(keys, []);
    });
  }

  it('knows an owner by group and kind, whatever its version', () => {
    const store = new ObjectStore(widgets);
    const keys = enqueued(watchOwned(store, owners));
    store.put(at('1', ownedBy('first', { apiVersion: 'test.modelwright.dev/v1beta1' })));
    assert.deepEqual(keys, ['default/first']);
  });

  it('finds a cluster-scoped owner by name alone', () => {
    const store = new ObjectStore(widgets);
    const keys = enqueued(watchOwned(store, { ...owners, namespaced: false }));
    store.put(at('1', ownedBy('first')));
    assert.deepEqual(keys, ['first']);
  });
});

describe('watching by a function', () => {
  it('asks for whatever it names, none, one or many', () => {
    const store = new ObjectStore(widgets);
    const keys = enqueued(
      watchMapped(store, (widget) =>
        widget.spec?.size ? Array.from({ length: widget.spec.size }, (_, index) => ({ name: `n${index}` })) : [],
      ),
    );
    store.put(aWidget('a', { spec: { size: 2 } }));
    store.put(aWidget('b'));
    assert.deepEqual(keys, ['n0', 'n1']);
  });
});

describe('whether the specification changed', () => {
  for (const [what, after, expected] of [
    ['nothing but status', at('2'), false],
    ['the generation', at('2', { generation: 2 }), true],
    ['a label', at('2', { labels: { a: 'b' } }), true],
    ['an annotation', at('2', { annotations: { a: 'b' } }), true],
    ['a finalizer', at('2', { finalizers: ['x/y'] }), true],
    ['a deletion that began', at('2', { deletionTimestamp: '2026-01-01T00:00:00Z' }), true],
    ['another object', at('2', { uid: 'other' }), true],
  ] as const) {
    it(`${what}: ${expected}`, () => assert.equal(specChanged(at('1'), after), expected));
  }
});
