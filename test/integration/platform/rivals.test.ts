/**
 * Four writers of the same two ConfigMaps, each with habits of its own, beside the operator: nobody's update is lost, no byte of others changes, and what we
 * declare is in place. MODELWRIGHT_TEST_EDITS sets how many edits they make together, 5,000 unless it is set.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { type SharedConfigMap, sharedConfigMaps } from '../../../src/controllers/platform/resources.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { isConflict } from '../../../src/kube/errors.ts';
import type { ObjectKey, Stored } from '../../../src/kube/object.ts';
import { connect } from '../../../src/kube/rest-client.ts';
import { apply, eventually, kubeconfig } from '../../support/cluster.ts';
import { inferenceServiceDefinition } from '../deployment/light-kserve.ts';
import { OperatorProcess } from '../deployment/operator-process.ts';
import { declare, isReady, platformWhere, removePlatform } from './objects.ts';
import { ownPlane } from './own-plane.ts';

const edits = Number(process.env['MODELWRIGHT_TEST_EDITS'] ?? 5000);
const perWriter = Math.ceil(edits / 4);

const registries = 'registries-skipping-tag-resolving';
const deploymentKey = { namespace: 'knative-serving', name: 'config-deployment' };
const inferenceKey = { namespace: 'kserve', name: 'inferenceservice-config' };
const example = '# text that nobody may touch\n   not even its blanks \n';
/** Laid out as people do it: uneven. */
const predictors = `{
    "triton" : {"image": "nvcr.io/nvidia/tritonserver",
        "defaultImageVersion":"20.08-py3" , "multiModelServer": true },
  "onnx": { "defaultImageVersion": "edit-0" },

    "paddle": {
        "defaultImageVersion": "gitops-0"
    }
}
`;

let plane: ControlPlane;
let operator: OperatorProcess;
let client: KubeClient;

before(async () => {
  plane = await ownPlane('integration');
  // An InferenceService without predictor.model is that of KServe 0.7, which takes its images from the ConfigMap.
  const { spec, ...definition } = inferenceServiceDefinition;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'knative-serving' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kserve' } },
    { ...definition, spec: { ...spec, versions: spec.versions.map((version) => ({ ...version, schema })) } },
  ]);
  client = await connect({ kubeconfig: kubeconfig() });
  await client.create(sharedConfigMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: deploymentKey, data: { _example: example } });
  await client.create(sharedConfigMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: inferenceKey, data: { predictors } });
  operator = await OperatorProcess.start(['default']);
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await client?.close();
  await plane?.stop();
});

it(`${edits} edits by four writers: none lost, no foreign byte changed, no invalid JSON, ours in place`, {
  timeout: Math.max(900_000, edits * 60),
}, async () => {
  await declare({ tagResolution: { skipRegistries: ['nvcr.io'] }, runtimes: [{ type: 'Triton', version: '20.10-py3' }] });
  await platformWhere(isReady);
  const stop = new AbortController();
  const watchers = [followed(deploymentKey, judgeDeploymentConfig, stop.signal), followed(inferenceKey, judgePredictors, stop.signal)];
  const writers = [kubectlEdit, kubectlApply, forcefulApply, gitOpsLoop];
  await Promise.all(writers.map((write) => repeated(write)));

  await platformWhere(isReady);
  const [deployment, inference] = await Promise.all([
    client.get(sharedConfigMaps, deploymentKey),
    eventually(
      () => client.get(sharedConfigMaps, inferenceKey),
      ({ data }) => data?.['predictors']?.includes('20.10-py3') === true,
    ),
  ]);
  const last = String(perWriter);
  assert.deepEqual(deployment.data, {
    _example: example,
    edit: last,
    apply: last,
    ssa: last,
    gitops: last,
    [registries]: deployment.data?.[registries],
  });
  const expected = predictors.replace('20.08-py3', '20.10-py3').replace('edit-0', `edit-${last}`).replace('gitops-0', `gitops-${last}`);
  assert.deepEqual(inference.data, { predictors: expected, logger: `{"apply": ${last}}`, batcher: `{"ssa": ${last}}` });

  stop.abort();
  const seen = await Promise.all(watchers);
  for (const { versions, faults, gaps } of seen) {
    assert.deepEqual(faults, []);
    assert.ok(versions > perWriter, `${versions} versions were seen`);
    assert.ok(gaps.length >= 2, 'ours was taken away and came back');
    assert.ok(Math.max(...gaps) < 10_000, `ours was away for ${Math.max(...gaps)} ms`);
  }
  console.log(
    seen
      .map(({ versions, gaps }) => `${versions} versions, ours away ${gaps.length} times, at most ${Math.max(...gaps).toFixed(0)} ms`)
      .join('; '),
  );

  await removePlatform();
  const left = await client.get(sharedConfigMaps, inferenceKey);
  assert.equal(left.data?.['predictors'], expected.replace('20.10-py3', '20.08-py3'));
  assert.deepEqual(operator.errors(), []);
});

type Write = (round: number) => Promise<void>;

async function repeated(write: Write): Promise<void> {
  for (let round = 1; round <= perWriter; round += 1) await write(round);
}

