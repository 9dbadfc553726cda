/** The steps of the demo. Each throws an Error with what it saw when the cluster does not do what it should. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ModelDeployment } from '../../src/api/model-deployment/index.ts';
import type { ControlPlane } from '../controlplane/plane.ts';

import { say, show } from './say.ts';

export interface Demo {
  readonly plane: ControlPlane;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

export const cli = ['-r', resolve('hack/require-node.cjs'), resolve('src/cli/main.ts')];
const run = promisify(execFile);

/** CRDs, and the operator as a process of this machine. */
export async function installOperator({ plane, namespace }: Demo): Promise<void> {
  say('Installing the CRDs and starting the operator');
  show(await plane.kubectl(['apply', '--server-side', '-f', 'crds/']));
  await plane.established(['-f', 'crds/']);
  await plane.kubectl(['create', 'namespace', namespace]);
  await plane.startProcess({
    name: 'operator',
    command: process.execPath,
    args: [...cli, 'operator', '--metrics-bind-address', '127.0.0.1:0'],
    env: { KUBECONFIG: plane.kubeconfig },
  });
}

/** Applies the samples and gives their names: the ten library models and one that anyone can download. */
export async function deployLibrary({ plane, namespace }: Demo): Promise<string[]> {
  say(
    'kubectl apply -k manifests/samples: the ten models of a library and a public one, on TensorFlow Serving, TorchServe, Triton and scikit-learn',
  );
  show(await plane.kubectl(['apply', '-n', namespace, '-k', 'manifests/samples']));
  const names = (await deployments(plane, namespace)).map(({ metadata }) => metadata.name);
  if (names.length !== 11) throw new Error(`manifests/samples should hold eleven models and holds ${names.length}`);
  return names;
}

export async function waitUntilServed(demo: Demo, names: readonly string[]): Promise<void> {
  say('Waiting until KServe has accepted and started all of them');
  let shown = '';
  await until(demo, 180, async () => {
    const all = await deployments(demo.plane, demo.namespace);
    const ready = all.filter((deployment) => readyOf(deployment)?.status === 'True');
    const line = `${ready.length} of ${names.length} ready`;
    if (line !== shown) show(line);
    shown = line;
    return ready.length === names.length ? undefined : all.map(explain).join('\n');
  });
}

/** The table a person would ask for, and the promise behind it: an accepted InferenceService and a URL for each. */
export async function showLibrary({ plane, namespace }: Demo, names: readonly string[]): Promise<void> {
  say(`modelwright get -n ${namespace}`);
  const { stdout } = await run(process.execPath, [...cli, 'get', '-n', namespace], {
    env: { ...process.env, KUBECONFIG: plane.kubeconfig },
  });
  show(stdout);
  const services = await itemsOf<{ metadata: { name: string }; spec: { predictor: { model?: object } } }>(
    plane,
    'inferenceservices',
    namespace,
  );
  const accepted = new Set(services.filter(({ spec }) => spec.predictor.model !== undefined).map(({ metadata }) => metadata.name));
  const missing = names.filter((name) => !accepted.has(name));
  if (missing.length > 0) throw new Error(`no accepted InferenceService for ${missing.join(', ')}`);
  const mute = (await deployments(plane, namespace)).filter(({ status }) => status?.addresses?.external?.url === undefined);
  if (mute.length > 0) throw new Error(`no URL for ${mute.map(({ metadata }) => metadata.name).join(', ')}`);
}

/** Eight GPUs where a node has four: KServe says nothing, the operator says why. */
export async function breakOneOnPurpose(demo: Demo): Promise<void> {
  const { plane, namespace } = demo;
  say('Breaking one on purpose: a model that asks for 8 GPUs, where the largest node has 4');
  const name = 'too-many-gpus';
  const broken = {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: {
      runtime: { type: 'Triton' },
      source: { storageUri: 'https://models.example.com/resnet50.zip' },
      gpu: { count: 8 },
    },
  };
  show(await plane.kubectl(['apply', '-f', '-'], JSON.stringify(broken)));
  let found: ModelDeployment | undefined;
  await until(demo, 90, async () => {
    found = (await deployments(plane, namespace)).find(({ metadata }) => metadata.name === name);
    return found?.status?.lastError?.stage === 'Scheduling' ? undefined : found && explain(found);
  });
  show(await plane.kubectl(['get', 'modeldeployment', name, '-n', namespace]));
  show(`why: ${found?.status?.lastError?.message}`);
  show(
    await plane.kubectl([
      'get',
      'events',
      '-n',
      namespace,
      '--field-selector',
      `involvedObject.kind=ModelDeployment,involvedObject.name=${name}`,
    ]),
  );
}

export async function removeEverything(demo: Demo): Promise<void> {
  say('kubectl delete modelprofiles,modeldeployments --all: what the operator made goes with them');
  await demo.plane.kubectl(['delete', 'modelprofiles,modeldeployments', '--all', '-n', demo.namespace]);
  await until(demo, 60, async () => {
    const left = await itemsOf<{ kind: string; metadata: { name: string } }>(demo.plane, 'inferenceservices,jobs', demo.namespace);
    return left.length === 0 ? undefined : `left: ${left.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`;
  });
}

async function itemsOf<T>(plane: ControlPlane, resource: string, namespace: string): Promise<T[]> {
  return (JSON.parse(await plane.kubectl(['get', resource, '-n', namespace, '-o', 'json'])) as { items: T[] }).items;
}

function deployments(plane: ControlPlane, namespace: string): Promise<ModelDeployment[]> {
  return itemsOf<ModelDeployment>(plane, 'modeldeployments.modelwright.dev', namespace);
}

/** Whether it serves, and why. */
export function readyOf({ status }: ModelDeployment) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** One line of a person's first question. */
export function explain(deployment: ModelDeployment): string {
  const ready = readyOf(deployment);
  return `${deployment.metadata.name}: ${ready === undefined ? 'no status yet' : `${ready.status} ${ready.reason} ${ready.message}`}`;
}

/** Repeats `check` until it finds nothing missing; it says what is. */
async function until({ plane, signal }: Demo, seconds: number, check: () => Promise<string | undefined>): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const missing = await check();
    if (missing === undefined) return;
    const operator = (await plane.processes()).find(({ name }) => name === 'operator');
    if (operator?.running === false) throw new Error(`the operator ended: ${operator.ending}`);
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s:\n${missing}`);
    await sleep(500, undefined, { signal });
  }
}
