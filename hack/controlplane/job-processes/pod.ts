/** A Pod of a Job, as far as it takes to run it as a process. */
import type { KubeObject, ResourceType } from '../../../src/kube/object.ts';

export interface EnvEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

interface Item {
  readonly key: string;
  readonly path: string;
}

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string; readonly items?: readonly Item[] };
  readonly secret?: { readonly secretName: string; readonly items?: readonly Item[] };
  readonly downwardAPI?: { readonly items: readonly { readonly path: string; readonly fieldRef: { readonly fieldPath: string } }[] };
  readonly emptyDir?: object;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvEntry[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly terminationMessagePath?: string;
  readonly terminationMessagePolicy?: 'File' | 'FallbackToLogsOnError';
}

export interface JobPod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
    readonly terminationGracePeriodSeconds?: number;
  };
  readonly status?: { readonly phase?: string };
}

/** A ConfigMap or a Secret. */
export interface Keyed extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const core = { group: '', version: 'v1', namespaced: true } as const;
export const pods: ResourceType<JobPod> = { ...core, kind: 'Pod', plural: 'pods' };
export const configMaps: ResourceType<Keyed> = { ...core, kind: 'ConfigMap', plural: 'configmaps' };
export const secrets: ResourceType<Keyed> = { ...core, kind: 'Secret', plural: 'secrets' };

/** The value of a downward API field: metadata.name, metadata.labels['x'], metadata.annotations['x'], spec.nodeName … */
export function fieldOf(pod: JobPod, path: string): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (map !== undefined && key !== undefined) return pod.metadata[map as 'labels' | 'annotations']?.[key] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName,
  };
  const value = fields[path];
  if (value === undefined) throw new Error(`the field ${path} is not played here`);
  return value;
}
