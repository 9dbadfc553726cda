/** What belongs to the full report of a run, by name. */
import { ownConfigMapName } from '../own-config-map.ts';

/** The folder of a profile's archives: a later profile of its name has another. */
export function reportFolderName({ name, uid }: { readonly name: string; readonly uid: string }): string {
  return `${name}-${uid.slice(0, 8)}`;
}

/** An archive in the folder of the profile: one for each completion index of a Job. */
export function archiveName(job: string, index: number): string {
  return `${job}-${index}.zip`;
}

/** The address of such an archive up to its index. */
export function archivePrefix(uri: string, job: string): string {
  return `${uri}/${job}-`;
}

/** The Secret with the signatures by which the pods of a Job come to the model repository. */
export function accessSecretName(job: string): string {
  return `${job}-access`;
}

export function reportConfigMapName(profile: string): string {
  return ownConfigMapName(profile, 'report');
}
