/** Objects of Kubernetes that several end-to-end tests make as an administrator does. */

const enforce = 'pod-security.kubernetes.io/enforce';

/** A namespace in which Pod Security refuses what is not `restricted`. */
export function restrictedNamespace(name: string): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: restricted } };
}

export const restricted = { [enforce]: 'restricted', 'pod-security.kubernetes.io/enforce-version': 'latest' };

/** A folder of the node as a volume, and a claim in `namespace` that has it. The folder is there already. */
export function hostVolume(namespace: string, name: string, path: string, mode: 'ReadWriteOnce' | 'ReadOnlyMany'): object[] {
  const volume = `${namespace}-${name}`;
  const size = { storage: '1Gi' };
  const common = { storageClassName: '', accessModes: [mode] };
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volume },
      spec: {
        ...common,
        capacity: size,
        persistentVolumeReclaimPolicy: 'Retain',
        hostPath: { path, type: 'Directory' },
        claimRef: { namespace, name },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace },
      spec: { ...common, volumeName: volume, resources: { requests: size } },
    },
  ];
}
