import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FieldSet } from '../../../kube/field-set.ts';
import { gitOpsOf, markedBy } from './gitops.ts';
import { type Live, type ManagedFields, managerOf, specToApply, unmet } from './ownership.ts';

const manager = managerOf('nightly');
const entry = (name: string, spec: FieldSet, operation = 'Apply'): ManagedFields => ({
  manager: name,
  operation,
  fieldsV1: { 'f:spec': spec },
});
function live(spec: object, managedFields: readonly ManagedFields[] = []): Live {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: 'iris', uid: 'u', resourceVersion: '1', creationTimestamp: '', managedFields },
    spec,
  };
}

describe('what is applied', () => {
  it('is what changes, and nothing that others have said', () => {
    const object = live({ scaling: { minReplicas: 2, maxReplicas: 2 } }, [entry('kubectl', { 'f:scaling': { 'f:minReplicas': {} } })]);
    assert.deepEqual(specToApply(object, { scaling: { containerConcurrency: 8 } }, manager), { scaling: { containerConcurrency: 8 } });
  });
  it('keeps what we applied before, as it is now, since what is left out is removed', () => {
    const fields = { 'f:scaling': { 'f:containerConcurrency': {} }, 'f:resources': { 'f:limits': { '.': {}, 'f:cpu': {} } } };
    const object = live({ scaling: { containerConcurrency: 8 }, resources: { limits: { cpu: '4', memory: '1Gi' } } }, [
      entry(manager, fields),
    ]);
    assert.deepEqual(specToApply(object, { scaling: { containerConcurrency: 4 } }, manager), {
      scaling: { containerConcurrency: 4 },
      resources: { limits: { cpu: '4' } },
    });
  });
  it('leaves out what is to go, and the objects that would be empty without it', () => {
    const object = live({ scaling: { containerConcurrency: 8 } }, [entry(manager, { 'f:scaling': { 'f:containerConcurrency': {} } })]);
    assert.equal(specToApply(object, { scaling: { containerConcurrency: null } }, manager), undefined);
  });
  it('takes lists whole', () => {
    const object = live({ scheduling: { tolerations: [{ key: 'a' }] } }, [entry(manager, { 'f:scheduling': { 'f:tolerations': {} } })]);
    assert.deepEqual(specToApply(object, {}, manager), { scheduling: { tolerations: [{ key: 'a' }] } });
  });
  it('does not take over what another profile has applied', () => {
    const object = live({ scaling: { containerConcurrency: 8 } }, [
      entry(managerOf('other'), { 'f:scaling': { 'f:containerConcurrency': {} } }),
    ]);
    assert.deepEqual(specToApply(object, { gpu: { count: 1 } }, manager), { gpu: { count: 1 } });
  });
});

describe('what did not come about', () => {
  const gpu = { gpu: { count: 2 } };
  it('is told with the one who holds it', () => {
    const object = live(gpu, [entry('kubectl', { 'f:gpu': { 'f:count': {} } }, 'Update')]);
    assert.deepEqual(unmet(object, { spec: gpu }, { gpu: null }, manager), [{ manager: 'kubectl', field: 'spec.gpu' }]);
    assert.deepEqual(unmet(object, { spec: {} }, { gpu: null }, manager), []);
  });
  it('is no conflict where a default takes the place of what is removed', () =>
    assert.deepEqual(unmet(live(gpu), { spec: gpu }, { gpu: null }, manager), []));
});

describe('the field manager', () => {
  it('is one for each profile, and never too long for the API server', () => {
    assert.equal(manager, 'modelwright-profile/nightly');
    const [a, b] = ['a', 'b'].map((end) => managerOf(`${'x'.repeat(200)}${end}`));
    assert.equal(a?.length, 128);
    assert.notEqual(a, b);
  });
});

describe('a ModelDeployment that comes from a repository', () => {
  const cases: readonly (readonly [tool: string | undefined, metadata: object])[] = [
    ['Argo CD', { annotations: { 'argocd.argoproj.io/tracking-id': 'app:modelwright.dev/ModelDeployment:models/iris' } }],
    ['Argo CD', { labels: { 'argocd.argoproj.io/instance': 'app' } }],
    ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }],
    ['Flux', { labels: { 'helm.toolkit.fluxcd.io/name': 'apps' } }],
    ['Helm', { annotations: { 'meta.helm.sh/release-name': 'iris' } }],
    ['Helm', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }],
    ['Argo CD', { labels: { 'app.kubernetes.io/instance': 'app' }, managedFields: [entry('argocd-controller', { 'f:runtime': {} })] }],
    ['Argo CD', { managedFields: [entry('argocd-application-controller', { 'f:runtime': {} }, 'Update')] }],
    ['Flux', { managedFields: [entry('kustomize-controller', { 'f:runtime': {} })] }],
    ['Flux', { managedFields: [entry('helm-controller', { 'f:runtime': {} }, 'Update')] }],
    ['Helm', { managedFields: [entry('helm', { 'f:runtime': {} }, 'Update')] }],
    [undefined, { labels: { 'app.kubernetes.io/instance': 'app', 'app.kubernetes.io/managed-by': 'kubectl' } }],
    [undefined, { managedFields: [entry('kubectl', { 'f:runtime': {} })] }],
    [undefined, { managedFields: [{ manager: 'argocd-controller', operation: 'Apply', fieldsV1: { 'f:metadata': {} } }] }],
    [undefined, { managedFields: [{ ...entry('helm', {}), subresource: 'status' }] }],
  ];
  for (const [tool, metadata] of cases) {
    it(`is ${tool ?? 'nobody’s'}: ${JSON.stringify(metadata).slice(0, 90)}`, () => {
      const found = gitOpsOf({ name: 'iris', ...metadata });
      assert.equal(found?.tool, tool);
      if (!('managedFields' in metadata)) assert.deepEqual(markedBy(metadata), found);
    });
  }
});
