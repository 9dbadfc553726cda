/** What integration and conformance tests need of the control plane they share: kubectl, namespaces, our CRDs, the instance. */
import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { runKubectl } from '../../hack/controlplane/cluster.ts';
import { established } from '../../hack/controlplane/established.ts';
import { layoutOf } from '../../hack/controlplane/layout.ts';
import { attach, type ControlPlane } from '../../hack/controlplane/plane.ts';
import { KUBECONFIG_VARIABLE, KUBECTL_VARIABLE, NAME_VARIABLE, required } from './environment.ts';

const CRDS = resolve(import.meta.dirname, '../../crds');

/** File of the administrator's kubeconfig. */
export function kubeconfig(): string {
  return required(KUBECONFIG_VARIABLE);
}

export interface KubectlOptions {
  /** Standard input, for `-f -`: a string as it is, any other value as JSON. */
  readonly input?: unknown;
  /** Act as this user, with no groups but those given. */
  readonly as?: string;
  readonly groups?: readonly string[];
}

/** Runs kubectl and gives what it printed; a refusal throws an Error whose message has the server's words. */
export function kubectl(args: readonly string[], { input, as, groups = [] }: KubectlOptions = {}): Promise<string> {
  const impersonation = as === undefined ? [] : ['--as', as, ...groups.flatMap((group) => ['--as-group', group])];
  const text = input === undefined || typeof input === 'string' ? input : JSON.stringify(input);
  return runKubectl(process.env[KUBECTL_VARIABLE] || 'kubectl', kubeconfig(), [...impersonation, ...args], text);
}

/** Server-side applies one object or several and gives what the API server made of the first. */
export async function apply<T = Record<string, unknown>>(
  objects: object | readonly object[],
  options: Omit<KubectlOptions, 'input'> = {},
): Promise<T> {
  const items = Array.isArray(objects) ? objects : [objects];
  const output = await kubectl(['apply', '--server-side', '-o', 'json', '-f', '-'], {
    ...options,
    input: { apiVersion: 'v1', kind: 'List', items },
  });
  const applied = JSON.parse(output) as { kind: string; items?: T[] };
  return (applied.kind === 'List' ? applied.items?.[0] : applied) as T;
}

/** Reads one object; `get('configmap', 'x', namespace)`. */
export async function get<T = Record<string, unknown>>(kind: string, name: string, namespace?: string): Promise<T> {
  return JSON.parse(await kubectl(['get', kind, name, '-o', 'json', ...inNamespace(namespace)])) as T;
}

/** Reads all objects of a kind in a namespace. */
export async function list<T = Record<string, unknown>>(kind: string, namespace?: string): Promise<T[]> {
  return (JSON.parse(await kubectl(['get', kind, '-o', 'json', ...inNamespace(namespace)])) as { items: T[] }).items;
}

function inNamespace(namespace: string | undefined): string[] {
  return namespace === undefined ? [] : ['-n', namespace];
}

/** A new namespace; with `await using` its deletion is asked for at the end of the block. */
export async function freshNamespace(prefix = 'test'): Promise<{ readonly name: string } & AsyncDisposable> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  // The ServiceAccount "default" at once, and also where no controller manager makes it: Pods are refused without it.
  await apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
  ]);
  return {
    name,
    // Without a controller manager it stays Terminating, which does no harm: nobody waits for it.
    [Symbol.asyncDispose]: async () => {
      await kubectl(['delete', 'namespace', name, '--wait=false', '--ignore-not-found']);
    },
  };
}

/** Applies our CRDs and returns when the API server serves them. Any number of test files may do so at once. */
export async function applyCrds(): Promise<void> {
  const files = globSync(`${CRDS}/*.yaml`).sort();
  if (files.length === 0) throw new Error(`there are no CRDs in ${CRDS}: run "npm run generate"`);
  await kubectl(['apply', '--server-side', '--force-conflicts', ...files.flatMap((file) => ['-f', file])]);
  await established(
    kubectl,
    files.flatMap((file) => ['-f', file]),
  );
}

/** The instance that the tier runs on, to kill, restart and compact. Not there for a control plane of one's own. */
export function controlPlane(): ControlPlane {
  const plane = attach(layoutOf(required(NAME_VARIABLE)));
  if (!plane) throw new Error(`the control plane ${process.env[NAME_VARIABLE]} is gone: it ends with the test run that started it`);
  return plane;
}

/** Asks until `read` gives a value and `wanted` accepts it; then gives that value. Throws the last value seen after `seconds`. */
export async function eventually<T>(read: () => Promise<T>, wanted: (value: T) => boolean, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (Date.now() > deadline) throw new Error(`not so within ${seconds} s; last seen:\n${JSON.stringify(value, null, 2)}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}
