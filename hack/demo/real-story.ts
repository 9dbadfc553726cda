/** The demo on a real node: one model from a package to predictions, its explained failure, and its measurement by pods beside it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { dump } from 'js-yaml';
import type { ModelDeployment } from '../../src/api/model-deployment/index.ts';
import { measure } from './measure.ts';
import { installModelwright, packageModel, publishImages } from './real-cluster.ts';
import { say, show } from './say.ts';
import { type Demo, explain, readyOf } from './story.ts';

const name = 'iris';

/** All of it; throws an Error with what it saw where something is not as it should be. */
export async function tellRealStory(demo: Demo): Promise<void> {
  const digest = await publishImages(demo);
  await installModelwright(demo, digest);
  const storageUri = await packageModel(demo);
  await deploy(demo, storageUri);
  await predict(demo);
  await breakOnPurpose(demo);
  await measure(demo, {
    intro: 'Measuring it: a Job whose load pod runs on the node of the model, beside it',
    spec: {
      target: { modelDeployment: name },
      placement: 'SameNode',
      payload: { json: JSON.stringify({ instances: [flowers[0]] }) },
      sweep: { batchSizes: [1, 16], concurrency: [1, 2] },
      load: { warmupSeconds: 1, durationSeconds: 3 },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 500 }] },
    },
    points: 4,
  });
}

function model(storageUri: string): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name },
    spec: {
      model: { framework: 'SKLearn', task: 'tabular-classification', dataset: 'iris' },
      runtime: { type: 'SKLearn' },
      deploymentMode: 'Standard',
      source: { storageUri },
      resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
    },
  };
}

async function deploy(demo: Demo, storageUri: string): Promise<void> {
  const { plane, namespace } = demo;
  say('kubectl apply: a ModelDeployment');
  const yaml = dump(model(storageUri));
  show(yaml);
  show(await plane.kubectl(['apply', '-n', namespace, '-f', '-'], yaml));
  await untilReady(demo, (deployment) => readyOf(deployment)?.status === 'True');
  show(await plane.kubectl(['get', 'modeldeployments', '-n', namespace]));
  show(await plane.kubectl(['get', 'pods', '-n', namespace]));
}

/** One flower of each of two kinds. */
const flowers = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3, 5.2, 2.3],
];

/** Asks the pod by its address, which this machine has a way to; in a cluster that is the Service's work. */
async function predict({ plane, namespace, signal }: Demo): Promise<void> {
  say('Asking it for the kinds of two flowers');
  const address = await plane.kubectl([
    'get',
    'pods',
    '-n',
    namespace,
    '-l',
    `app=isvc.${name}-predictor`,
    '-o',
    'jsonpath={.items[0].status.podIP}',
  ]);
  const url = `http://${address.trim()}:8080/v1/models/${name}:predict`;
  const body = JSON.stringify({ instances: flowers });
  show(`POST ${url} ${body}`);
  const answer = (await (
    await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' }, signal })
  ).json()) as unknown;
  show(JSON.stringify(answer));
  if (JSON.stringify(answer) !== '{"predictions":[0,2]}')
    throw new Error(`a setosa and a virginica were expected: ${JSON.stringify(answer)}`);
}

/** A version of the server that does not exist: the version before it goes on answering meanwhile. */
async function breakOnPurpose(demo: Demo): Promise<void> {
  const { plane, namespace } = demo;
  say('Breaking it on purpose: a version of the server that no registry has');
  const version = (value: string | null) =>
    plane.kubectl([
      'patch',
      'modeldeployment',
      name,
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { runtime: { version: value } } }),
    ]);
  await version('9.9.9');
  const broken = await untilReady(demo, ({ status }) => status?.lastError?.stage === 'ImagePull');
  show(`why: ${broken.status?.lastError?.message}`);
  say('Taking that back');
  await version(null);
  await untilReady(demo, (deployment) => readyOf(deployment)?.status === 'True');
  show(await plane.kubectl(['get', 'modeldeployments', '-n', namespace]));
}

/** Waits until the model is as wanted in the words of its newest spec, and shows each new word on the way. */
async function untilReady({ plane, namespace, signal }: Demo, wanted: (deployment: ModelDeployment) => boolean): Promise<ModelDeployment> {
  const deadline = Date.now() + 240_000;
  let shown = '';
  for (;;) {
    const found = JSON.parse(await plane.kubectl(['get', 'modeldeployment', name, '-n', namespace, '-o', 'json'])) as ModelDeployment;
    const line = explain(found);
    if (line !== shown) show(line);
    shown = line;
    if (found.status?.observedGeneration === found.metadata.generation && wanted(found)) return found;
    if (Date.now() > deadline) throw new Error(`not within 240 s: ${line}`);
    await sleep(500, undefined, { signal });
  }
}
