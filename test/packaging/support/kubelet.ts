/**
 * Plays the kubelet for packaging Jobs: it runs the very command that a Pod's container names, as a process with the Pod's own mounts, and
 * writes its termination message and exit code into the Pod's status. The Jobs and their Pods are those of the real Job controller.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl, list } from '../../support/cluster.ts';

const main = resolve(import.meta.dirname, '../../../src/cli/main.ts');

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly automountServiceAccountToken?: boolean;
    readonly containers: readonly {
      readonly name: string;
      readonly image: string;
      readonly args: readonly string[];
      readonly env?: readonly { readonly name: string; readonly value?: string }[];
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
    }[];
    readonly volumes: readonly {
      readonly name: string;
      readonly secret?: { readonly secretName: string };
      readonly projected?: {
        readonly sources: readonly {
          readonly secret: { readonly name: string; readonly items: readonly { readonly key: string; readonly path: string }[] };
        }[];
      };
      readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
      readonly emptyDir?: object;
    }[];
  };
  readonly status?: { readonly phase?: string };
}

/** What became of a Pod, before its status says so. */
export interface Ended {
  readonly pod: Pod;
  readonly exitCode: number;
  readonly message: string;
  readonly output: string;
}

export interface Kubelet extends AsyncDisposable {
  /** Every Pod that was played, in order. */
  readonly played: readonly Ended[];
  /** Changes what a Pod's status will say; for Pods that lie. */
  alter: ((ended: Ended) => Ended | Promise<Ended>) | undefined;
  /** Called with the process of each Pod as it starts; for those that are killed. */
  started: ((child: ChildProcess, pod: Pod) => void) | undefined;
  /** Pods wait while this is true. */
  paused: boolean;
  /** What Azure's webhook for workload identity sets in Pods that ask for it by their label. */
  identity: Readonly<Record<string, string>>;
}

export interface KubeletOptions {
  readonly namespaces: readonly string[];
  /** Folders that stand for volumes, by the name of their claim. */
  readonly claims: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
}

export function startKubelet({ namespaces, claims, env }: KubeletOptions): Kubelet {
  const stop = new AbortController();
  const played: Ended[] = [];
  const known = new Set<string>();
  const kubelet: Kubelet = {
    played,
    alter: undefined,
    started: undefined,
    paused: false,
    identity: {},
    async [Symbol.asyncDispose]() {
      stop.abort();
      await loop;
    },
  };
  const play = async (pod: Pod) => {
    const asked = pod.metadata.labels['azure.workload.identity/use'] === 'true' ? kubelet.identity : {};
    const ended = await runPod(pod, claims, { ...env, ...asked }, (child) => kubelet.started?.(child, pod));
    const said = (await kubelet.alter?.(ended)) ?? ended;
    played.push(said);
    await writeStatus(said).catch(() => undefined);
  };
  const loop = (async () => {
    while (!stop.signal.aborted) {
      for (const namespace of kubelet.paused ? [] : namespaces) {
        for (const pod of await packagingPods(namespace).catch(() => [])) {
          if (known.has(pod.metadata.uid) || pod.status?.phase !== 'Pending') continue;
          known.add(pod.metadata.uid);
          await play(pod);
        }
      }
      await sleep(200, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return kubelet;
}

export async function packagingPods(namespace: string): Promise<Pod[]> {
  return (await list<Pod>('pods', namespace)).filter(({ metadata }) => metadata.labels?.['modelwright.dev/packaging'] !== undefined);
}

async function runPod(
  pod: Pod,
  claims: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
  started: (child: ChildProcess) => void,
): Promise<Ended> {
  const [container] = pod.spec.containers;
  if (container === undefined) throw new Error('a Pod without containers');
  const folder = await mkdtemp(join(tmpdir(), 'modelwright-pod-'));
  try {
    const mounts = new Map<string, string>();
    for (const { name, mountPath } of container.volumeMounts) {
      const volume = pod.spec.volumes.find((one) => one.name === name);
      const claim = volume?.persistentVolumeClaim?.claimName;
      const path = claim === undefined ? join(folder, name) : (claims[claim] ?? '');
      await mkdir(path, { recursive: true });
      if (volume?.secret !== undefined) await mountSecret(pod.metadata.namespace, volume.secret.secretName, path);
      for (const { secret } of volume?.projected?.sources ?? []) await projectSecret(pod.metadata.namespace, secret, path);
      mounts.set(mountPath, path);
    }
    const real = (text: string) =>
      [...mounts].reduce((whole, [from, to]) => whole.replaceAll(new RegExp(`(^|=)${from}(?=/|$)`, 'g'), `$1${to}`), text);
    const log = join(folder, 'termination-log');
    const settings = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, real(value ?? '')]));
    const child = spawn(process.execPath, [main, ...container.args.map(real), `--termination-log=${log}`], {
      env: { ...env, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    started(child);
    const [code] = (await once(child, 'exit')) as [number | null];
    const message = await readFile(log, 'utf8').catch(() => '');
    return { pod, exitCode: code ?? 137, message, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function mountSecret(namespace: string, name: string, path: string): Promise<void> {
  const { data } = JSON.parse(await kubectl(['get', 'secret', name, '-n', namespace, '-o', 'json'])) as { data: Record<string, string> };
  for (const [key, value] of Object.entries(data)) await writeFile(join(path, key), Buffer.from(value, 'base64'), { mode: 0o440 });
}

/** Keys that the Secret has not, and a Secret that is not there, are left out: the source is optional. */
async function projectSecret(
  namespace: string,
  { name, items }: { readonly name: string; readonly items: readonly { readonly key: string; readonly path: string }[] },
  folder: string,
): Promise<void> {
  const found = (await kubectl(['get', 'secret', name, '-n', namespace, '--ignore-not-found', '-o', 'json'])).trim();
  if (found === '') return;
  const { data = {} } = JSON.parse(found) as { data?: Record<string, string> };
  for (const { key, path } of items) {
    const value = data[key];
    if (value === undefined) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), Buffer.from(value, 'base64'), { mode: 0o444 });
  }
}

async function writeStatus({ pod, exitCode, message }: Ended): Promise<void> {
  const { name, namespace } = pod.metadata;
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message, startedAt: now, finishedAt: now };
  const container = pod.spec.containers[0];
  const status = {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: [
      { name: container?.name, image: container?.image, imageID: '', ready: false, restartCount: 0, started: false, state: { terminated } },
    ],
  };
  await kubectl(['patch', 'pod', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
}
