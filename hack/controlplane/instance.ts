/**
 * Starts control planes for tests, the demo and the command line. Open this file first.
 *
 *   await using plane = await start({ name: 'demo', kserve: '0.20.0', nodes: 'fake', say: console.error });
 *   await plane.kubectl(['get', 'nodes']);
 *
 * An instance ends with the process that started it, however that ends, unless `plane.detach()` was called.
 */
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getBinaries, type Need } from './binaries.ts';
import { portsFolder } from './cache.ts';
import { COREDNS, ETCD, KNATIVE, KUBERNETES, KWOK, kserve, managerOf } from './catalog.ts';
import { Cluster } from './cluster.ts';
import { startKnative } from './components/knative.ts';
import { startKServe } from './components/kserve.ts';
import { startApiServer, startControllers } from './components/kubernetes.ts';
import { type JobPods, startFakeNodes, startJobProcesses } from './components/nodes.ts';
import { type NodeParts, type NodeRecord, startRealNode } from './components/real-node.ts';
import type { KServeVersion } from './kserve-releases.ts';
import { createFolders, INSTANCES, isInstanceName, type Layout, layoutOf } from './layout.ts';
import { elapsed, type Say } from './log.ts';
import type { FoundBinary } from './lookup.ts';
import { reserveNetwork } from './node/network.ts';
import { getNodeTools } from './node/tools.ts';
import { Pki } from './pki.ts';
import { ControlPlane, type InstanceRecord } from './plane.ts';
import { PORT_NAMES, reservePorts } from './ports.ts';
import { killRecorded, recorded, removeFolder, SupervisorClient, supervisorRuns } from './supervisor-client.ts';

export interface StartOptions {
  /** Folder below `.controlplane/`; default one that no other instance has. */
  readonly name?: string;
  /** `fake`: three kwok nodes, one of them with four `nvidia.com/gpu`. `real`: one node whose containers run, as root on Linux. */
  readonly nodes?: 'fake' | 'real';
  /** On fake nodes, `processes`: Pods of Jobs are not played but run, as processes of this machine. Only `modelwright` is. */
  readonly jobs?: JobPods;
  /** Knative Serving: controller, webhook, autoscaler. */
  readonly knative?: boolean;
  /** KServe's manager of this release with its webhooks and runtimes. */
  readonly kserve?: KServeVersion;
  /** Further flags of the API server, as `--feature-gates=WatchList=false`. */
  readonly apiServer?: readonly string[];
  /** Keep Go's build cache if something has to be built. */
  readonly keepGoCache?: boolean;
  /** Takes progress, a line at a time; default silence. */
  readonly say?: Say;
  /** The folder of instances; default `.controlplane` of this checkout. */
  readonly root?: string;
}

/** Starts an instance and waits until everything asked for is ready. Nothing is left of one that fails to start. */
export async function start(options: StartOptions = {}): Promise<ControlPlane> {
  const { say = () => {} } = options;
  const layout = layoutOf(options.name ?? `run-${process.pid}-${Date.now().toString(36)}`, options.root ?? INSTANCES);
  const tools = options.nodes === 'real' ? await getNodeTools(say) : undefined;
  const binaries = await getBinaries(needsOf(options), { say, keepGoCache: options.keepGoCache ?? false });
  sweep(options.root ?? INSTANCES);
  const existing = recorded(layout);
  if (existing && supervisorRuns(existing)) {
    throw new Error(
      `instance ${layout.name} is running already: end it with "npm run controlplane -- down --name ${layout.name}", or choose another --name`,
    );
  }
  const started = Date.now();
  removeFolder(layout);
  createFolders(layout);
  const supervisor = await SupervisorClient.spawn(layout, portsFolder());
  try {
    const { supervisor: owner } = await supervisor.table();
    const ports = await reservePorts(portsFolder(), PORT_NAMES, owner.pid);
    const cluster = new Cluster({ layout, supervisor, pki: new Pki(layout.pki), ports, binaries, say });
    cluster.kubeconfigFor('modelwright-admin', layout.kubeconfig);
    for (const [name, { path }] of Object.entries(binaries)) symlinkSync(path, join(layout.bin, name));
    const real = tools && { tools, network: reserveNetwork(portsFolder(), layout.dir, owner.pid) };
    const node = await startParts(cluster, options, real, started);
    const record: InstanceRecord = {
      name: layout.name,
      startedAt: new Date(started).toISOString(),
      url: cluster.url,
      etcdUrl: `http://127.0.0.1:${ports.etcd}`,
      kubectl: cluster.binary('kubectl'),
      parts: partsOf(options, binaries),
      programs: binaries,
      ...(node && { node }),
    };
    writeFileSync(layout.instanceFile, JSON.stringify(record, null, 2), { mode: 0o600 });
    return new ControlPlane(layout, record, supervisor);
  } catch (error) {
    await supervisor.shutdown();
    throw error;
  }
}

