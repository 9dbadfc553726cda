/** Gives the pods of a load Job what they need to upload their full reports, once a Job. */
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { isAlreadyExists } from '../../../kube/errors.ts';
import { controllerReference, type Stored } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { PackagingError } from '../../../packaging/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { OpenShelf } from '../../deployment/packaging/credentials.ts';
import { type SecretObject, secrets } from '../../deployment/packaging/resources.ts';
import type { JobObject } from '../resources.ts';
import { archiveName, uploadSecretName } from './names.ts';
import type { ReportPlace } from './place.ts';

export interface UploadPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly openShelf: OpenShelf;
}

/** Azure gives no signature by a service principal for longer than seven days. */
const longestMilliseconds = 7 * 86_400_000 - 3_600_000;
/** A Job is given its signatures for its own time and this much more. */
const graceMilliseconds = 600_000;

/**
 * Makes the Secret that the pods of the Job mount, and wait for: a file with a signature for each completion index, good for making that one archive and
 * nothing else. Where no signatures can be had the files are empty, so that the points are measured all the same and the pods say what is missing.
 *
 * @param milliseconds how long the Job may take
 */
export async function grantUploads(
  { client, clock, openShelf }: UploadPorts,
  job: Cached<JobObject>,
  place: ReportPlace | undefined,
  milliseconds: number,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = '' } = job.metadata;
  const indexes = Array.from({ length: job.spec?.completions ?? 0 }, (_, index) => index);
  let signatures = indexes.map(() => '');
  if (place?.kind === 'Usable') {
    const { target, folder } = place;
    try {
      const shelf = await openShelf(target, signal);
      const expires = new Date(clock.now() + Math.min(longestMilliseconds, milliseconds + graceMilliseconds));
      const sign = (index: number) => shelf.sign({ kind: 'Upload', blob: `${folder}/${archiveName(name, index)}` }, expires, signal);
      signatures = await Promise.all(indexes.map(sign));
    } catch (error) {
      if (!(error instanceof PackagingError)) throw error;
      log.warn({ job: name, code: error.code, reason: error.message }, 'Full reports cannot be uploaded');
    }
  }
  const secret: SecretObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: uploadSecretName(name),
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'modelwright' },
      // Goes with its Job.
      ownerReferences: [controllerReference(job as Stored<JobObject>)],
    },
    type: 'Opaque',
    stringData: Object.fromEntries(signatures.map((signature, index) => [String(index), signature])),
  };
  try {
    await client.create(secrets, secret, {}, signal);
    log.info({ job: name }, 'Signatures for full reports made');
  } catch (error) {
    // Ours, of before this operator started.
    if (!isAlreadyExists(error)) throw error;
  }
}
