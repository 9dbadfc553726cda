/** etcd, kube-apiserver, kube-controller-manager and kube-scheduler: order, flags and readiness. */
import { join } from 'node:path';
import type { Cluster } from '../cluster.ts';
import type { Pki } from '../pki.ts';
import { answers } from '../probe.ts';

const AUDIT_POLICY = join(import.meta.dirname, '..', 'apiserver-audit.yaml');

export interface KubernetesOptions {
  /** Whether kube-controller-manager makes the ServiceAccounts that Pods are admitted with. */
  readonly controllers: boolean;
  /** Further flags. */
  readonly flags: readonly string[];
  /** The address at which a real node reaches the API server; without one there are no kubelets to talk to. */
  readonly node?: string;
}

/** Starts etcd and the API server; returns when `/readyz` says ok. */
export async function startApiServer(cluster: Cluster, { controllers, flags, node }: KubernetesOptions): Promise<void> {
  const { pki, ports, layout, supervisor } = cluster;
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports['etcd-peer']}`;
  await supervisor.start({
    name: 'etcd',
    command: cluster.binary('etcd'),
    args: [
      `--data-dir=${layout.etcd}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // The data goes with the instance: nothing has to survive a power cut.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
  });
  const serving = pki.issueFiles('kube-apiserver', {
    commonName: 'kube-apiserver',
    hosts: ['127.0.0.1', 'localhost', '10.96.0.1', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', ...(node ? [node] : [])],
  });
  await supervisor.start({
    name: 'kube-apiserver',
    command: cluster.binary('kube-apiserver'),
    args: [
      `--etcd-servers=${client}`,
      '--bind-address=127.0.0.1',
      // Without it the server looks for a network interface, and a machine may have none.
      '--advertise-address=127.0.0.1',
      // Loopback is no valid address for the endpoints of the Service "kubernetes", which no fake Pod uses.
      '--endpoint-reconciler-type=none',
      `--secure-port=${ports['kube-apiserver']}`,
      `--tls-cert-file=${serving.certFile}`,
      `--tls-private-key-file=${serving.keyFile}`,
      `--client-ca-file=${pki.caFile}`,
      ...(node ? forKubelets(pki) : ['--authorization-mode=RBAC']),
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${pki.serviceAccountPublicKeyFile}`,
      `--service-account-signing-key-file=${pki.serviceAccountKeyFile}`,
      '--allow-privileged=true',
      // Nobody makes the ServiceAccount "default" where no controller manager runs.
      ...(controllers ? [] : ['--disable-admission-plugins=ServiceAccount']),
      `--audit-policy-file=${AUDIT_POLICY}`,
      `--audit-log-path=${layout.auditLog}`,
      '--audit-log-maxsize=10000',
      // A request is in the log before its answer is out: a test that counts needs no waiting.
      '--audit-log-mode=blocking',
      '--profiling=false',
      ...flags,
    ],
  });
  await untilApiServerReady(cluster);
}

/** A kubelet may do what its own pods need, and shows logs and runs commands for the API server alone. */
function forKubelets(pki: Pki): string[] {
  const client = pki.issueFiles('kubelet-client', { commonName: 'kube-apiserver', organizations: ['system:masters'] });
  return [
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--kubelet-client-certificate=${client.certFile}`,
    `--kubelet-client-key=${client.keyFile}`,
    `--kubelet-certificate-authority=${pki.caFile}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

/** Waits for `/readyz`, after a start or a restart. */
export async function untilApiServerReady(cluster: Cluster): Promise<void> {
  await cluster.untilReady('kube-apiserver', () => answers(`${cluster.url}/readyz`, cluster.pki.ca), 120);
}

/** Starts kube-controller-manager and kube-scheduler side by side. */
export async function startControllers(cluster: Cluster): Promise<void> {
  const { pki, layout } = cluster;
  await Promise.all([
    startController(cluster, 'kube-controller-manager', [
      `--service-account-private-key-file=${pki.serviceAccountKeyFile}`,
      `--root-ca-file=${pki.caFile}`,
      `--cluster-signing-cert-file=${pki.caFile}`,
      `--cluster-signing-key-file=${pki.caKeyFile}`,
      '--use-service-account-credentials=false',
      '--allocate-node-cidrs=false',
      // Its volume controllers would make and watch a folder of the host's.
      `--flex-volume-plugin-dir=${layout.work}`,
    ]),
    startController(cluster, 'kube-scheduler', []),
  ]);
}

async function startController(
  cluster: Cluster,
  name: 'kube-controller-manager' | 'kube-scheduler',
  args: readonly string[],
): Promise<void> {
  const serving = cluster.pki.issueFiles(name, { commonName: name, hosts: ['127.0.0.1', 'localhost'] });
  const port = cluster.ports[name];
  const common = [
    `--kubeconfig=${cluster.kubeconfigFor(name)}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${serving.certFile}`,
    `--tls-private-key-file=${serving.keyFile}`,
  ];
  const ready = () => answers(`https://127.0.0.1:${port}/healthz`, cluster.pki.ca);
  await cluster.run({ name, command: cluster.binary(name), args: [...common, ...args] }, ready);
}
