/** Fake GPUs of the node, and a fake DCGM exporter that tells of them what a test wants. */
import { startFakeGpus } from '../../../hack/controlplane/node/control.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';
import type { ToldGpu } from '../../support/dcgm-exporter.ts';
import { restrictedNamespace } from './objects.ts';
import { byDigest } from './world.ts';

/** Where NVIDIA's operator puts the real one, and where the operator believes a Pod to be one. */
const NAMESPACE = 'gpu-operator';
const NAME = 'fake-dcgm-exporter';

/** Has the exporter tell of these GPUs from now on. */
export type Tell = (gpus: readonly ToldGpu[]) => Promise<void>;

/** Gives the node GPUs and labels as NVIDIA's operator does. */
export async function startGpus(plane: ControlPlane, count: number): Promise<Tell> {
  await startFakeGpus(plane, count);
  const node = plane.record.node?.name ?? '';
  await kubectl(['label', 'node', node, '--overwrite', 'nvidia.com/gpu.product=Fake-GPU', 'nvidia.com/cuda.driver-version.full=1.2.3']);
  await apply([
    restrictedNamespace(NAMESPACE),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: NAME, namespace: NAMESPACE, labels: { app: 'nvidia-dcgm-exporter' } },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 0,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: NAME,
            image: byDigest(plane, NAME),
            resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    },
  ]);
  await kubectl(['wait', '--for=condition=Ready', '--timeout=120s', `pod/${NAME}`, '-n', NAMESPACE]);
  return async (gpus) => {
    const { status } = await get<{ status: { podIP: string } }>('pod', NAME, NAMESPACE);
    const put = () =>
      fetch(`http://${status.podIP}:9400/gpus`, { method: 'PUT', body: JSON.stringify(gpus) }).then(
        (answer) => answer.ok,
        () => false,
      );
    await eventually(put, Boolean);
  };
}
