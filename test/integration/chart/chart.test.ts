/** The chart as Helm renders it: snapshots, and that every value reaches something. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { chartFolder, Helm, type Rendered } from '../../support/helm.ts';
import { changedValues, everything } from './all-values.ts';

let helm: Helm;
before(async () => {
  helm = await Helm.get();
});
after(() => helm?.[Symbol.dispose]());

/** Without CRDs and roles, which are compared with their sources below. */
const short = { crds: { install: false }, rbac: { create: false, tenantRoles: false } };
const monitoring = ['--api-versions', 'monitoring.coreos.com/v1'];

describe('the chart', () => {
  it('has nothing that helm lint finds', async () => {
    for (const values of [{}, everything]) {
      const said = await helm.run(['lint', chartFolder, '--strict'], { values });
      assert.match(said, /1 chart\(s\) linted, 0 chart\(s\) failed/);
      assert.doesNotMatch(said, /\[WARNING\]|\[ERROR\]/);
    }
  });

  const snapshots: readonly [file: string, values: object][] = [
    ['default', short],
    ['everything', { ...everything, ...short }],
    ['one-namespace', { ...short, namespaces: ['models'] }],
  ];
  for (const [file, values] of snapshots) {
    it(`renders as in the snapshot ${file}`, async (test) => {
      // Another version number changes no object.
      const text = (await helm.template(values, monitoring)).replaceAll(
        /(helm\.sh\/chart: modelwright-|app\.kubernetes\.io\/version: |image: "modelwright:).*$/gm,
        '$1…',
      );
      test.assert.fileSnapshot(text, join(import.meta.dirname, `${file}.golden.yaml`), { serializers: [(value) => value] });
    });
  }

  it('installs every CRD of crds/, unchanged', async () => {
    const rendered = (await helm.objects()).filter(({ kind }) => kind === 'CustomResourceDefinition');
    const files = globSync(join(chartFolder, '../../crds/*.yaml')).sort();
    const own = files.flatMap((file) => loadAll(readFileSync(file, 'utf8')) as Rendered[]);
    assert.deepEqual(
      rendered.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name)).map(({ metadata, spec }) => [metadata.name, spec]),
      own.map(({ metadata, spec }) => [metadata.name, spec]),
    );
    for (const { metadata } of rendered) assert.equal(metadata.annotations?.['helm.sh/resource-policy'], 'keep');
  });

  it('grants the operator what the manifests grant, and binds it', async () => {
    const ofKind = (objects: readonly Rendered[], ...kinds: string[]) => objects.filter(({ kind }) => kinds.includes(kind));
    const rules = (objects: readonly Rendered[]) =>
      ofKind(objects, 'ClusterRole', 'Role')
        .map(({ kind, metadata, rules }) => ({ kind, name: metadata.name, rules }))
        .toSorted((a, b) => a.name.localeCompare(b.name));
    const rendered = await helm.objects();
    assert.deepEqual(rules(rendered), rules(manifests('operator')));
    for (const binding of ofKind(rendered, 'ClusterRoleBinding', 'RoleBinding')) {
      assert.deepEqual(binding['subjects'], [{ kind: 'ServiceAccount', name: 'modelwright', namespace: 'modelwright-system' }]);
      assert.equal((binding['roleRef'] as { name: string }).name, binding.metadata.name);
    }
    assert.equal(
      ofKind(rendered, 'ClusterRoleBinding', 'RoleBinding').length,
      ofKind(manifests('operator'), 'ClusterRoleBinding', 'RoleBinding').length,
    );
  });

  it('makes nothing outside its namespaces where that is asked for', async () => {
    const values = {
      ...everything,
      operator: {},
      crds: { install: false },
      namespaces: ['a', 'b'],
      rbac: { tenantRoles: false },
      admissionPolicy: { enabled: false },
    };
    const rendered = await helm.objects(values, monitoring);
    const places = new Set(rendered.map(({ metadata }) => metadata.namespace));
    assert.deepEqual([...places].sort(), ['a', 'b', 'modelwright-system']);
    assert.deepEqual(
      rendered.filter(({ kind, metadata }) => kind === 'RoleBinding' && metadata.namespace === 'a').map(({ subjects }) => subjects),
      [[{ kind: 'ServiceAccount', name: 'modelwright', namespace: 'modelwright-system' }]],
    );
  });

  it('puts the registry in front of every image, those of Jobs included', async () => {
    const [deployment] = (await helm.objects(everything, monitoring)).filter(({ kind }) => kind === 'Deployment');
    const { template } = (deployment ?? assert.fail('no Deployment'))['spec'] as {
      template: { spec: { containers: { image: string; env: { name: string; value: string }[] }[] } };
    };
    const image = `mirror.example:5000/modelwright/modelwright@sha256:${'a'.repeat(64)}`;
    for (const container of template.spec.containers) {
      assert.equal(container.image, image);
      assert.deepEqual(
        container.env.filter(({ name }) => name.endsWith('IMAGE')),
        [{ name: 'MODELWRIGHT_IMAGE', value: image }],
      );
    }
  });

  it('gives the same labels and annotations of yours to everything', async () => {
    for (const { kind, metadata } of await helm.objects(everything, monitoring)) {
      assert.equal(metadata.labels?.['team'], 'serving', `${kind} ${metadata.name}`);
      assert.equal(metadata.annotations?.['example.com/owner'], 'serving', `${kind} ${metadata.name}`);
    }
  });

  it('lets two releases live beside each other, each in its namespaces', async () => {
    const names = async (release: string, namespace: string) => {
      const text = await helm.run(['template', release, chartFolder, '--namespace', namespace], {
        values: { ...everything, operator: {}, namespaces: [namespace], ...short, rbac: { tenantRoles: false } },
      });
      return (loadAll(text) as Rendered[]).map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    };
    const [one, two] = [new Set(await names('one', 'a')), await names('two', 'b')];
    assert.deepEqual(
      two.filter((name) => one.has(name)),
      [],
    );
  });
});

