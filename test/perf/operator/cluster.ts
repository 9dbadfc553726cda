/** A real API server with the CRDs of KServe and Modelwright, and nothing else that would take time from what is measured. */
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { Api } from '../../faults/api.ts';
import { History } from '../../faults/history.ts';
import { installKServe } from '../../faults/kserve-crd.ts';
import { KServeStandIn } from '../../faults/kserve-stand-in.ts';
import { installModelwright } from '../../faults/world.ts';
import { type Access, accessTo } from './access.ts';

export interface Cluster extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly api: Api;
  /** How the operator gets in. */
  readonly access: Access;
  /** Port of the API server. */
  readonly port: number;
  namespace(name: string): Promise<void>;
}

export async function startCluster(say: (line: string) => void): Promise<Cluster> {
  const plane = await start({ say });
  const api = new Api(plane.kubeconfig);
  await installKServe(api);
  await installModelwright(api);
  return {
    plane,
    api,
    access: await accessTo(plane, api),
    port: Number(new URL(plane.url).port),
    async namespace(name) {
      await api.must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { accepted: [409] });
    },
    async [Symbol.asyncDispose]() {
      await api.close();
      await plane.stop();
    },
  };
}

/** Plays KServe while `work` runs: finalizers, what its webhook fills in, status. */
export async function withKServe<T>(api: Api, work: (history: History) => Promise<T>): Promise<T> {
  const kinds = [
    { kind: 'InferenceService', path: '/apis/serving.kserve.io/v1beta1/inferenceservices' },
    { kind: 'ModelDeployment', path: '/apis/modelwright.dev/v1alpha1/modeldeployments' },
  ];
  const history = await History.follow(api, kinds, { remember: false });
  const standIn = new KServeStandIn(api, history);
  try {
    return await work(history);
  } finally {
    await standIn.close();
    await history.close();
  }
}
