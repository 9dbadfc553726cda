/**
 * Pods of the real KServe and Knative before the real Pod Security admission, in a namespace that enforces `restricted`: with what is rendered there they are
 * admitted, in both modes and without a feature flag of Knative, and without it they are refused, which is explained.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import type { DeploymentMode } from '../../../src/api/model-deployment/serving.ts';
import type { PodSecurity } from '../../../src/api/pod-security.ts';
import { renderStorageContainer } from '../../../src/controllers/deployment/packaging/storage-container.ts';
import type { Dialect } from '../../../src/kserve/dialect.ts';
import type { PodObject } from '../../../src/kserve/observation.ts';
import { enforceLabel, isRestricted } from '../../../src/kserve/pod-security.ts';
import { apply, eventually, freshNamespace, get, kubectl } from '../../support/cluster.ts';
import { KSERVE_VARIABLE, required } from '../../support/environment.ts';
import { clusterDialect, Served } from './cluster.ts';

const minor = Number(required(KSERVE_VARIABLE).split('.')[1]);
/** Older ones come without Knative. */
const modes: readonly DeploymentMode[] = minor >= 15 ? ['Standard', 'Knative'] : ['Standard'];
/** KServe 0.9 and 0.7 ask for autoscalers in a version that Kubernetes has no more, and stop at the predictor's: the transformer comes after it. */
const components = minor >= 11 ? 2 : 1;
const storageUri = `https://models.blob.core.windows.net/models/${'ab'.repeat(32)}`;

let namespace: string;
let dialect: Dialect;
let dispose: () => Promise<void>;

before(async () => {
  const created = await freshNamespace('restricted');
  namespace = created.name;
  dispose = async () => created[Symbol.asyncDispose]();
  await kubectl(['label', 'namespace', namespace, `${enforceLabel}=restricted`, `${enforceLabel}-version=latest`]);
  dialect = { ...(await clusterDialect()).dialect, hasStorageContainer: minor >= 11 };
  if (minor < 11) return;
  const nobody = { apiVersion: 'v1', kind: 'Namespace', name: namespace, uid: '' };
  const { metadata, ...container } = renderStorageContainer({}, 'registry.example.com/modelwright:1', nobody);
  await apply({ ...container, metadata: { name: metadata.name, labels: metadata.labels } });
});
after(async () => {
  await kubectl(['delete', 'clusterstoragecontainer', 'modelwright', '--ignore-not-found']).catch(() => undefined);
  await dispose();
});

function served(name: string, mode: DeploymentMode, podSecurity: PodSecurity): Served {
  const deployment: ModelDeployment = {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: {
      runtime: { type: 'Triton' },
      podSecurity,
      source: { storageUri },
      resources: { limits: { cpu: '100m', memory: '128Mi' } },
      // By digest, so that Knative asks no registry for one.
      transformer: { image: `registry.example.com/resize@sha256:${'cd'.repeat(32)}` },
    },
  };
  return new Served(deployment, dialect, mode);
}

async function pods(name: string): Promise<PodObject[]> {
  const selector = `serving.kserve.io/inferenceservice=${name}`;
  return (JSON.parse(await kubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'json'])) as { items: PodObject[] }).items;
}

describe('a namespace that enforces restricted', () => {
  it('is told from its label', async () => {
    const { metadata } = await get<{ metadata: { labels: Record<string, string> } }>('namespace', namespace);
    const { deployment } = served('any', 'Standard', 'Auto');
    assert.equal(isRestricted(deployment, { namespaceLabels: metadata.labels }), true);
  });

  for (const mode of modes) {
    it(`admits the pods of a model and its transformer in ${mode} mode`, async () => {
      await using model = served(`admitted-${mode.toLowerCase()}`, mode, 'Restricted');
      await model.apply();
      const name = model.deployment.metadata.name;
      const found = await eventually(
        () => pods(name),
        (seen) => new Set(seen.map(({ metadata }) => metadata.labels?.['component'])).size === components,
        120,
      );
      const containers = found.flatMap(({ spec }) => [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]);
      assert.ok(containers.some(({ name }) => name === 'storage-initializer'));
      assert.equal(
        containers.some(({ name }) => name === 'queue-proxy'),
        mode === 'Knative',
      );
    });

    it(`refuses them without the context in ${mode} mode, and the cause names the remedy`, async () => {
      await using model = served(`refused-${mode.toLowerCase()}`, mode, 'Unset');
      await model.apply();
      const { cause } = await model.until(({ cause }) => cause?.reason === 'PodRefused', 120);
      assert.match(cause?.message ?? '', /violates PodSecurity "restricted:latest".*To solve it: /);
      assert.deepEqual(await pods(model.deployment.metadata.name), []);
    });
  }
});
