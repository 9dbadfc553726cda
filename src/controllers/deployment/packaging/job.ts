/** The Job that packages or verifies, and the Secret that it is given. */
import { hash } from 'node:crypto';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { controllerReference, type OwnerReference } from '../../../kube/object.ts';
import { restrictedContainer, restrictedPod, secretFileMode } from '../../../kube/pod-security.ts';
import type { Cached } from '../../../kube/store.ts';
import { type Reader, workloadIdentityLabel } from './reader.ts';
import { annotations, type JobObject, packagingLabel, type SecretObject } from './resources.ts';
import { limitWords, type PackagingSettings } from './settings.ts';
import type { Task } from './task.ts';

/** How long a packaging Job may take where nothing else is declared, seconds. */
export const defaultDeadlineSeconds = 1800;
/** Name of the container whose termination message is read. */
export const containerName = 'modelwright';

const [volumePath, credentialsPath, workPath] = ['/volume', '/credentials', '/work'];

export interface JobOptions {
  readonly deployment: Cached<ModelDeployment>;
  readonly task: Task;
  readonly attempt: number;
  /** Random. */
  readonly run: string;
  readonly image: string;
  readonly settings: PackagingSettings | undefined;
  /** For a package: the blobs to make for it and its manifest, and packages that need not be sent again. */
  readonly upload?: { readonly url: string; readonly manifestUrl: string; readonly known: readonly string[] };
  /** For a verification: as whom it reads. */
  readonly reader?: Reader;
  /** Hosts that archives may come from. */
  readonly sourceHosts: readonly string[];
  /** `0.20`. */
  readonly kserveVersion: string;
}

/** The same for the same try, so that a Job which our cache does not know yet is not made twice. */
export function jobName(deployment: string, { source }: Task, attempt: number): string {
  return `${deployment}-pack-${hash('sha256', `${source} ${attempt}`).slice(0, 8)}`;
}

/** The Secret with the signature for the upload of a Job. */
export function uploadSecretName(job: string): string {
  return `${job}-upload`;
}

/**
 * A Job that is suspended: its Secret is made for it, and then it is released. It keeps Pod Security's `restricted`, has no token of the API
 * server, and sees the volume read-only.
 */
export function renderJob(options: JobOptions): JobObject {
  const { deployment, task, attempt, run, image, settings, reader } = options;
  const { namespace = '', name } = deployment.metadata;
  const job = jobName(name, task, attempt);
  const labels = { 'app.kubernetes.io/managed-by': 'modelwright', 'app.kubernetes.io/component': 'packaging', [packagingLabel]: name };
  const { volume } = deployment.spec.source;
  const volumes = [
    { name: 'work', mount: workPath, emptyDir: { sizeLimit: settings?.jobs.workSpace ?? '20Gi' } },
    ...(task.kind === 'Pack'
      ? [
          {
            name: 'credentials',
            mount: credentialsPath,
            readOnly: true,
            secret: { secretName: uploadSecretName(job), defaultMode: secretFileMode },
          },
        ]
      : []),
    ...(reader === undefined || reader.secrets.length === 0
      ? []
      : [{ name: 'credentials', mount: credentialsPath, readOnly: true, projected: secretsOf(reader) }]),
    ...(volume === undefined
      ? []
      : [{ name: 'volume', mount: volumePath, readOnly: true, persistentVolumeClaim: { claimName: volume.claimName, readOnly: true } }]),
  ];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: job,
      namespace,
      labels,
      annotations: { [annotations.source]: task.source, [annotations.run]: run, [annotations.attempt]: String(attempt) },
      ownerReferences: [controllerReference(deployment as ModelDeployment & { metadata: never })],
    },
    spec: {
      suspend: true,
      // What comes after a failure is decided by its message, not by a counter.
      backoffLimit: 0,
      activeDeadlineSeconds: settings?.jobs.deadlineSeconds ?? defaultDeadlineSeconds,
      template: {
        metadata: { labels: { ...labels, ...(reader?.workloadIdentity && { [workloadIdentityLabel]: 'true' }) } },
        spec: {
          restartPolicy: 'Never',
          ...(reader && { serviceAccountName: reader.serviceAccount }),
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: restrictedPod,
          containers: [
            {
              name: containerName,
              image,
              args: argumentsOf(options),
              // Spools go where there is room.
              env: [{ name: 'TMPDIR', value: workPath }],
              terminationMessagePolicy: 'File',
              resources: settings?.jobs.resources ?? defaultResources,
              securityContext: restrictedContainer,
              volumeMounts: volumes.map(({ name, mount, readOnly }) => ({ name, mountPath: mount, ...(readOnly && { readOnly }) })),
            },
          ],
          volumes: volumes.map(({ mount: _, readOnly: __, ...volume }) => volume),
        },
      },
    },
  };
}

