import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { handlerErrors } from './metrics.ts';
import { ObjectStore } from './object-store.ts';
import type { Change } from './store.ts';
import { whenSynced } from './store.ts';
import { aWidget, type Widget, widgets } from './testing/builders.ts';
import { UnionStore } from './union-store.ts';

/** What a subscriber heard, as `kind name@version`. */
function recorder() {
  const heard: string[] = [];
  const handler = (change: Change<Widget>) => {
    const { name, resourceVersion } = change.object.metadata;
    heard.push(`${change.kind} ${name}@${resourceVersion}${change.kind === 'added' && change.initial ? ' initial' : ''}`);
  };
  return { heard, handler };
}

function at(name: string, resourceVersion: string, more: Parameters<typeof aWidget>[1] = {}) {
  return aWidget(name, { ...more, metadata: { resourceVersion, ...more.metadata } });
}

describe('a store', () => {
  it('is syncing until its first fill, however many objects came before', async () => {
    const store = new ObjectStore(widgets);
    const synced = whenSynced(store).then(() => 'synced');
    store.put(at('a', '1'));
    assert.equal(store.hasSynced(), false);
    store.replace([at('a', '1')], '5');
    assert.equal(store.state, 'synced');
    assert.equal(await synced, 'synced');
  });

  it('stops waiting for the first fill when the signal aborts', async () => {
    const reason = new Error('stop');
    await assert.rejects(whenSynced(new ObjectStore(widgets), AbortSignal.abort(reason)), reason);
  });

  it('marks the objects of the first fill as initial, and later ones not', () => {
    const store = new ObjectStore(widgets);
    const { heard, handler } = recorder();
    store.subscribe(handler);
    store.replace([at('a', '1'), at('b', '2')], '2');
    store.put(at('c', '3'));
    assert.deepEqual(heard, ['added a@1 initial', 'added b@2 initial', 'added c@3']);
  });

  it('tells a late subscriber what is there, as initial', () => {
    const store = new ObjectStore(widgets);
    store.replace([at('a', '1')], '1');
    const { heard, handler } = recorder();
    store.subscribe(handler);
    assert.deepEqual(heard, ['added a@1 initial']);
  });

  it('reports by the difference when it is filled again: deletes with the last known state, updates, additions, and nothing for what is the same', () => {
    const store = new ObjectStore(widgets);
    store.replace([at('same', '1'), at('changed', '2'), at('gone', '3')], '3');
    const { heard, handler } = recorder();
    store.subscribe(handler);
    heard.length = 0;
    store.replace([at('same', '1'), at('changed', '5'), at('new', '4')], '6');
    assert.deepEqual(heard, ['deleted gone@3', 'updated changed@5', 'added new@4']);
  });

  it('reports another uid under the same name as a delete and an addition, in a fill and in an event', () => {
    const store = new ObjectStore(widgets);
    store.replace([at('a', '1')], '1');
    const { heard, handler } = recorder();
    store.subscribe(handler);
    heard.length = 0;
    store.put(at('a', '2', { metadata: { uid: 'second' } }));
    store.replace([at('a', '3', { metadata: { uid: 'third' } })], '3');
    assert.deepEqual(heard, ['deleted a@1', 'added a@2', 'deleted a@2', 'added a@3']);
  });

  it('gives the final state of a deleted object where the event has it', () => {
    const store = new ObjectStore(widgets);
    store.replace([at('a', '1')], '1');
    const { heard, handler } = recorder();
    store.subscribe(handler);
    heard.length = 0;
    store.remove({ namespace: 'default', name: 'a' }, at('a', '9'));
    assert.deepEqual(heard, ['deleted a@9']);
    assert.equal(store.size, 0);
  });

  it('knows how far it has followed the cluster', () => {
    const store = new ObjectStore(widgets);
    const key = { namespace: 'default', name: 'a' };
    assert.equal(store.hasSeen(key, '1'), false);
    store.replace([at('a', '7')], '9');
    assert.equal(store.hasSeen(key, '9'), true);
    assert.equal(store.hasSeen(key, '10'), false);
    store.advance('10');
    assert.equal(store.hasSeen(key, '10'), true);
  });

  it('empties itself when the resource is absent, counts as synced then, and starts anew when it comes back', () => {
    const store = new ObjectStore(widgets);
    store.replace([at('a', '1')], '1');
    const { heard, handler } = recorder();
    const states: string[] = [];
    store.subscribe(handler);
    store.onState((state) => states.push(state));
    heard.length = 0;
    store.markAbsent();
    assert.equal(store.hasSynced(), true);
    store.replace([at('b', '4')], '4');
    assert.deepEqual(heard, ['deleted a@1', 'added b@4 initial']);
    assert.deepEqual(states, ['absent', 'synced']);
  });

  it('is not stopped by a subscriber that throws, and counts it', async () => {
    handlerErrors.reset();
    const store = new ObjectStore(widgets);
    store.subscribe(() => {
      throw new Error('boom');
    });
    const { heard, handler } = recorder();
    store.subscribe(handler);
    store.put(at('a', '1'));
    assert.deepEqual(heard, ['added a@1']);
    assert.equal((await handlerErrors.get()).values[0]?.value, 1);
  });

  it('falls silent for a subscriber that left', () => {
    const store = new ObjectStore(widgets);
    const { heard, handler } = recorder();
    store.subscribe(handler)();
    store.put(at('a', '1'));
    assert.deepEqual(heard, []);
  });

  it('that freezes makes every reader’s change an error', () => {
    const store = new ObjectStore(widgets, { freeze: true });
    store.put(at('a', '1', { spec: { size: 1 } }));
    const widget = store.get({ namespace: 'default', name: 'a' });
    assert.throws(() => Object.assign(widget?.spec ?? {}, { size: 2 }), TypeError);
  });
});

