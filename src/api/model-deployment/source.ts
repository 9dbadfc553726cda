/** `spec.source`: where the packaged model lies. */
import { object, text } from '../schema.ts';

/** Schemes every supported KServe reads, and those that newer releases add; which of them the installed one takes is judged by the operator. */
export const storageSchemes = ['gs', 's3', 'pvc', 'http', 'https', 'hdfs', 'webhdfs', 'oci', 'hf'] as const;

export const sourceSchema = object('Where the model comes from.', {
  storageUri: text(
    'URI of the packaged model, as KServe reads it: https://account.blob.core.windows.net/container/folder/, https://…/model.zip, gs://, s3://, pvc://, oci://, hf://.',
    2048,
    { minLength: 1 },
  ),
});
