import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { appliedFields, prune } from './prune.ts';
import { aWidget } from './testing/builders.ts';

const entry = {
  manager: 'modelwright',
  operation: 'Apply',
  apiVersion: 'test.modelwright.dev/v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': { 'f:size': {} } },
};

function aManagedWidget(...managedFields: object[]) {
  return aWidget('a', {
    metadata: { managedFields, annotations: { keep: 'me', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } as object,
  });
}

describe('pruning an object', () => {
  it('drops managedFields and kubectl’s copy, in place, and keeps the rest', () => {
    const widget = aManagedWidget(entry);
    assert.equal(prune(widget, 'modelwright'), widget);
    assert.deepEqual(JSON.parse(JSON.stringify(widget.metadata)), { ...aWidget('a').metadata, annotations: { keep: 'me' } });
  });

  it('remembers what we have applied, under the version that we applied it in', () => {
    const widget = prune(aManagedWidget({ ...entry, manager: 'kubectl' }, entry), 'modelwright');
    assert.deepEqual(appliedFields(widget, 'test.modelwright.dev/v1'), entry.fieldsV1);
    assert.equal(appliedFields(widget, 'test.modelwright.dev/v2'), undefined);
  });

  it('shares the field sets of objects of one shape', () => {
    const fields = () => appliedFields(prune(aManagedWidget(structuredClone(entry)), 'modelwright'), 'test.modelwright.dev/v1');
    assert.equal(fields(), fields());
  });

  it('shares them though each object has owners of its own, and keeps those apart', () => {
    const ownedBy = (uid: string) => ({ 'f:metadata': { 'f:labels': { 'f:a': {} }, 'f:ownerReferences': { [`k:{"uid":"${uid}"}`]: {} } } });
    const fieldsOf = (uid: string) => {
      const fieldsV1 = { ...entry.fieldsV1, ...ownedBy(uid) };
      return { fieldsV1, kept: appliedFields(prune(aManagedWidget({ ...entry, fieldsV1 }), 'modelwright'), 'test.modelwright.dev/v1') };
    };
    const [one, two] = [fieldsOf('1'), fieldsOf('2')];
    assert.deepEqual(one.kept, one.fieldsV1);
    assert.deepEqual(two.kept, two.fieldsV1);
    assert.equal(one.kept?.['f:spec'], two.kept?.['f:spec']);
  });

  for (const [what, entries] of [
    ['nobody applied', []],
    ['somebody else applied', [{ ...entry, manager: 'kubectl' }]],
    ['we updated', [{ ...entry, operation: 'Update' }]],
    ['we applied to status', [{ ...entry, subresource: 'status' }]],
    ['we applied in two versions', [entry, { ...entry, apiVersion: 'test.modelwright.dev/v2' }]],
  ] as const) {
    it(`remembers nothing where ${what}`, () => {
      assert.equal(appliedFields(prune(aManagedWidget(...entries), 'modelwright'), 'test.modelwright.dev/v1'), undefined);
    });
  }
});
