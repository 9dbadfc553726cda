import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubeClient, WatchEvent } from '../../../src/kube/client.ts';
import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  isResourceAbsent,
  isTooLargeResourceVersion,
  KubeError,
} from '../../../src/kube/errors.ts';
import { addFinalizer, removeFinalizer } from '../../../src/kube/finalizers.ts';
import type { ResourceType } from '../../../src/kube/object.ts';
import { auditMark, auditSince, isWrite } from '../../support/audit.ts';
import { freshNamespace } from '../../support/cluster.ts';
import { aWidget, direct, impersonating, install, type Widget, widgetType } from './widgets.ts';

const type = widgetType();
const pods: ResourceType = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
const nodes: ResourceType = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };

let client: KubeClient & AsyncDisposable;
let definition: AsyncDisposable;
let namespace: { readonly name: string } & AsyncDisposable;

before(async () => {
  client = await direct({ product: 'kube-test/1.2.3' });
  definition = await install(client, type);
  namespace = await freshNamespace('kube-client');
});

after(async () => {
  await definition[Symbol.asyncDispose]();
  await namespace[Symbol.asyncDispose]();
  await client.close();
});

const widget = (name: string, spec?: Widget['spec']) => aWidget(type, namespace.name, name, spec);
const keyOf = (name: string) => ({ namespace: namespace.name, name });

describe('objects on a real API server', () => {
  it('keep fields that no schema knows, and come with identity and version', async () => {
    const made = await client.create(type, widget('unknown-fields', { anything: { fieldOfTheFuture: [1, { x: null }] } }));
    assert.ok(made.metadata.uid && made.metadata.resourceVersion);
    assert.deepEqual((await client.get(type, keyOf('unknown-fields'))).spec?.anything, { fieldOfTheFuture: [1, { x: null }] });
  });

  it('are not made twice', async () => {
    await client.create(type, widget('twice'));
    await assert.rejects(client.create(type, widget('twice')), isAlreadyExists);
  });

  it('are not replaced on an old version', async () => {
    const first = await client.create(type, widget('stale', { size: 1 }));
    const second = await client.update(type, { ...first, spec: { size: 2 } });
    assert.equal(second.metadata.generation, 2);
    await assert.rejects(client.update(type, { ...first, spec: { size: 3 } }), isConflict);
  });

  it('that are not there are NotFound; a type that is not there is told apart', async () => {
    await assert.rejects(client.get(type, keyOf('nobody')), (error) => isNotFound(error) && !isResourceAbsent(error));
    await assert.rejects(client.list({ ...type, plural: 'gadgets' }), isResourceAbsent);
    await assert.rejects(client.list({ ...type, group: 'nobody.kube.test' }), isResourceAbsent);
  });

  it('that break their schema are refused with the fields at fault', async () => {
    await assert.rejects(client.create(type, widget('invalid', { size: -1 })), (error) => {
      assert.ok(isInvalid(error));
      assert.deepEqual(
        error.causes.map(({ field }) => field),
        ['spec.size'],
      );
      return true;
    });
  });

  it('have a status of their own: neither write touches the other', async () => {
    const made = await client.create(type, { ...widget('status', { size: 1 }), status: { ready: true } });
    assert.equal(made.status, undefined);
    const applied = await client.apply(
      type,
      { ...widget('status', { size: 9 }), status: { ready: true } },
      { fieldManager: 'test', subresource: 'status' },
    );
    assert.deepEqual([applied.status, applied.spec?.size, applied.metadata.generation], [{ ready: true }, 1, 1]);
  });

  it('are deleted only as the very object that was meant', async () => {
    const made = await client.create(type, widget('precise'));
    await assert.rejects(client.delete(type, keyOf('precise'), { uid: 'another' }), isConflict);
    await assert.rejects(client.delete(type, keyOf('precise'), { uid: made.metadata.uid, resourceVersion: '1' }), isConflict);
    await client.delete(type, keyOf('precise'), { uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion });
    await assert.rejects(client.get(type, keyOf('precise')), isNotFound);
  });

  it('with a finalizer wait for it', async () => {
    const made = await client.create(type, widget('held'));
    const held = (await addFinalizer(client, type, made, 'kube.test/hold')) ?? assert.fail();
    await assert.rejects(addFinalizer(client, type, made, 'kube.test/other'), isConflict);
    await client.delete(type, keyOf('held'), { uid: held.metadata.uid });
    const dying = await client.get(type, keyOf('held'));
    assert.ok(dying.metadata.deletionTimestamp);
    await removeFinalizer(client, type, dying, 'kube.test/hold');
    await assert.rejects(client.get(type, keyOf('held')), isNotFound);
  });

  it('can be tried without being made', async () => {
    await client.create(type, widget('dry'), { dryRun: true });
    await assert.rejects(client.get(type, keyOf('dry')), isNotFound);
  });
});

