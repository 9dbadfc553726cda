/** Gives the pods of a load Job what they need to come to the model repository, once a Job: to upload their full reports, and to read a dataset. */
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { isAlreadyExists } from '../../../kube/errors.ts';
import { dependentReference, type Stored } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import type { Grant } from '../../../packaging/azure/signature.ts';
import { PackagingError } from '../../../packaging/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { OpenShelf } from '../../deployment/packaging/credentials.ts';
import type { NamespaceRepository } from '../../deployment/packaging/repository.ts';
import { type SecretObject, secrets } from '../../deployment/packaging/resources.ts';
import { datasetSignatureKey } from '../job/arguments.ts';
import { datasetAnnotation, reportAnnotation } from '../labels.ts';
import type { Observed } from '../observed.ts';
import type { JobObject } from '../resources.ts';
import { accessSecretName, archiveName } from './names.ts';

export interface AccessPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly openShelf: OpenShelf;
}

/** Azure gives no signature by a service principal for longer than seven days. */
const longestMilliseconds = 7 * 86_400_000 - 3_600_000;
/** A Job is given its signatures for its own time and this much more. */
const graceMilliseconds = 600_000;

/** Whether the pods of the Job mount signatures, and wait for them. */
export function needsAccess({ metadata }: Cached<JobObject>): boolean {
  const { annotations } = metadata;
  return annotations?.[reportAnnotation] !== undefined || annotations?.[datasetAnnotation] !== undefined;
}

/**
 * Makes the Secret that the pods mount: a file with a signature for each completion index, good for writing that one archive and nothing else, and one for reading
 * the dataset. Where no signatures can be had the files are empty, so that the pods go on and say themselves what is missing.
 *
 * @param milliseconds how long the Job may take
 */
export async function grantAccess(
  { client, clock, openShelf }: AccessPorts,
  job: Cached<JobObject>,
  { reportPlace, dataset }: Pick<Observed, 'reportPlace' | 'dataset'>,
  milliseconds: number,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = '' } = job.metadata;
  const expires = new Date(clock.now() + Math.min(longestMilliseconds, milliseconds + graceMilliseconds));
  const signed = async (target: NamespaceRepository, grants: readonly Grant[]): Promise<string[]> => {
    try {
      const shelf = await openShelf(target, signal);
      return await Promise.all(grants.map((grant) => shelf.sign(grant, expires, signal)));
    } catch (error) {
      if (!(error instanceof PackagingError)) throw error;
      log.warn({ job: name, code: error.code, reason: error.message }, 'Load pods get no access to the model repository');
      return grants.map(() => '');
    }
  };
  const files: Record<string, string> = {};
  const indexes = Array.from({ length: job.spec?.completions ?? 0 }, (_, index) => index);
  if (reportPlace?.kind === 'Usable') {
    const grants = indexes.map((index): Grant => ({ kind: 'Upload', blob: `${reportPlace.folder}/${archiveName(name, index)}` }));
    for (const [index, signature] of (await signed(reportPlace.target, grants)).entries()) files[String(index)] = signature;
  }
  if (dataset?.kind === 'Blob') {
    const [signature = ''] = await signed(dataset.target, [{ kind: 'Read', blob: dataset.blob }]);
    files[datasetSignatureKey] = signature;
  }
  const secret: SecretObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: accessSecretName(name),
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'modelwright' },
      // Goes with its Job.
      ownerReferences: [dependentReference(job as Stored<JobObject>)],
    },
    type: 'Opaque',
    stringData: files,
  };
  try {
    await client.create(secrets, secret, {}, signal);
    log.info({ job: name }, 'Signatures for the model repository made');
  } catch (error) {
    // Ours, of before this operator started.
    if (!isAlreadyExists(error)) throw error;
  }
}