/**
 * Of each Secret the keys that the download of the model would be given, in a folder by its place in the service account. One that is not there,
 * or has other keys, is left out.
 */
function secretsOf({ secrets, keys }: Reader): object {
  const sources = secrets.map((name, index) => ({
    secret: { name, optional: true, items: keys.map((key) => ({ key, path: `${index}/${key}` })) },
  }));
  return { defaultMode: secretFileMode, sources };
}

/** Measured: 2 GiB were packaged within 117 MiB and pushed within 169 MiB (docs/benchmarks.md). The rest is room, and buffers of the kernel. */
const defaultResources = { requests: { cpu: '500m', memory: '256Mi' }, limits: { cpu: '2', memory: '512Mi' } };

/** No shell, and no text of a tenant that could be taken for an option: each stands behind the option that it belongs to. */
function argumentsOf({ deployment, task, run, settings, upload, reader, sourceHosts, kserveVersion }: JobOptions): string[] {
  const { metadata, spec } = deployment;
  const { volume, archive } = spec.source;
  const limits = limitWords(settings?.jobs.limits).map((word) => `--limit=${word}`);
  const common = [`--run=${run}`, `--runtime=${spec.runtime.type}`, `--work-dir=${workPath}`, ...limits];
  if (task.kind === 'Verify') {
    const hosts = sourceHosts.length === 0 ? [] : ['--allow-host', ...sourceHosts];
    const asWhom = reader && [
      `--downloader=${reader.downloader}`,
      `--service-account=${reader.serviceAccount}`,
      ...(reader.secrets.length === 0 ? [] : [`--credentials=${credentialsPath}`]),
    ];
    return ['verify', task.storageUri, ...common, `--sha256=${task.sha256}`, ...(asWhom ?? []), ...hosts];
  }
  return [
    'pack',
    ...common,
    ...(volume === undefined ? [] : [`--source=${volumePath}`, ...(volume.path === undefined ? [] : [`--path=${volume.path}`])]),
    ...(archive === undefined ? [] : [`--url=${archive.url}`, `--sha256=${archive.sha256}`, '--allow-host', ...sourceHosts]),
    `--name=${spec.model?.name ?? metadata.name}`,
    `--kserve-version=${kserveVersion}`,
    ...(spec.gpu === undefined ? [] : [`--gpu=${spec.gpu.count}`]),
    ...(spec.runtime.version === undefined ? [] : [`--runtime-version=${spec.runtime.version}`]),
    `--credentials=${credentialsPath}`,
    `--destination=${upload?.url ?? ''}`,
    `--manifest-destination=${upload?.manifestUrl ?? ''}`,
    ...(upload === undefined || upload.known.length === 0 ? [] : ['--known', ...upload.known]),
  ];
}

/** Signatures by the key of the Secret: the first is where both KServe and `modelwright` look for one. */
export interface Signatures {
  readonly AZURE_STORAGE_ACCESS_KEY: string;
  /** For the manifest of an upload. */
  readonly MANIFEST_SAS_TOKEN?: string;
}

/** The Secret with the signatures of a Job, or of the pods that read a package. */
export function signatureSecret(
  namespace: string,
  name: string,
  owner: OwnerReference,
  deployment: string,
  signatures: Signatures,
): SecretObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'modelwright', [packagingLabel]: deployment },
      ownerReferences: [owner],
    },
    type: 'Opaque',
    stringData: { ...signatures },
  };
}