/** Changes one key and lets the server merge it; the shared texts only if nobody was faster. */
const kubectlEdit: Write = async (round) => {
  await client.patch(sharedConfigMaps, deploymentKey, { data: { edit: String(round) } }, { kind: 'merge', fieldManager: 'kubectl-edit' });
  await changed(inferenceKey, 'kubectl-edit', ({ predictors: text = '' }) => {
    assert.match(text, new RegExp(`"edit-${round - 1}"`), 'the edit before was lost');
    return { predictors: text.replace(/"edit-\d+"/, `"edit-${round}"`) };
  });
};

/** Sends its keys and the annotation in which it keeps them, whatever is there. */
const kubectlApply: Write = async (round) => {
  const send = (key: ObjectKey, data: object) => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data }) };
    return client.patch(
      sharedConfigMaps,
      key,
      { metadata: { annotations }, data },
      { kind: 'merge', fieldManager: 'kubectl-client-side-apply' },
    );
  };
  await send(deploymentKey, { apply: String(round) });
  await send(inferenceKey, { logger: `{"apply": ${round}}` });
};

const forcefulApply: Write = async (round) => {
  const send = (metadata: SharedConfigMap['metadata'], data: object) =>
    client.apply(sharedConfigMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, { fieldManager: 'forceful', force: true });
  await send(deploymentKey, { ssa: String(round) });
  await send(inferenceKey, { batcher: `{"ssa": ${round}}` });
};

/** Replaces the whole object with what it read and its own part. Twice it takes ours away, as a sync of an old commit does. */
const gitOpsLoop: Write = async (round) => {
  const resets = round === Math.ceil(perWriter / 3) || round === Math.ceil((2 * perWriter) / 3);
  await replaced(deploymentKey, (data) => {
    assert.equal(data['gitops'] ?? '0', String(round - 1), 'the edit before was lost');
    const entries = (data[registries] ?? '').split(',').filter((entry) => entry !== 'gitops.io' && !(resets && entry === 'nvcr.io'));
    return { ...data, gitops: String(round), [registries]: [...entries, ...(round % 2 === 0 ? ['gitops.io'] : [])].join(',') };
  });
  await replaced(inferenceKey, ({ predictors: text = '', ...others }) => {
    assert.match(text, new RegExp(`"gitops-${round - 1}"`), 'the edit before was lost');
    const next = text.replace(/"gitops-\d+"/, `"gitops-${round}"`);
    return { ...others, predictors: resets ? next.replace('20.10-py3', '20.08-py3') : next };
  });
};

type Data = Readonly<Record<string, string>>;

async function changed(key: ObjectKey, fieldManager: string, edit: (data: Data) => Data): Promise<void> {
  await retried(async () => {
    const { metadata, data = {} } = await client.get(sharedConfigMaps, key);
    const body = { metadata: { resourceVersion: metadata.resourceVersion }, data: edit(data) };
    await client.patch(sharedConfigMaps, key, body, { kind: 'merge', fieldManager });
  });
}

async function replaced(key: ObjectKey, edit: (data: Data) => Data): Promise<void> {
  await retried(async () => {
    const live = await client.get(sharedConfigMaps, key);
    await client.update(sharedConfigMaps, { ...live, data: edit(live.data ?? {}) }, { fieldManager: 'argocd-controller' });
  });
}

/** Others are faster again and again; everybody gets a turn in the end. */
async function retried(attempt: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
}

interface Verdict {
  readonly hasOurs: boolean;
  readonly fault?: string;
}

const judgeDeploymentConfig = ({ data = {} }: SharedConfigMap): Verdict => {
  const entries = (data[registries] ?? '').split(',');
  const builtIn = ['kind.local', 'ko.local', 'dev.local'].every((entry) => entries.includes(entry));
  const isSound = data['_example'] === example && builtIn;
  return { hasOurs: entries.includes('nvcr.io'), ...(!isSound && { fault: JSON.stringify(data) }) };
};

/** The text with the values that writers own taken out: every other byte must be as it was. */
const skeleton = (text: string) => text.replace(/"(edit|gitops)-\d+"|"20\.(08|10)-py3"/g, '""');

const judgePredictors = ({ data = {} }: SharedConfigMap): Verdict => {
  const text = data['predictors'] ?? '';
  try {
    JSON.parse(text);
  } catch {
    return { hasOurs: false, fault: text };
  }
  return { hasOurs: text.includes('"20.10-py3"'), ...(skeleton(text) !== skeleton(predictors) && { fault: text }) };
};

/** Judges every version that there is of an object, and measures for how long what we declare was away. */
async function followed(key: ObjectKey & { namespace: string }, judge: (object: SharedConfigMap) => Verdict, signal: AbortSignal) {
  const faults: string[] = [];
  const gaps: number[] = [];
  let versions = 0;
  let awaySince: number | undefined;
  let { resourceVersion } = (await client.get(sharedConfigMaps, key)).metadata;
  while (!signal.aborted) {
    try {
      const options = { namespace: key.namespace, fieldSelector: `metadata.name=${key.name}`, resourceVersion };
      for await (const { type, object } of client.watch(sharedConfigMaps, options, signal)) {
        const configMap = object as Stored<SharedConfigMap>;
        ({ resourceVersion } = configMap.metadata);
        if (type === 'BOOKMARK') continue;
        versions += 1;
        const { hasOurs, fault } = judge(configMap);
        if (fault !== undefined) faults.push(fault);
        if (!hasOurs) awaySince ??= performance.now();
        else if (awaySince !== undefined) {
          gaps.push(performance.now() - awaySince);
          awaySince = undefined;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return { versions, faults, gaps };
}