describe('an index', () => {
  const byColor = (widget: { readonly spec?: { readonly color?: string } }) =>
    widget.spec?.color === undefined ? [] : [widget.spec.color];

  it('finds objects by what they say now, whatever happened before', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            name: fc.constantFrom('a', 'b', 'c'),
            namespace: fc.constantFrom('one', 'two'),
            color: fc.constantFrom('red', 'blue', undefined),
            uid: fc.constantFrom('1', '2'),
            gone: fc.boolean(),
          }),
        ),
        (steps) => {
          const store = new ObjectStore(widgets);
          store.addIndex('color', byColor);
          steps.forEach(({ name, namespace, color, uid, gone }, index) => {
            if (gone) store.remove({ namespace, name });
            else store.put(at(name, String(index + 1), { ...(color && { spec: { color } }), metadata: { uid, namespace } }));
            const inOne = store.list().filter(({ metadata }) => metadata.namespace === 'one');
            assert.deepEqual(new Set(store.list('one')), new Set(inOne));
          });
          for (const color of ['red', 'blue']) {
            const expected = store.list().filter((widget) => widget.spec?.color === color);
            assert.deepEqual(new Set(store.byIndex('color', color)), new Set(expected));
          }
        },
      ),
    );
  });

  it('covers what was there before it was added', () => {
    const store = new ObjectStore(widgets);
    store.put(at('a', '1', { spec: { color: 'red' } }));
    store.addIndex('color', byColor);
    assert.equal(store.byIndex('color', 'red').length, 1);
  });

  it('that nobody added is a mistake worth an error', () => {
    assert.throws(() => new ObjectStore(widgets).byIndex('nope', 'x'), /no index "nope"/);
  });
});

describe('several namespaces read as one', () => {
  function union() {
    const parts = new Map(['one', 'two'].map((namespace) => [namespace, new ObjectStore(widgets)]));
    const part = (name: string) => parts.get(name) ?? assert.fail();
    return { store: new UnionStore<Widget>(widgets, parts), one: part('one'), two: part('two') };
  }
  const widgetIn = (namespace: string, name: string) => at(name, '1', { metadata: { namespace } });

  it('have synced when each has', () => {
    const { store, one, two } = union();
    const states: string[] = [];
    store.onState((state) => states.push(state));
    one.replace([], '1');
    assert.equal(store.hasSynced(), false);
    two.replace([], '1');
    assert.equal(store.hasSynced(), true);
    assert.deepEqual(states, ['synced']);
  });

  it('are absent when all are', () => {
    const { store, one, two } = union();
    one.markAbsent();
    two.markAbsent();
    assert.equal(store.state, 'absent');
  });

  it('find objects by namespace, list all or one namespace, index across, and pass changes on', () => {
    const { store, one, two } = union();
    const { heard, handler } = recorder();
    store.addIndex('name', (widget) => [widget.metadata.name]);
    const leave = store.subscribe(handler);
    one.replace([widgetIn('one', 'a')], '1');
    two.replace([widgetIn('two', 'a'), widgetIn('two', 'b')], '1');
    assert.equal(store.size, 3);
    assert.equal(store.get({ namespace: 'two', name: 'b' })?.metadata.name, 'b');
    assert.equal(store.get({ namespace: 'three', name: 'b' }), undefined);
    assert.deepEqual([store.list().length, store.list('two').length, store.list('three').length], [3, 2, 0]);
    assert.equal(store.byIndex('name', 'a').length, 2);
    assert.equal(store.hasSeen({ namespace: 'one', name: 'a' }, '1'), true);
    leave();
    one.put(widgetIn('one', 'c'));
    assert.equal(heard.length, 3);
  });
});
