/** The configuration files of the programs on a real node. */
import { dump } from 'js-yaml';
import type { NodeNetwork } from './network.ts';

/** The address of DNS in every cluster, within the API server's range of Services. */
export const DNS_SERVICE = '10.96.0.10';
/** Where containerd listens, seen from the node. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
export const REGISTRY_PORT = 5000;

/** containerd 1.6; every registry's name leads to the one registry there is. */
export function containerdConfig(tools: string, folder: string, pauseImage: string): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
  address = "${CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE a container cannot be made less likely to be killed than its parent.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${tools}/usr/lib/cni"
  conf_dir = "${folder}/cni.d"

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "${folder}/registries"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = "${tools}/usr/sbin/runc"
`;
}

/** Also as the server of last resort: else a missing image would be asked for at its real registry, which cannot be reached. */
export function registryHosts(registry: string): string {
  return `server = "http://${registry}"

[host."http://${registry}"]
  capabilities = ["pull", "resolve"]
`;
}

/** One bridge, addresses from the node's own range. */
export function cniConfig({ pods }: NodeNetwork): string {
  return JSON.stringify(
    {
      cniVersion: '0.4.0',
      name: 'modelwright',
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isDefaultGateway: true,
          hairpinMode: true,
          ipam: { type: 'host-local', dataDir: '/var/lib/cni', ranges: [[{ subnet: pods }]] },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    null,
    2,
  );
}

export interface KubeletFiles {
  readonly ca: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export function kubeletConfig({ node }: NodeNetwork, { ca, certFile, keyFile }: KubeletFiles, cgroup: string): string {
  return dump({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: ca } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certFile,
    tlsPrivateKeyFile: keyFile,
    address: node,
    healthzBindAddress: node,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    clusterDNS: [DNS_SERVICE],
    clusterDomain: 'cluster.local',
    // Pods ask the node's DNS and nobody else.
    resolvConf: '',
    // Works with both versions of cgroups, and asks no systemd.
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    // The machine's disk is not the node's: how full it is must not decide about pods.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%', 'nodefs.inodesFree': '1%' },
    imageGCHighThresholdPercent: 100,
    maxPods: 100,
    // A server's image is hundreds of megabytes; the next pod need not wait for it.
    serializeImagePulls: false,
    registryPullQPS: 0,
    eventRecordQPS: 0,
    shutdownGracePeriod: '0s',
  });
}

/** The cluster's names, the names in a hosts file, and nothing else. */
export function corefile({ node }: NodeNetwork, kubeconfig: string, hosts: string): string {
  return `cluster.local in-addr.arpa ip6.arpa {
  bind ${node}
  errors
  ready ${node}:8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 5
  }
  cache 5
}
. {
  bind ${node}
  errors
  hosts ${hosts} {
    ttl 5
    reload 1s
    fallthrough
  }
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;
}
