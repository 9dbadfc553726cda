/** A cluster of somebody's own, as one of kind, in the place of an instance: found, named and left like one, and nothing in it is changed. */
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getBinaries } from './binaries.ts';
import { portsFolder } from './cache.ts';
import { KUBERNETES } from './catalog.ts';
import { runKubectl } from './cluster.ts';
import { createFolders, layoutOf } from './layout.ts';
import type { Say } from './log.ts';
import { attach, ControlPlane, type InstanceRecord } from './plane.ts';
import { removeFolder, SupervisorClient } from './supervisor-client.ts';

interface Config {
  readonly clusters: readonly { readonly cluster: { readonly server: string } }[];
  readonly contexts: readonly { readonly name: string }[];
}

interface Node {
  readonly status: { readonly nodeInfo: { readonly containerRuntimeVersion: string } };
}

/**
 * @param kubeconfig file whose current context is taken, and copied with all that it refers to
 * @throws an Error of one sentence where the file is of no use or the cluster does not answer
 */
export async function adopt({ kubeconfig, name, say }: { readonly kubeconfig: string; readonly name: string; readonly say: Say }) {
  const layout = layoutOf(name);
  if (attach(layout)) throw new Error(`instance ${name} is running already: end it with "npm run controlplane -- down --name ${name}"`);
  const programs = await getBinaries([{ component: KUBERNETES, binaries: ['kubectl'] }], { say });
  const binary = programs['kubectl']?.path ?? 'kubectl';
  const ask = (args: readonly string[]) => runKubectl(binary, kubeconfig, ['--request-timeout=15s', ...args]);
  const whole = await ask(['config', 'view', '--raw', '--flatten', '--minify', '-o', 'json']).catch((error: Error) => {
    throw new Error(`${kubeconfig} names no cluster: ${lastLine(error)}`);
  });
  const { clusters, contexts } = JSON.parse(whole) as Config;
  const url = clusters[0]?.cluster.server ?? '';
  const [version, nodes, kserve] = await Promise.all([
    ask(['version', '-o', 'json']),
    ask(['get', 'nodes', '-o', 'json']),
    ask(['get', 'crd', 'inferenceservices.serving.kserve.io', '--ignore-not-found', '-o', 'name']),
  ]).catch((error: Error) => {
    throw new Error(`the cluster of ${kubeconfig}, ${url}, does not answer its administrator: ${lastLine(error)}`);
  });
  const { serverVersion } = JSON.parse(version) as { serverVersion: { gitVersion: string } };
  const { items } = JSON.parse(nodes) as { items: Node[] };
  const runtimes = [...new Set(items.map(({ status }) => status.nodeInfo.containerRuntimeVersion))];
  removeFolder(layout);
  createFolders(layout);
  const supervisor = await SupervisorClient.spawn(layout, portsFolder());
  try {
    writeFileSync(layout.kubeconfig, whole, { mode: 0o600 });
    symlinkSync(binary, join(layout.bin, 'kubectl'));
    const record: InstanceRecord = {
      name,
      startedAt: new Date().toISOString(),
      url,
      etcdUrl: '',
      kubectl: binary,
      parts: [
        `kubernetes ${serverVersion.gitVersion}`,
        `${items.length} ${items.length === 1 ? 'node' : 'nodes'}${runtimes.length > 0 ? ` with ${runtimes.join(', ')}` : ''}`,
        kserve.trim() === '' ? 'no kserve' : 'kserve',
        `of your own (${contexts[0]?.name ?? url})`,
      ],
      programs,
    };
    writeFileSync(layout.instanceFile, JSON.stringify(record, null, 2), { mode: 0o600 });
    return new ControlPlane(layout, record, supervisor);
  } catch (error) {
    await supervisor.shutdown();
    throw error;
  }
}

function lastLine({ message }: Error): string {
  return message.trim().split('\n').at(-1) ?? message;
}
