/** Where an instance keeps its files. Everything of one instance is below one folder, which goes when the instance goes. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** All instances of this checkout; `.gitignore` covers it. */
export const INSTANCES = resolve(import.meta.dirname, '../../.controlplane');

/** The longest socket path that Linux takes (108 bytes with the final zero; macOS has 104). */
const LONGEST_SOCKET_PATH = 103;

/** The files of one instance. */
export interface Layout {
  readonly name: string;
  readonly dir: string;
  /** What was started, for whoever attaches later. */
  readonly instanceFile: string;
  /** The supervisor's own record of its processes. */
  readonly processesFile: string;
  readonly socket: string;
  readonly kubeconfig: string;
  readonly auditLog: string;
  readonly pki: string;
  readonly logs: string;
  readonly bin: string;
  readonly etcd: string;
  readonly work: string;
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/;

/** Whether a folder of this name can be an instance's. */
export function isInstanceName(name: string): boolean {
  return NAME.test(name);
}

/** Throws when `name` cannot be a folder and a cluster name. */
export function layoutOf(name: string, root = INSTANCES): Layout {
  if (!isInstanceName(name)) {
    throw new Error(`instance name "${name}" must be 1 to 42 lower-case letters, digits and dashes, as in "demo-2"`);
  }
  const dir = join(root, name);
  const socket = join(dir, 'sock');
  if (Buffer.byteLength(socket) > LONGEST_SOCKET_PATH) {
    throw new Error(`the path ${socket} is too long for a socket: choose a shorter --name, or a checkout nearer to /`);
  }
  return {
    name,
    dir,
    instanceFile: join(dir, 'instance.json'),
    processesFile: join(dir, 'processes.json'),
    socket,
    kubeconfig: join(dir, 'kubeconfig'),
    auditLog: join(dir, 'logs', 'audit.log'),
    pki: join(dir, 'pki'),
    logs: join(dir, 'logs'),
    bin: join(dir, 'bin'),
    etcd: join(dir, 'etcd'),
    work: join(dir, 'work'),
  };
}

/** Makes the instance's folders, readable by their owner only: they hold private keys. */
export function createFolders(layout: Layout): void {
  for (const dir of [layout.dir, layout.pki, layout.logs, layout.bin, layout.work]) mkdirSync(dir, { recursive: true, mode: 0o700 });
}
