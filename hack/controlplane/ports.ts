/**
 * Free TCP ports on loopback for several control planes side by side. A port is taken by a file that names the process
 * it belongs to, so that two starters never pick the same one between looking and binding, and is free again once
 * that process is gone.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { claim, holderOf, holds } from './claim.ts';

/** The servers of an instance. */
export const PORT_NAMES = [
  'etcd',
  'etcd-peer',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
  'knative-controller-metrics',
  'knative-controller-profiling',
  'knative-webhook',
  'knative-webhook-metrics',
  'knative-webhook-profiling',
  'knative-autoscaler-metrics',
  'knative-autoscaler-profiling',
  'kserve-metrics',
  'kserve-health',
  'kserve-webhook',
] as const;
export type PortName = (typeof PORT_NAMES)[number];

/** Below the range from which Linux and macOS give ports to outgoing connections (32768 and 49152 upwards). */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/**
 * Reserves one port per name for the process `owner`.
 * @param folder where the reservations of all instances on this machine are kept
 */
export async function reservePorts<Name extends string>(
  folder: string,
  names: readonly Name[],
  owner: number,
  random: () => number = Math.random,
): Promise<Record<Name, number>> {
  mkdirSync(folder, { recursive: true });
  const ports: Partial<Record<Name, number>> = {};
  for (const name of names) ports[name] = await reserveOne(folder, owner, random);
  return ports as Record<Name, number>;
}

/** Frees what `owner` reserved, and what belongs to processes that are gone. */
export function releasePorts(folder: string, owner: number): void {
  for (const file of listed(folder)) {
    const holder = holderOf(join(folder, file));
    if (holder && (holder.pid === owner || !holds(holder))) rmSync(join(folder, file), { force: true });
  }
}

async function reserveOne(folder: string, owner: number, random: () => number): Promise<number> {
  const span = HIGHEST - LOWEST;
  const start = Math.floor(random() * span);
  for (let step = 0; step < span; step++) {
    const port = LOWEST + ((start + step) % span);
    const file = join(folder, String(port));
    if (!claim(file, owner)) continue;
    if (await canListen(port)) return port;
    rmSync(file, { force: true });
  }
  throw new Error(`no free TCP port between ${LOWEST} and ${HIGHEST} on 127.0.0.1`);
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
