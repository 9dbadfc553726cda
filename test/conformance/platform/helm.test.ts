/** KServe's and Knative's shared ConfigMaps under the hands of the real Helm, of both lines that people use: upgraded, and deleted and made anew. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { getBinaries } from '../../../hack/controlplane/binaries.ts';
import { cachedFiles } from '../../../hack/controlplane/cache.ts';
import { KNATIVE, kserve, managerOf } from '../../../hack/controlplane/catalog.ts';
import { KSERVE_MODULE } from '../../../hack/controlplane/kserve-releases.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { inferenceServiceDefinition } from '../../integration/deployment/light-kserve.ts';
import { OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { type ConfigMap, declare, isReady, platformWhere, removePlatform } from '../../integration/platform/objects.ts';
import { ownPlane } from '../../integration/platform/own-plane.ts';
import { apply, eventually, get } from '../../support/cluster.ts';
import { Helm } from '../../support/helm.ts';

const skipKey = 'registries-skipping-tag-resolving';
const chart = mkdtempSync(join(tmpdir(), 'platform-chart-'));

/** The data of a ConfigMap in a file that a release ships. */
function shippedData(file: string, name: string): Record<string, string> {
  const objects = loadAll(readFileSync(file, 'utf8')) as ({ metadata: { name: string }; data?: Record<string, string> } | null)[];
  const data = objects.find((object) => object?.metadata.name === name)?.data;
  assert.ok(data, `${file} has ${name}`);
  return data;
}

/** A chart of the two ConfigMaps as KServe 0.7.0 and Knative ship them. `later` is what the next release changes beside us. */
function writeChart(): void {
  const configMap = (name: string, namespace: string) => `
{{- $data := .Files.Get "${name}.json" | fromJson }}
{{- if .Values.later }}{{ $data = merge (dict "later" "yes") $data }}{{ end }}
{{- if and .Values.later $data.predictors }}{{ $_ := set $data "predictors" ($data.predictors | replace "onnxruntime" "onnxruntime-two") }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${namespace}}
data: {{ $data | toJson }}
---`;
  const release = cachedFiles(kserve('0.7.0'), KSERVE_MODULE);
  const serving = cachedFiles(KNATIVE, 'knative.dev/serving');
  mkdirSync(join(chart, 'templates'));
  const write = (name: string, text: string) => writeFileSync(join(chart, name), text);
  write('Chart.yaml', 'apiVersion: v2\nname: serving\nversion: 1.0.0\n');
  write('values.yaml', 'later: false\n');
  write('templates/config.yaml', configMap('inferenceservice-config', 'kserve') + configMap('config-deployment', 'knative-serving'));
  write(
    'inferenceservice-config.json',
    JSON.stringify(shippedData(join(release, 'config/configmap/inferenceservice.yaml'), 'inferenceservice-config')),
  );
  write(
    'config-deployment.json',
    JSON.stringify(shippedData(join(serving, 'config/core/configmaps/deployment.yaml'), 'config-deployment')),
  );
}

let plane: ControlPlane;
let operator: OperatorProcess;

before(async () => {
  await getBinaries(
    [
      { component: kserve('0.7.0'), binaries: [managerOf('0.7.0')] },
      { component: KNATIVE, binaries: ['knative-controller'] },
    ],
    {
      say: console.error,
    },
  );
  writeChart();
  plane = await ownPlane('conformance');
  // An InferenceService without predictor.model is that of KServe 0.7, which takes its images from the ConfigMap.
  const { spec, ...definition } = inferenceServiceDefinition;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'knative-serving' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kserve' } },
    { ...definition, spec: { ...spec, versions: spec.versions.map((version) => ({ ...version, schema })) } },
  ]);
  operator = await OperatorProcess.start(['default']);
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
  rmSync(chart, { recursive: true, force: true });
});

const deployment = () => get<ConfigMap>('configmap', 'config-deployment', 'knative-serving');
const inference = () => get<ConfigMap>('configmap', 'inferenceservice-config', 'kserve');
const versionIn = (configMap: ConfigMap) =>
  (JSON.parse(configMap.data?.['predictors'] ?? '{}') as { triton?: { defaultImageVersion?: string } }).triton?.defaultImageVersion;

/** Waits until what we declare is in both ConfigMaps. */
async function oursInPlace(): Promise<void> {
  await eventually(deployment, ({ data }) => data?.[skipKey]?.split(',').includes('nvcr.io') === true, 60);
  await eventually(inference, (seen) => versionIn(seen) === '20.10-py3', 60);
  await platformWhere(isReady);
}

for (const line of [3, 4] as const) {
  describe(`what is declared, under Helm ${line}`, { timeout: 600_000 }, () => {
    let helm: Helm;
    const run = (...args: string[]) => helm.run([...args, '--namespace', 'default'], { kubeconfig: plane.kubeconfig });
    before(async () => {
      helm = await Helm.get(line);
    });
    after(() => helm?.[Symbol.dispose]());

    it('comes into what Helm installed', async () => {
      await run('install', 'serving', chart);
      await declare({ tagResolution: { skipRegistries: ['nvcr.io'] }, runtimes: [{ type: 'Triton', version: '20.10-py3' }] });
      await oursInPlace();
    });

    it('survives an upgrade, which brings what the release changes beside us', async () => {
      const upgrade = ['upgrade', 'serving', chart, '--set', 'later=true'];
      if (line === 4) {
        // Server-side apply sees that key predictors is ours by now, and asks before it takes it.
        await assert.rejects(run(...upgrade), /conflict with "modelwright".*\.data\.predictors/s);
        upgrade.push('--force-conflicts');
      }
      await run(...upgrade);
      await oursInPlace();
      assert.equal((await deployment()).data?.['later'], 'yes');
      assert.match((await inference()).data?.['predictors'] ?? '', /onnxruntime-two/);
    });

    it('is there again after Helm deleted everything and made it anew', async () => {
      await run('uninstall', 'serving');
      await platformWhere((seen) => !isReady(seen));
      await run('install', 'serving', chart);
      await oursInPlace();
    });

    it('leaves what Helm wrote, byte for byte, when it is taken back', async () => {
      await removePlatform();
      for (const [read, file] of [
        [deployment, 'config-deployment'],
        [inference, 'inferenceservice-config'],
      ] as const) {
        assert.deepEqual((await read()).data, JSON.parse(readFileSync(join(chart, `${file}.json`), 'utf8')));
      }
      await run('uninstall', 'serving');
      assert.deepEqual(operator.errors(), []);
    });
  });
}
