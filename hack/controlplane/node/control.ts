/** Stops and starts the node of a running instance, as a machine that loses power and comes back. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inNode, NODE_PROGRAMS, type NodeRecord, readyFile } from '../components/real-node.ts';
import type { ControlPlane } from '../plane.ts';
import { until } from '../probe.ts';
import { CONTAINERD_SOCKET } from './config.ts';

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
}

/** The node of an instance that was started with one. */
export function nodeOf(plane: ControlPlane): NodeRecord {
  if (!plane.record.node) throw new Error(`instance ${plane.name} has no real node: it was started without --nodes real`);
  return plane.record.node;
}
