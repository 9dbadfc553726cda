/**
 * What Argo CD, Flux and kstatus make of our objects, by their own code, with the health checks that we ship; and what Prometheus makes of the
 * alerts and the dashboard.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { load } from 'js-yaml';
import { modelDeployment } from '../../../src/api/model-deployment/index.ts';
import type { ModelProfile } from '../../../src/api/model-profile/index.ts';
import { modelProfile } from '../../../src/api/model-profile/index.ts';
import { servingPlatform } from '../../../src/api/serving-platform/index.ts';
import { exposeResults } from '../../../src/controllers/profile/metrics.ts';
import { exposeVerdicts } from '../../../src/controllers/profile/regression/metrics.ts';
import { modelProfiles } from '../../../src/controllers/profile/resources.ts';
import { ObjectStore } from '../../../src/kube/object-store.ts';
import '../../../src/controllers/deployment/metrics.ts';
import '../../../src/kube/metrics.ts';
import { dashboard } from '../../../hack/generate/chart/dashboard.ts';
import { registerProcessMetrics, registry } from '../../../src/telemetry/registry.ts';
import { type Health, judged } from '../../support/judges.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const script = read('manifests/gitops/argocd/health.lua');
const { spec: fluxSpec } = load(read('manifests/gitops/flux/kustomization.yaml')) as {
  spec: { healthCheckExprs: { kind: string; apiVersion: string; inProgress: string; failed: string; current: string }[] };
};

const condition = (type: string, status: string, reason = 'Because', message = `${type} is ${status}`) => ({
  type,
  status,
  reason,
  message,
});
const object = (
  kind: string,
  conditions?: readonly object[],
  more: { spec?: object; generation?: number; observedGeneration?: number } = {},
) => ({
  apiVersion: 'modelwright.dev/v1alpha1',
  kind,
  metadata: { name: 'x', namespace: 'y', generation: more.generation ?? 2 },
  spec: more.spec ?? {},
  ...(conditions !== undefined && { status: { observedGeneration: more.observedGeneration ?? 2, conditions } }),
});

/** kstatus alone takes no status for well done. Flux counts an expression that cannot be evaluated as unknown, and waits. */
const table: readonly [name: string, ReturnType<typeof object>, Health][] = [
  [
    'a model that serves',
    object('ModelDeployment', [condition('Ready', 'True')]),
    { argo: 'Healthy', flux: 'Current', kstatus: 'Current' },
  ],
  [
    'a model that nobody has looked at',
    object('ModelDeployment'),
    { argo: 'Progressing', flux: 'Error: failed to evaluate', kstatus: 'Current' },
  ],
  [
    'a change that nobody has looked at',
    object('ModelDeployment', [condition('Ready', 'True')], { generation: 3 }),
    { argo: 'Progressing', flux: 'InProgress', kstatus: 'InProgress' },
  ],
  [
    'a model that is being loaded',
    object('ModelDeployment', [condition('Ready', 'False', 'Loading'), condition('Reconciling', 'True')]),
    { argo: 'Progressing', flux: 'InProgress', kstatus: 'InProgress' },
  ],
  [
    'a model that waits for a node',
    object('ModelDeployment', [condition('Ready', 'False', 'Unschedulable'), condition('Reconciling', 'True')]),
    { argo: 'Progressing', flux: 'InProgress', kstatus: 'InProgress' },
  ],
  [
    'a model that cannot be pulled',
    object('ModelDeployment', [
      condition('Ready', 'False', 'ImagePullFailed'),
      condition('Stalled', 'True', 'ImagePullFailed', 'no such image'),
    ]),
    { argo: 'Degraded', argoMessage: 'no such image', flux: 'Failed', kstatus: 'Failed' },
  ],
  [
    'a model that is suspended',
    object('ModelDeployment', [condition('Ready', 'False', 'Suspended')], { spec: { suspend: true } }),
    { argo: 'Suspended', flux: 'Current', kstatus: 'InProgress' },
  ],
  [
    'a model that is being suspended',
    object('ModelDeployment', [condition('Ready', 'False', 'Suspending'), condition('Reconciling', 'True')], { spec: { suspend: true } }),
    { argo: 'Progressing', flux: 'InProgress', kstatus: 'InProgress' },
  ],
  [
    'a profile that measures',
    object('ModelProfile', [condition('Ready', 'Unknown'), condition('Reconciling', 'True')]),
    { argo: 'Progressing', flux: 'InProgress', kstatus: 'InProgress' },
  ],
  [
    'a profile with results that keep no objective: that is a result',
    object('ModelProfile', [condition('Ready', 'True'), condition('SLOMet', 'False')]),
    { argo: 'Healthy', flux: 'Current', kstatus: 'Current' },
  ],
  [
    'a profile that is worse than its baseline',
    object('ModelProfile', [condition('Ready', 'True'), condition('Regressed', 'True', 'Slower', 'p99 12 % slower')]),
    { argo: 'Degraded', argoMessage: 'p99 12 % slower', flux: 'Failed', kstatus: 'Current' },
  ],
  [
    'a profile of what has changed since',
    object('ModelProfile', [condition('Ready', 'True'), condition('Stale', 'True')]),
    { argo: 'Healthy', flux: 'Current', kstatus: 'Current' },
  ],
  [
    'a platform in effect',
    object('ServingPlatform', [condition('Ready', 'True')]),
    { argo: 'Healthy', flux: 'Current', kstatus: 'Current' },
  ],
  [
    'a platform that somebody fights',
    object('ServingPlatform', [condition('Ready', 'False', 'Conflict'), condition('Conflict', 'True'), condition('Stalled', 'True')]),
    { argo: 'Degraded', flux: 'Failed', kstatus: 'Failed' },
  ],
];

