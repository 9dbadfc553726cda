/**
 * A real node: containerd, kubelet, kube-proxy and CoreDNS in namespaces of their own (`node/init.sh`), and on this machine a registry and
 * the way to the API server.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { imageCache } from '../../images/cache.ts';
import { PAUSE_IMAGE, publishPause } from '../../images/pause.ts';
import type { Cluster } from '../cluster.ts';
import { cgroupOf } from '../node/cgroups.ts';
import {
  CONTAINERD_SOCKET,
  cniConfig,
  containerdConfig,
  corefile,
  DNS_SERVICE,
  kubeletConfig,
  REGISTRY_PORT,
  registryHosts,
} from '../node/config.ts';
import type { NodeNetwork } from '../node/network.ts';
import { linkIptables, type NodeTools } from '../node/tools.ts';
import { answers } from '../probe.ts';

const run = promisify(execFile);
const SCRIPTS = join(import.meta.dirname, '..', 'node');

/** What users of an instance need to know of its node. */
export interface NodeRecord {
  readonly name: string;
  /** The node's own address; reached from this machine. */
  readonly address: string;
  /** This machine, as pods reach it. */
  readonly host: string;
  /** The registry that every image comes from, whatever registry its name gives: `10.213.0.1:5000`. */
  readonly registry: string;
  /** A hosts file whose names pods can resolve; read anew within seconds. */
  readonly hostsFile: string;
  /** Put before a command, it runs in the node's namespaces; with this environment it finds the node's programs. */
  readonly enter: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The node's programs that run inside it, in the order in which they start. */
export const NODE_PROGRAMS = ['containerd', 'kubelet', 'kube-proxy', 'coredns'] as const;

export interface NodeParts {
  readonly network: NodeNetwork;
  readonly tools: NodeTools;
}

/** Starts everything; returns when the node is Ready and DNS answers. */
export async function startRealNode(cluster: Cluster, { network, tools }: NodeParts): Promise<NodeRecord> {
  const { layout, ports, supervisor } = cluster;
  const folder = join(layout.dir, 'node');
  const links = join(folder, 'bin');
  linkIptables(tools.root, links);
  const registry = `${network.host}:${REGISTRY_PORT}`;
  const record: NodeRecord = {
    name: `node-${layout.name}`,
    address: network.node,
    host: network.host,
    registry,
    hostsFile: join(folder, 'hosts'),
    enter: ['/bin/sh', join(SCRIPTS, 'enter.sh'), folder],
    env: tools.env(links),
  };
  writeFileSync(record.hostsFile, '');
  await startNamespaces(cluster, record, network, folder);
  await supervisor.start({
    name: 'gateway',
    command: process.execPath,
    args: [join(SCRIPTS, 'gateway.ts'), `${network.host}:${ports['kube-apiserver']}=127.0.0.1:${ports['kube-apiserver']}`],
  });
  await startRegistry(cluster, tools, registry, folder);
  await Promise.all([publishPause(registry, cluster.say), connectServices(cluster, network)]);
  await startContainerd(cluster, record, tools, folder, network);
  await Promise.all([
    startKubelet(cluster, record, network, folder),
    startKubeProxy(cluster, record, network),
    startCoreDns(cluster, record, network, folder),
  ]);
  await untilNodeReady(cluster, record);
  return record;
}

/** The process whose end is the end of the node. */
async function startNamespaces(cluster: Cluster, record: NodeRecord, network: NodeNetwork, folder: string): Promise<void> {
  const spec = {
    name: 'node',
    command: '/bin/sh',
    args: [join(SCRIPTS, 'node.sh')],
    env: {
      NODE_DIR: folder,
      NODE_NAME: record.name,
      NODE_LINK: network.link,
      NODE_HOST: network.host,
      NODE_ADDRESS: network.node,
      NODE_PREFIX: String(network.prefix),
      NODE_PODS: network.pods,
      NODE_CGROUP: cgroupOf(cluster.layout.dir),
    },
  };
  await cluster.run(spec, async () => existsSync(readyFile(folder)));
}

/** There from the moment on at which programs can be started in the node. */
export function readyFile(folder: string): string {
  return join(folder, 'ready');
}

async function startRegistry(cluster: Cluster, tools: NodeTools, address: string, folder: string): Promise<void> {
  const storage = join(imageCache(), 'registry');
  mkdirSync(storage, { recursive: true });
  const file = join(folder, 'registry.yml');
  const config = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage } },
    http: { addr: address },
  };
  writeFileSync(file, JSON.stringify(config, null, 2));
  const spec = {
    name: 'registry',
    command: join(tools.root, 'usr/bin/docker-registry'),
    args: ['serve', file],
    // Its tracing library would look for a collector.
    env: { OTEL_TRACES_EXPORTER: 'none' },
  };
  await cluster.run(spec, () => answers(`http://${address}/v2/`));
}

