import {
  BlobSASPermissions,
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  type UserDelegationKey,
} from '@azure/storage-blob';
import { PackagingError } from '../errors.ts';
import type { AzureCredential } from './credentials.ts';
import type { Repository } from './repository.ts';

/** What a signature is for. `Upload`: make one blob. `Read`: read one blob. `ReadContainer`: list and read all of them, as KServe's stock initializer does. */
export type Grant = { readonly kind: 'Upload' | 'Read'; readonly blob: string } | { readonly kind: 'ReadContainer' };

/** Form of the signatures: the SDK's own default is newer than what some clouds, and Azurite, know. */
const signatureVersion = '2022-11-02';

/** Clocks differ: a signature begins to hold this much before it is made. */
const skewMilliseconds = 5 * 60_000;

/**
 * A shared access signature (without the question mark) for one purpose, by https only, until `expires`.
 *
 * An upload in blocks needs both `c` and `w`: Put Block asks for one, the commit with `If-None-Match` for the other (seen with Azurite). Its
 * blob has a name that nobody else uses, so that neither can change anything that is there.
 *
 * @throws PackagingError CredentialsMissing for credentials that cannot sign: a signature, or none.
 */
export async function signatureFor(
  repository: Repository,
  credential: AzureCredential,
  grant: Grant,
  expires: Date,
  signal?: AbortSignal,
): Promise<string> {
  const values = {
    containerName: repository.container,
    ...(grant.kind === 'ReadContainer'
      ? { permissions: ContainerSASPermissions.parse('rl') }
      : { blobName: grant.blob, permissions: BlobSASPermissions.parse(grant.kind === 'Upload' ? 'cw' : 'r') }),
    startsOn: new Date(Date.now() - skewMilliseconds),
    expiresOn: expires,
    protocol: SASProtocol.Https,
    version: signatureVersion,
  };
  switch (credential.kind) {
    case 'key':
      return generateBlobSASQueryParameters(values, credential.credential).toString();
    case 'token': {
      const key = await delegationKey(repository, credential, values.startsOn, expires, signal);
      return generateBlobSASQueryParameters(values, key, repository.account).toString();
    }
    case 'sas':
    case 'anonymous':
      throw new PackagingError(
        'CredentialsMissing',
        `The credentials of account ${repository.account} cannot sign: give an account key or a service principal, not a shared access signature.`,
      );
    default:
      return credential satisfies never;
  }
}

/** Of a service principal that may "generate a user delegation key" (the role Storage Blob Data Contributor). Azure gives it for seven days at most. */
async function delegationKey(
  { endpoint }: Repository,
  { credential }: Extract<AzureCredential, { kind: 'token' }>,
  starts: Date,
  expires: Date,
  abortSignal?: AbortSignal,
): Promise<UserDelegationKey> {
  const service = new BlobServiceClient(endpoint, credential, { retryOptions: { maxTries: 3 } });
  return service.getUserDelegationKey(starts, expires, abortSignal === undefined ? {} : { abortSignal });
}
