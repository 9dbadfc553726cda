/** Stops and starts the node of a running instance, as a machine that loses power and comes back. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inNode, NODE_PROGRAMS, type NodeRecord, readyFile } from '../components/real-node.ts';
import type { ControlPlane } from '../plane.ts';
import { until } from '../probe.ts';
import { CONTAINERD_SOCKET } from './config.ts';

const FAKE_GPUS = 'fake-gpus';

/** Every process of the node ends at once, those in containers, too. */
export async function stopNode(plane: ControlPlane): Promise<void> {
  await plane.kill('node');
  for (const program of NODE_PROGRAMS) await plane.kill(program);
}

/** Returns when the kubelet runs again; the node is Ready some seconds later. */
export async function startNode(plane: ControlPlane): Promise<void> {
  const node = nodeOf(plane);
  const folder = join(plane.dir, 'node');
  rmSync(readyFile(folder), { force: true });
  await plane.restart('node');
  await until(async () => existsSync(readyFile(folder)), { seconds: 60, problem: () => 'the node’s namespaces are not ready' });
  await plane.restart('containerd');
  const answers = () =>
    inNode(node, ['ctr', '--address', CONTAINERD_SOCKET, 'version']).then(
      () => true,
      () => false,
    );
  await until(answers, { seconds: 60, problem: () => 'containerd does not answer' });
  for (const program of NODE_PROGRAMS.filter((name) => name !== 'containerd')) await plane.restart(program);
  if ((await plane.processes()).some(({ name }) => name === FAKE_GPUS)) await plane.restart(FAKE_GPUS);
}

/**
 * Gives the node `count` fake `nvidia.com/gpu`: Pods that ask for them are scheduled and told which they got, and there is nothing behind.
 * Returns when the API server knows of them.
 */
export async function startFakeGpus(plane: ControlPlane, count = 4): Promise<void> {
  const node = nodeOf(plane);
  const [command = '', ...enter] = node.enter;
  const args = [...enter, process.execPath, join(import.meta.dirname, 'fake-gpus.ts'), String(count)];
  await plane.startProcess({ name: FAKE_GPUS, command, args, env: node.env });
  const allocatable = () => plane.kubectl(['get', 'node', node.name, '-o', 'jsonpath={.status.allocatable.nvidia\\.com/gpu}']);
  await until(async () => (await allocatable()) === String(count), { seconds: 60, problem: () => 'the node has no fake GPUs' });
}

/** The node of an instance that was started with one. */
export function nodeOf(plane: ControlPlane): NodeRecord {
  if (!plane.record.node) throw new Error(`instance ${plane.name} has no real node: it was started without --nodes real`);
  return plane.record.node;
}
