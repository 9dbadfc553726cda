/** `spec.source`: where the model lies, packaged already or to be packaged by the operator. */
import { boolean, object, Type, text } from '../schema.ts';

/** Schemes every supported KServe reads, and those that newer releases add; which of them the installed one takes is judged by the operator. */
export const storageSchemes = ['gs', 's3', 'pvc', 'http', 'https', 'hdfs', 'webhdfs', 'oci', 'hf'] as const;

/** The repository that a source goes to when it names none. */
export const defaultRepository = 'default';

const digest = (description: string) => text(description, 64, { pattern: '^[0-9a-f]{64}$' });

const repository = Type.Optional(
  text('Name of the model repository of the ServingPlatform that the package goes to.', 63, {
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    default: defaultRepository,
  }),
);

const volumeSchema = object(
  'A folder of a volume. The operator packages it by a Job that mounts the volume read-only, and uploads the package to a repository.',
  {
    claimName: text('PersistentVolumeClaim of the same namespace.', 253, {
      minLength: 1,
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    }),
    path: Type.Optional(text('Folder or file of the model in the volume. Omitted: the whole volume.', 512, { minLength: 1 })),
    revision: Type.Optional(
      text('Any text. Changing it has the folder packaged again: the operator does not see what is written into a volume.', 63, {
        minLength: 1,
      }),
    ),
    repository,
  },
);

const archiveSchema = object(
  'A zip on a web server. The operator downloads it by a Job, checks it, packages its content and uploads that to a repository.',
  {
    url: text('Its http or https address; the host must be one that spec.policy.sourceHosts of the ServingPlatform allows.', 2048, {
      minLength: 1,
      pattern: '^https?://[^\\s/?#]+/[^\\s#]+$',
    }),
    sha256: digest('SHA-256 of the zip, hexadecimal. Another content is refused.'),
    repository,
  },
);

export const sourceSchema = object('Where the model comes from: exactly one of storageUri, volume and archive.', {
  storageUri: Type.Optional(
    text(
      'URI of the packaged model, as KServe reads it: https://account.blob.core.windows.net/container/folder/, https://…/model.zip, gs://, s3://, pvc://, oci://, hf://.',
      2048,
      { minLength: 1 },
    ),
  ),
  verify: Type.Optional(
    boolean(
      'Reads the package at storageUri before it is deployed, by a Job, and compares its SHA-256 and its layout. For http and https only.',
    ),
  ),
  sha256: Type.Optional(digest('SHA-256 that verify expects of the zip at storageUri, hexadecimal. Omitted: the one that its path names.')),
  volume: Type.Optional(volumeSchema),
  archive: Type.Optional(archiveSchema),
});