/** Knative comes before KServe, whose manager looks for Knative's kinds only when it starts. */
async function startParts(
  cluster: Cluster,
  options: StartOptions,
  real: NodeParts | undefined,
  started: number,
): Promise<NodeRecord | undefined> {
  const ready = (what: string) => cluster.say(`${what} ready after ${elapsed(started)}`);
  const controllers = hasControllers(options);
  const flags = options.apiServer ?? [];
  await startApiServer(cluster, { controllers, flags, ...(real && { node: real.network.host }) });
  ready('API server');
  if (controllers) {
    await startControllers(cluster);
    ready('controller manager and scheduler');
  }
  if (options.nodes === 'fake') {
    await startFakeNodes(cluster, options.jobs);
    if (options.jobs === 'processes') await startJobProcesses(cluster);
    ready('fake nodes');
  }
  const node = real && (await startRealNode(cluster, real));
  if (node) ready(`real node ${node.name}`);
  if (options.knative) {
    await startKnative(cluster);
    ready(`Knative ${KNATIVE.version}`);
  }
  if (options.kserve) {
    await startKServe(cluster, options.kserve);
    ready(`KServe ${options.kserve}`);
  }
  return node;
}

function hasControllers({ nodes, knative, kserve }: StartOptions): boolean {
  return nodes !== undefined || knative === true || kserve !== undefined;
}

function needsOf(options: StartOptions): Need[] {
  const controllers = hasControllers(options) ? ['kube-controller-manager', 'kube-scheduler'] : [];
  const kubelet = options.nodes === 'real' ? ['kubelet', 'kube-proxy'] : [];
  const needs: Need[] = [
    { component: ETCD, binaries: ['etcd'] },
    { component: KUBERNETES, binaries: ['kube-apiserver', 'kubectl', ...controllers, ...kubelet] },
  ];
  if (options.nodes === 'real') needs.push({ component: COREDNS, binaries: ['coredns'] });
  if (options.nodes === 'fake') needs.push({ component: KWOK, binaries: ['kwok'] });
  if (options.knative) needs.push({ component: KNATIVE, binaries: Object.keys(KNATIVE.binaries) });
  if (options.kserve) needs.push({ component: kserve(options.kserve), binaries: [managerOf(options.kserve)] });
  return needs;
}

function partsOf({ nodes, knative, kserve: version }: StartOptions, binaries: Readonly<Record<string, FoundBinary>>): string[] {
  const parts = [`kubernetes ${binaries['kube-apiserver']?.version}`, `etcd ${binaries['etcd']?.version}`];
  if (nodes) parts.push(`nodes ${nodes}`);
  if (knative) parts.push(`knative ${KNATIVE.version}`);
  if (version) parts.push(`kserve ${version}`);
  return parts;
}

/** Clears away instances whose supervisor was killed before it could do so itself. */
export function sweep(root = INSTANCES): void {
  for (const layout of instances(root)) {
    const table = recorded(layout);
    if (!table || supervisorRuns(table)) continue;
    killRecorded(table);
    removeFolder(layout);
  }
}

/** Every instance that has a folder. */
export function instances(root = INSTANCES): Layout[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isInstanceName(entry.name))
    .map((entry) => layoutOf(entry.name, root));
}