describe('server-side apply', () => {
  it('makes, changes and, of what we no longer name, removes', async () => {
    const options = { fieldManager: 'test' };
    await client.apply(type, widget('applied', { size: 1, color: 'red' }), options);
    const second = await client.apply(type, widget('applied', { size: 2 }), options);
    assert.deepEqual(second.spec, { size: 2 });
  });

  it('that changes nothing leaves the version as it is', async () => {
    const first = await client.apply(type, widget('idempotent', { size: 1 }), { fieldManager: 'test' });
    const second = await client.apply(type, widget('idempotent', { size: 1 }), { fieldManager: 'test' });
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  });

  it('meets what others own as a conflict with causes, unless forced', async () => {
    await client.apply(type, widget('shared', { size: 1 }), { fieldManager: 'one' });
    await assert.rejects(client.apply(type, widget('shared', { size: 2 }), { fieldManager: 'two' }), (error) => {
      assert.ok(isConflict(error));
      assert.deepEqual(
        error.causes.map(({ field }) => field),
        ['.spec.size'],
      );
      return true;
    });
    const forced = await client.apply(type, widget('shared', { size: 2 }), { fieldManager: 'two', force: true });
    assert.equal(forced.spec?.size, 2);
  });

  it('that names the uid of another object is a conflict, not a takeover', async () => {
    const made = await client.apply(type, widget('uid', { size: 1 }), { fieldManager: 'test' });
    await client.delete(type, keyOf('uid'));
    const next = await client.apply(type, widget('uid', { size: 1 }), { fieldManager: 'test' });
    const meantForFirst = { ...widget('uid', { size: 5 }), metadata: { ...keyOf('uid'), uid: made.metadata.uid } };
    await assert.rejects(client.apply(type, meantForFirst, { fieldManager: 'test', force: true }), isConflict);
    assert.equal((await client.get(type, keyOf('uid'))).metadata.uid, next.metadata.uid);
  });

  it('that names the uid of an object that is gone makes no new one', async () => {
    const ghost = { ...widget('ghost'), metadata: { ...keyOf('ghost'), uid: '0b6b3d7e-0000-0000-0000-000000000000' } };
    await assert.rejects(client.apply(type, ghost, { fieldManager: 'test', force: true }), isConflict);
    await assert.rejects(client.get(type, keyOf('ghost')), isNotFound);
  });
});

describe('patches', () => {
  it('merge, and json', async () => {
    await client.create(type, widget('patched', { size: 1, color: 'red' }));
    const merged = await client.patch(type, keyOf('patched'), { spec: { color: null, size: 2 } }, { kind: 'merge' });
    assert.deepEqual(merged.spec, { size: 2 });
    const json = await client.patch(type, keyOf('patched'), [{ op: 'replace', path: '/spec/size', value: 3 }], { kind: 'json' });
    assert.deepEqual(json.spec, { size: 3 });
  });

  it('strategic ones are not for custom resources', async () => {
    await client.create(type, widget('strategic'));
    await assert.rejects(
      client.patch(type, keyOf('strategic'), {}, { kind: 'strategic' }),
      (error) => error instanceof KubeError && error.status === 415,
    );
  });
});