describe('every value of the chart', () => {
  let basis: string;
  before(async () => {
    basis = await helm.template(everything, monitoring);
  });
  for (const { path, values, beside } of changedValues()) {
    it(`${path} reaches something`, async () => {
      const base = merged(everything, beside);
      const before = Object.keys(beside).length === 0 ? basis : await helm.template(base, monitoring);
      assert.notEqual(await helm.template(merged(base, values), monitoring), before, `${path} changes nothing`);
    });
  }
});

describe('a mistake in the values is refused before anything is rendered', () => {
  const mistakes: readonly [name: string, values: object, words: RegExp][] = [
    ['a misspelt value', { replicaCount: 2 }, /replicaCount/],
    ['a misspelt flag', { operator: { worker: 2 } }, /worker/],
    ['a digest that is none', { image: { digest: 'latest' } }, /digest/],
    ['a level that is none', { operator: { logLevel: 'loud' } }, /logLevel/],
    ['text where a number belongs', { replicas: '2' }, /replicas/],
    ['a registry that ends in a slash', { registry: 'mirror.example/' }, /registry/],
    [
      'the ServingPlatform with a Role only',
      { namespaces: ['a'], operator: { managePlatform: true } },
      /managePlatform cannot be true with namespaces/,
    ],
    [
      'a monitor without a Service',
      { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
      /needs metrics\.service\.enabled/,
    ],
    ['no service account at all', { serviceAccount: { create: false } }, /serviceAccount\.name must name an account/],
  ];
  for (const [name, values, words] of mistakes) {
    it(name, () => assert.rejects(helm.template(values), words));
  }
});

/** The objects in a folder of manifests. */
function manifests(folder: string): Rendered[] {
  const files = globSync(join(chartFolder, `../../manifests/${folder}/*.yaml`)).sort();
  return files.flatMap((file) => loadAll(readFileSync(file, 'utf8')) as Rendered[]);
}

/** Maps are joined, lists and all else replaced, as Helm does. */
function merged(base: object, over: object): object {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const before = result[name];
    const bothMaps = isMap(before) && isMap(value);
    result[name] = bothMaps ? merged(before, value) : value;
  }
  return result;
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
