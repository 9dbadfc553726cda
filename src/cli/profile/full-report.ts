/** The full report of a run, from where spec.report has put it, into a folder. */
import { hash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { isNotFound } from '../../kube/errors.ts';
import type { KubeObject, ResourceType } from '../../kube/object.ts';
import { settingsFrom } from '../../packaging/azure/credentials.ts';
import { readReportBlob } from '../../packaging/azure/report-blob.ts';
import { withClient } from '../connection.ts';
import { Failure } from '../failure.ts';
import type { NamespaceOptions } from './profiles.ts';

interface ConfigMapObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

const configMaps: ResourceType<ConfigMapObject> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

/**
 * Writes every file of it, each held against the digest in the status; gives their paths. Archives are read with the credentials of the environment, as
 * `modelwright pull` reads packages.
 */
export async function writeFullReport(profile: ModelProfile, folder: string, options: NamespaceOptions): Promise<string[]> {
  const { report } = profile.status?.run ?? {};
  const { configMap, blobs = [], uri, message } = report ?? {};
  if (configMap === undefined && blobs.length === 0) {
    const why = message ?? (profile.spec.report === undefined ? 'spec.report asks for none' : 'the run has not come to it yet');
    throw new Failure(`ModelProfile ${profile.metadata.name} has no full report: ${why}`);
  }
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  const write = async (name: string, bytes: Buffer) => {
    const file = join(folder, name);
    await writeFile(file, bytes);
    written.push(file);
  };
  if (configMap !== undefined) {
    const files = await filesOf(configMap, profile, options);
    for (const [name, bytes] of Object.entries(files)) await write(name, bytes);
  }
  for (const { name, ...claim } of blobs) {
    // The name becomes a path here.
    if (!/^[a-z0-9][a-z0-9.-]*\.zip$/.test(name)) throw new Failure(`status.run.report names an archive "${name}": not one of ours`);
    await write(name, await readReportBlob(`${uri ?? ''}/${name}`, claim, settingsFrom(process.env)));
  }
  return written;
}

type Told = NonNullable<NonNullable<NonNullable<ModelProfile['status']>['run']>['report']>['configMap'];

async function filesOf(
  { name, sha256 }: NonNullable<Told>,
  { metadata }: ModelProfile,
  options: NamespaceOptions,
): Promise<Record<string, Buffer>> {
  const found = await withClient(options, (client) => {
    const namespace = options.namespace ?? metadata.namespace ?? client.namespace;
    return client.get(configMaps, { namespace, name }).catch((error: unknown) => {
      if (isNotFound(error)) throw new Failure(`ConfigMap ${name} with the full report is gone; change spec.runId for another run`);
      throw error;
    });
  });
  const files: Record<string, Buffer> = {};
  for (const [key, text] of Object.entries(found.data ?? {})) files[key] = Buffer.from(text);
  for (const [key, text] of Object.entries(found.binaryData ?? {})) {
    const bytes = Buffer.from(text, 'base64');
    if (key.endsWith('.gz')) files[key.slice(0, -'.gz'.length)] = gunzipSync(bytes, { maxOutputLength: 64 << 20 });
  }
  const kept = Object.fromEntries(Object.entries(files).filter(([key]) => /^report\.[a-z]+$/.test(key)));
  const json = kept['report.json'];
  if (json === undefined || hash('sha256', json, 'hex') !== sha256)
    throw new Failure(`ConfigMap ${name} does not hold the report that the status speaks of: somebody changed it`);
  return kept;
}