describe('lists', () => {
  it('come in pages of one state, by namespace and label, with apiVersion and kind on each item', async () => {
    await using own = await freshNamespace('kube-lists');
    for (let index = 0; index < 5; index++) {
      const object = aWidget(type, own.name, `w${index}`);
      await client.create(type, { ...object, metadata: { ...object.metadata, labels: { parity: index % 2 === 0 ? 'even' : 'odd' } } });
    }
    const pages: string[][] = [];
    const versions = new Set<string>();
    for await (const page of client.listPages(type, { namespace: own.name, limit: 2 })) {
      pages.push(page.items.map(({ metadata }) => metadata.name));
      versions.add(page.resourceVersion);
    }
    assert.deepEqual(pages, [['w0', 'w1'], ['w2', 'w3'], ['w4']]);
    assert.equal(versions.size, 1);
    const even = await client.list(type, { namespace: own.name, labelSelector: 'parity=even' });
    assert.deepEqual(
      even.items.map(({ metadata, kind, apiVersion }) => [metadata.name, kind, apiVersion]),
      ['w0', 'w2', 'w4'].map((name) => [name, 'Widget', `${type.group}/v1`]),
    );
    const one = await client.list(type, { namespace: own.name, fieldSelector: 'metadata.name=w1' });
    assert.equal(one.items.length, 1);
  });

  it('of a version that is yet to come say so', async () => {
    const options = { resourceVersion: '999999999', resourceVersionMatch: 'NotOlderThan' } as const;
    await assert.rejects(client.list(type, options), isTooLargeResourceVersion);
  });

  it('of metadata leave the rest out', async () => {
    await client.create(type, widget('metadata', { size: 1 }));
    const one = await client.getMetadata(type, keyOf('metadata'));
    assert.deepEqual([one.kind, 'spec' in one], ['PartialObjectMetadata', false]);
    const { items } = await client.listMetadata(type, { namespace: namespace.name });
    assert.ok(items.length > 0 && items.every((item) => item.kind === 'PartialObjectMetadata' && !('spec' in item)));
  });
});

describe('watches', () => {
  it('start with the present state, mark its end, and go on with changes', async () => {
    await using own = await freshNamespace('kube-watch');
    const object = aWidget(type, own.name, 'seen', { size: 1 });
    await client.create(type, object);
    const seen: string[] = [];
    const options = { namespace: own.name, resourceVersion: '', sendInitialEvents: true };
    for await (const event of client.watch(type, options)) {
      seen.push(describeEvent(event));
      if (seen.length === 2) await client.patch(type, { namespace: own.name, name: 'seen' }, { spec: { size: 2 } }, { kind: 'merge' });
      if (seen.length === 3) await client.delete(type, { namespace: own.name, name: 'seen' });
      if (seen.length === 4) break;
    }
    assert.deepEqual(seen, ['ADDED seen', 'BOOKMARK initial-events-end', 'MODIFIED seen', 'DELETED seen']);
  });

  it('that are refused throw before the first event', async () => {
    const refused = async () => {
      for await (const _ of client.watch({ ...type, plural: 'gadgets' }, { resourceVersion: '' })) assert.fail('there was an event');
    };
    await assert.rejects(refused(), isResourceAbsent);
  });

  it('end when the server ends them', async () => {
    const { resourceVersion } = await client.list(type);
    for await (const { type: kind } of client.watch(type, { resourceVersion, timeoutSeconds: 1 })) assert.equal(kind, 'BOOKMARK');
  });
});

describe('who we are', () => {
  it('is in the audit log, as Kubernetes programs write it', async () => {
    const mark = auditMark();
    await client.create(type, widget('audited'));
    const [write] = await auditSince(mark, (event) => event.objectRef?.name === 'audited' && isWrite(event));
    assert.match(write?.userAgent ?? '', /^kube-test\/1\.2\.3 \(linux\/(amd64|arm64)\)$/);
  });

  it('decides what we may do: a user without a role is refused in the API server’s words', async () => {
    await using nobody = await impersonating('nobody');
    await assert.rejects(
      nobody.list(type, { namespace: namespace.name }),
      (error) => isForbidden(error) && /User "nobody" cannot list resource "widgets"/.test(error.message),
    );
  });
});

describe('the rest of the API', () => {
  it('cluster-scoped objects, versions and groups can be read', async () => {
    assert.deepEqual((await client.list(nodes)).resourceVersion !== '', true);
    const { gitVersion } = (await client.raw('/version')) as { gitVersion: string };
    assert.match(gitVersion, /^v1\./);
  });

  it('logs of a pod that is not there are NotFound', async () => {
    await assert.rejects(client.podLogs(keyOf('nobody'), { tailLines: 1 }), isNotFound);
    await assert.rejects(client.get(pods, keyOf('nobody')), isNotFound);
  });
});

function describeEvent({ type: kind, object }: WatchEvent): string {
  const { name, annotations } = (object as Widget).metadata;
  return kind === 'BOOKMARK'
    ? `BOOKMARK ${annotations?.['k8s.io/initial-events-end'] === 'true' ? 'initial-events-end' : ''}`
    : `${kind} ${name}`;
}