describe('health', () => {
  for (const [name, one, expected] of table) {
    it(name, async () => {
      const flux = fluxSpec.healthCheckExprs.find(({ kind }) => kind === one.kind);
      const [health] = (await judged({ objects: [one], script, ...(flux !== undefined && { flux }) })).health ?? [];
      assert.ok(health);
      assert.equal(health.argo, expected.argo);
      assert.equal(health.kstatus, expected.kstatus);
      assert.equal(health.flux?.slice(0, expected.flux?.length), expected.flux);
      if (expected.argoMessage !== undefined) assert.equal(health.argoMessage, expected.argoMessage);
    });
  }

  it('is checked for every kind, in Argo CD as in Flux', () => {
    const kinds = [modelDeployment, modelProfile, servingPlatform].map(({ kind }) => kind);
    assert.deepEqual(
      fluxSpec.healthCheckExprs.map(({ kind }) => kind),
      kinds,
    );
    const argo = read('manifests/gitops/argocd/kustomization.yaml');
    for (const kind of kinds) assert.match(argo, new RegExp(`resource\\.customizations\\.health\\.modelwright\\.dev_${kind}=health\\.lua`));
  });
});

describe('alerts and dashboard', () => {
  registerProcessMetrics();
  const profiles = new ObjectStore<ModelProfile>(modelProfiles);
  exposeResults(profiles);
  exposeVerdicts(profiles);
  // The gauge of models is made with the store that it counts.
  const known = async () => [...(await registry.getMetricsAsJSON()).map(({ name }) => name), 'modelwright_deployments', 'up'];

  it('are good PromQL over metrics that the operator has', async () => {
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')));
    const { metrics = [], errors = [] } = await judged({ rules: read('charts/modelwright/files/alerts.yaml'), expressions });
    assert.deepEqual(errors, []);
    const names = new Set(await known());
    const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
    assert.deepEqual(
      metrics.filter((name) => !names.has(name) && !names.has(base(name))),
      [],
    );
    assert.ok(metrics.length > 10);
  });

  it('the judge would have noticed', async () => {
    const { errors, metrics } = await judged({ expressions: ['sum(', 'rate(no_such_metric_total[5m])'] });
    assert.equal(errors?.length, 1);
    assert.deepEqual(metrics, ['no_such_metric_total']);
  });
});
