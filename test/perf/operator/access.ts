/**
 * How the measured operator gets into the cluster. As a pod does, where this machine lets us give it files of its own (a mount namespace, which takes
 * root on Linux): with a service account's token. Else by a kubeconfig, whose library costs some memory that no pod pays.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import type { Api } from '../../faults/api.ts';

export interface Access {
  readonly kind: 'ServiceAccount' | 'Kubeconfig';
  readonly environment: Readonly<Record<string, string>>;
  /** The command line that runs `words` with this access; the process that results is the program's own. */
  command(words: readonly string[]): readonly string[];
}

const folderInPod = '/var/run/secrets/kubernetes.io/serviceaccount';
/** In a mount namespace of its own: an empty /var/run, and in it the folder that is given as the first word. */
const enter = `mount -t tmpfs tmpfs /var/run && mkdir -p ${folderInPod} && mount --bind "$0" ${folderInPod} && exec "$@"`;

export async function accessTo(plane: ControlPlane, api: Api): Promise<Access> {
  const folder = join(plane.dir, 'serviceaccount');
  const inPod = (words: readonly string[]) => ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', enter, folder, ...words];
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!works(inPod(['true']))) return { kind: 'Kubeconfig', environment: { KUBECONFIG: plane.kubeconfig }, command: (words) => words };
  await writeServiceAccount(api, folder);
  const { hostname, port } = new URL(plane.url);
  return { kind: 'ServiceAccount', environment: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }, command: inPod };
}

function works([command = '', ...words]: readonly string[]): boolean {
  try {
    execFileSync(command, words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The files that a kubelet mounts into a pod, for an account that may do everything: permissions are not what is measured. */
async function writeServiceAccount(api: Api, folder: string): Promise<void> {
  const name = 'modelwright';
  const namespace = 'default';
  const metadata = { name, namespace };
  await api.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await api.must('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  const { status } = await api.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 86_400 },
  });
  for (const [file, text] of Object.entries({ token: status.token, namespace, 'ca.crt': api.tls.ca ?? '' })) {
    writeFileSync(join(folder, file), text, { mode: 0o600 });
  }
}
