/** The cluster that a campaign runs in: a real etcd, API server and garbage collector, KServe's CRD with a stand-in, and an eye on everything. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { getBinaries } from '../../hack/controlplane/binaries.ts';
import { KUBERNETES } from '../../hack/controlplane/catalog.ts';
import { start } from '../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { Api, applyPatch } from './api.ts';
import { History } from './history.ts';
import { installKServe, untilServed } from './kserve-crd.ts';
import { KServeStandIn } from './kserve-stand-in.ts';
import { permitCluster, permitIn } from './permissions.ts';

export interface World extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly api: Api;
  readonly history: History;
  readonly standIn: KServeStandIn;
  /** Where the campaign may put files; goes with the control plane. */
  readonly folder: string;
  /**
   * Kills the API server and waits until it is back, then starts the garbage collector afresh: on a busy machine the one that lived through it left an object
   * whose owner was gone for more than 90 s (seen with Kubernetes 1.34), and it is not what the campaign is about.
   */
  restartApiserver(): Promise<void>;
  /** Nobody collects garbage until the function that is returned is called. */
  stopCollector(): () => void;
  /** Makes a namespace for a lane. */
  namespace(name: string): Promise<void>;
}

const crd = join(import.meta.dirname, '../../crds/modelwright.dev_modeldeployments.yaml');

export async function startWorld(say: (line: string) => void): Promise<World> {
  const options = { say, env: process.env, keepGoCache: false };
  const binaries = await getBinaries([{ component: KUBERNETES, binaries: ['kube-controller-manager'] }], options);
  const plane = await start({ say });
  const api = new Api(plane.kubeconfig);
  await installKServe(api);
  await installModelwright(api);
  await permitCluster(api);
  // After the definitions: it looks for new kinds only every 30 s.
  const startCollecting = () => startCollector(binaries['kube-controller-manager']?.path ?? '', plane.kubeconfig);
  let collector = startCollecting();
  const history = await History.follow(api, [
    { kind: 'ModelDeployment', path: '/apis/modelwright.dev/v1alpha1/modeldeployments' },
    { kind: 'InferenceService', path: '/apis/serving.kserve.io/v1beta1/inferenceservices' },
    { kind: 'Lease', path: '/apis/coordination.k8s.io/v1/leases' },
  ]);
  const standIn = new KServeStandIn(api, history);
  const folder = join(plane.dir, 'campaign');
  mkdirSync(folder, { recursive: true });
  return {
    plane,
    api,
    history,
    standIn,
    folder,
    async restartApiserver() {
      await plane.restartApiserver();
      await endCollector(collector);
      collector = startCollecting();
    },
    stopCollector() {
      const stopped = collector;
      stopped.kill('SIGSTOP');
      return () => stopped.kill('SIGCONT');
    },
    async namespace(name) {
      await api.must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { accepted: [409] });
      await permitIn(api, name);
    },
    async [Symbol.asyncDispose]() {
      await standIn.close();
      await history.close();
      await endCollector(collector);
      await api.close();
      await plane.stop();
    },
  };
}

/** The ModelDeployment definition as it is shipped. */
export async function installModelwright(api: Api): Promise<void> {
  const definition = load(readFileSync(crd, 'utf8')) as { metadata: { name: string } };
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`;
  await api.must('PATCH', `${path}?fieldManager=campaign&force=true`, definition, { contentType: applyPatch });
  await untilServed(api, '/apis/modelwright.dev/v1alpha1/modeldeployments');
}

/** kube-controller-manager with nothing but the garbage collector: what an owner leaves behind goes as it does in any cluster. */
function startCollector(binary: string, kubeconfig: string): ChildProcess {
  const collector = spawn(
    binary,
    [
      `--kubeconfig=${kubeconfig}`,
      '--controllers=garbage-collector-controller',
      '--leader-elect=false',
      '--secure-port=0',
      '--use-service-account-credentials=false',
      // Its volume controllers would make and watch a folder of the host's.
      '--flex-volume-plugin-dir=/nonexistent',
    ],
    { stdio: 'ignore' },
  );
  process.once('exit', () => collector.kill('SIGKILL'));
  return collector;
}

async function endCollector(collector: ChildProcess): Promise<void> {
  collector.kill('SIGKILL');
  if (collector.exitCode === null && collector.signalCode === null) await once(collector, 'exit');
}