/** What the API server and a DNS of containers would register: where their Services lead. */
async function connectServices(cluster: Cluster, { host, node }: NodeNetwork): Promise<void> {
  const slice = (name: string, namespace: string, address: string, ports: object[]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-local`,
      namespace,
      labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'controlplane.modelwright.dev' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports,
  });
  const dns = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
  ];
  await cluster.apply([
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: { clusterIP: DNS_SERVICE, ports: dns },
    },
    slice('kube-dns', 'kube-system', node, dns),
    slice('kubernetes', 'default', host, [{ name: 'https', port: cluster.ports['kube-apiserver'], protocol: 'TCP' }]),
  ]);
}

async function startContainerd(
  cluster: Cluster,
  record: NodeRecord,
  tools: NodeTools,
  folder: string,
  network: NodeNetwork,
): Promise<void> {
  const registries = join(folder, 'registries', '_default');
  for (const path of [registries, join(folder, 'cni.d')]) mkdirSync(path, { recursive: true });
  writeFileSync(join(registries, 'hosts.toml'), registryHosts(record.registry));
  writeFileSync(join(folder, 'cni.d', '10-modelwright.conflist'), cniConfig(network));
  const config = join(folder, 'containerd.toml');
  writeFileSync(config, containerdConfig(tools.root, folder, PAUSE_IMAGE));
  const program = join(tools.root, 'usr/bin/containerd');
  const answer = () => inNode(record, [join(tools.root, 'usr/bin/ctr'), '--address', CONTAINERD_SOCKET, 'version']);
  await cluster.run(inside(record, 'containerd', program, ['--config', config]), () =>
    answer().then(
      () => true,
      () => false,
    ),
  );
}

async function startKubelet(cluster: Cluster, record: NodeRecord, network: NodeNetwork, folder: string): Promise<void> {
  const user = `system:node:${record.name}`;
  const serving = cluster.pki.issueFiles('kubelet', { commonName: user, hosts: [record.name, network.node] });
  const config = join(folder, 'kubelet.yaml');
  writeFileSync(config, kubeletConfig(network, { ca: cluster.pki.caFile, ...serving }, cgroupOf(cluster.layout.dir)));
  const kubeconfig = cluster.kubeconfigFor(user, join(folder, 'kubelet.kubeconfig'), {
    groups: ['system:nodes'],
    server: serverFor(cluster, network),
  });
  const args = [
    `--config=${config}`,
    `--kubeconfig=${kubeconfig}`,
    `--hostname-override=${record.name}`,
    `--node-ip=${network.node}`,
    '--node-labels=modelwright.dev/real-node=true',
  ];
  await cluster.run(inside(record, 'kubelet', cluster.binary('kubelet'), args), () => answers(`http://${network.node}:10248/healthz`));
}

async function startKubeProxy(cluster: Cluster, record: NodeRecord, network: NodeNetwork): Promise<void> {
  const kubeconfig = cluster.kubeconfigFor('system:kube-proxy', join(cluster.layout.dir, 'node', 'kube-proxy.kubeconfig'), {
    groups: [],
    server: serverFor(cluster, network),
  });
  const args = [
    `--kubeconfig=${kubeconfig}`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${network.pods}`,
    `--hostname-override=${record.name}`,
    `--healthz-bind-address=${network.node}:10256`,
    '--oom-score-adj=0',
    '--iptables-localhost-nodeports=false',
    // Limits of the whole machine are left as they are.
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
    // Only with this setting of the kernel are answers within the bridge translated back.
    ...(existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables') ? [] : ['--masquerade-all=true']),
  ];
  const spec = inside(record, 'kube-proxy', cluster.binary('kube-proxy'), args);
  await cluster.run(spec, () => answers(`http://${network.node}:10256/healthz`));
}

async function startCoreDns(cluster: Cluster, record: NodeRecord, network: NodeNetwork, folder: string): Promise<void> {
  const kubeconfig = cluster.kubeconfigFor('coredns', join(folder, 'coredns.kubeconfig'), { server: serverFor(cluster, network) });
  const file = join(folder, 'Corefile');
  writeFileSync(file, corefile(network, kubeconfig, record.hostsFile));
  await cluster.run(inside(record, 'coredns', cluster.binary('coredns'), ['-conf', file]), () =>
    answers(`http://${network.node}:8181/ready`),
  );
}

/** Waits until the API server and the kubelet agree that the node can take pods. */
async function untilNodeReady(cluster: Cluster, { name }: NodeRecord): Promise<void> {
  await cluster.untilReady('kubelet', () =>
    cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', `node/${name}`]).then(
      () => true,
      () => false,
    ),
  );
}

function serverFor(cluster: Cluster, { host }: NodeNetwork): string {
  return `https://${host}:${cluster.ports['kube-apiserver']}`;
}

function inside({ enter, env }: NodeRecord, name: string, program: string, args: readonly string[]) {
  const [command = '', ...rest] = enter;
  return { name, command, args: [...rest, program, ...args], env };
}

/** Runs a program in the node's namespaces and gives what it printed. */
export async function inNode({ enter, env }: NodeRecord, command: readonly string[]): Promise<string> {
  const [program = '', ...rest] = enter;
  const { stdout } = await run(program, [...rest, ...command], { env: { ...process.env, ...env }, maxBuffer: 64 << 20 });
  return stdout;
}
