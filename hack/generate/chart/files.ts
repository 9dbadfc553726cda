/** What the chart and the manifests have that follows from the sources. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import type { KindDefinition } from '../../../src/api/kind.ts';
import { toYaml } from '../yaml.ts';
import { crdTemplate } from './crd-template.ts';
import { dashboard } from './dashboard.ts';
import { peopleRoles } from './people-roles.ts';
import { chartRoles } from './roles.ts';
import { chartValues } from './values.ts';
import { valuesPage } from './values-page.ts';
import { valuesSchema } from './values-schema.ts';
import { valuesYaml } from './values-yaml.ts';

/** Any of our kinds. */
export type AnyKind = Omit<KindDefinition<never>, 'object'>;

const root = join(import.meta.dirname, '../../..');
const chart = 'charts/modelwright';
const header = (from: string) => `# Generated from ${from} by "npm run generate"; do not edit.\n`;

/** The chart's part of the generated files: path from the repository's root, and content. */
export function chartFiles(kinds: readonly AnyKind[]): [path: string, content: string][] {
  const roles = peopleRoles(kinds);
  return [
    [`${chart}/Chart.yaml`, chartYaml()],
    [`${chart}/values.yaml`, valuesYaml(chartValues)],
    [`${chart}/values.schema.json`, `${JSON.stringify(valuesSchema(chartValues), null, 2)}\n`],
    ['docs/reference/chart.md', valuesPage(chartValues)],
    [`${chart}/files/roles.yaml`, `${header('manifests/operator and manifests/namespaced')}${toYaml(chartRoles())}`],
    [`${chart}/files/people-roles.yaml`, `${header('src/api')}${toYaml({ roles })}`],
    [`${chart}/files/dashboard.json`, `${JSON.stringify(dashboard, null, 2)}\n`],
    ['manifests/operator/user-roles.yaml', `${header('src/api')}${roles.map(peopleRole).join('---\n')}`],
    ['crds/Kustomization', crdKustomization(kinds)],
    ['manifests/monitoring/prometheus-rule.yaml', prometheusRule()],
    ...kinds.map((kind): [string, string] => [`${chart}/templates/crd-${kind.plural}.yaml`, crdTemplate(kind)]),
    ...['policies', 'bindings'].map((name): [string, string] => [
      `${chart}/files/admission-${name}.yaml`,
      `${header('manifests/admission')}${readFileSync(join(root, `manifests/admission/${name}.yaml`), 'utf8')}`,
    ]),
  ];
}

function chartYaml(): string {
  const { version, description, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, string>;
  return `${header('package.json')}${toYaml({
    apiVersion: 'v2',
    name: 'modelwright',
    description,
    type: 'application',
    version,
    appVersion: version,
    // ValidatingAdmissionPolicy and the CEL of the CRDs.
    kubeVersion: '>=1.30.0-0',
    keywords: ['kserve', 'machine-learning', 'model-serving', 'operator'],
    annotations: { 'artifacthub.io/license': license, 'artifacthub.io/operator': 'true' },
  })}`;
}

/** Not named *.yaml, so that `kubectl apply -f crds/` takes the definitions alone. */
function crdKustomization(kinds: readonly AnyKind[]): string {
  const resources = kinds.map(({ group, plural }) => `${group}_${plural}.yaml`).toSorted();
  return `${header('src/api')}${toYaml({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources })}`;
}

/** The alerts of the chart, for those who install without Helm. */
function prometheusRule(): string {
  const file = join(root, `${chart}/files/alerts.yaml`);
  return `${header('charts/modelwright/files/alerts.yaml')}${toYaml({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'modelwright', namespace: 'modelwright-system', labels: { 'app.kubernetes.io/name': 'modelwright' } },
    spec: load(readFileSync(file, 'utf8')),
  })}`;
}

function peopleRole({ name, says, joins, rules }: ReturnType<typeof peopleRoles>[number]): string {
  const labels = {
    'app.kubernetes.io/name': 'modelwright',
    ...Object.fromEntries(joins.map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true'])),
  };
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `modelwright-${name}`, labels },
    rules,
  };
  return `# ${says}\n${toYaml(role)}`;
}
