/** Lays the volumes of a Pod out as files, below a folder that stands for the root of its container. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KubeClient } from '../../../src/kube/client.ts';
import { type Container, configMaps, fieldOf, type JobPod, secrets, type Volume } from './pod.ts';

/** Writes the files of every mount; a ConfigMap, Secret or key that is not there throws, and the kubelet tries again. */
export async function layOut(client: KubeClient, pod: JobPod, container: Container, folder: string, signal: AbortSignal): Promise<void> {
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const volume = pod.spec.volumes?.find((one) => one.name === name);
    if (volume === undefined) throw new Error(`the volume ${name} is not in the Pod`);
    for (const [path, content] of await filesOf(client, pod, volume, signal)) {
      const file = join(folder, mountPath, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      await chmod(file, 0o400);
    }
    await mkdir(join(folder, mountPath), { recursive: true });
  }
}

async function filesOf(
  client: KubeClient,
  pod: JobPod,
  volume: Volume,
  signal: AbortSignal,
): Promise<(readonly [string, string | Buffer])[]> {
  const namespace = pod.metadata.namespace ?? '';
  if (volume.configMap !== undefined) {
    const { data = {} } = await client.get(configMaps, { name: volume.configMap.name, namespace }, signal);
    return pick(data, volume.configMap.items, `ConfigMap ${volume.configMap.name}`);
  }
  if (volume.secret !== undefined) {
    const { data = {} } = await client.get(secrets, { name: volume.secret.secretName, namespace }, signal);
    const files = pick(data, volume.secret.items, `Secret ${volume.secret.secretName}`);
    return files.map(([path, text]) => [path, Buffer.from(text, 'base64')] as const);
  }
  if (volume.downwardAPI !== undefined)
    return volume.downwardAPI.items.map(({ path, fieldRef }) => [path, fieldOf(pod, fieldRef.fieldPath)] as const);
  if (volume.emptyDir !== undefined) return [];
  throw new Error(`the kind of volume ${volume.name} is not played here`);
}

function pick(
  data: Readonly<Record<string, string>>,
  items: readonly { key: string; path: string }[] | undefined,
  where: string,
): [string, string][] {
  const wanted = items ?? Object.keys(data).map((key) => ({ key, path: key }));
  return wanted.map(({ key, path }) => {
    const value = data[key];
    if (value === undefined) throw new Error(`${where} has no key ${key}`);
    return [path, value];
  });
}
