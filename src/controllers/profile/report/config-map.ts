/** The ConfigMap with the full report, which the profile owns. */
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Cached } from '../../../kube/store.ts';
import { writeOwnConfigMap } from '../own-config-map.ts';
import { reportDocument } from './document.ts';
import { reportConfigMapName } from './names.ts';
import type { ConfigMapOutcome } from './stored.ts';

/**
 * Writes it.
 *
 * @param profile with the status that the report is of
 * @returns what the status says of it, or why it is not there
 */
export async function writeReport(
  client: KubeClient,
  profile: Cached<ModelProfile>,
  signal: AbortSignal,
): Promise<ConfigMapOutcome['outcome']> {
  const name = reportConfigMapName(profile.metadata.name);
  const { data, binaryData, sha256, sizeBytes, note } = reportDocument(profile);
  const refused = await writeOwnConfigMap(client, profile, name, { data, binaryData }, signal);
  return refused === undefined ? { name, sha256, sizeBytes, ...(note !== undefined && { note }) } : { refused };
}
