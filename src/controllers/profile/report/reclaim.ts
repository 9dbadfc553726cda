/** Deletes archives of full reports that nothing tells of any more, in repositories that want what is unused deleted. */
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { ModelRepository, ServingPlatform } from '../../../api/serving-platform/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { type Controller, done, type ReconcileResult } from '../../../kube/controller.ts';
import type { ObjectKey } from '../../../kube/object.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import { watchMapped } from '../../../kube/watches.ts';
import type { Shelf } from '../../../packaging/azure/shelf.ts';
import { PackagingError } from '../../../packaging/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { ReclaimPorts } from '../../deployment/packaging/reclaim.ts';
import { placeOf } from '../../deployment/packaging/repository.ts';
import { platformKey } from '../../platform/stores.ts';
import { modelProfiles } from '../resources.ts';
import { reportFolderName } from './names.ts';

export interface ReportReclaimPorts extends Omit<ReclaimPorts, 'stores'> {
  readonly stores: Pick<ReclaimPorts['stores'], 'platforms' | 'namespaces'> & { readonly profiles: Store<ModelProfile> };
}

/** Whatever happens, a folder is looked at this often: an archive becomes old enough without anybody telling. */
const [shortestWait, longestWait] = [5000, 6 * 3_600_000];
const defaultReclaimSeconds = 600;

/** Keys are a namespace, and in it the name of a repository. */
export function reportReclaimController(ports: ReportReclaimPorts): Controller {
  const { platforms, profiles, namespaces } = ports.stores;
  const repositories = () =>
    (platforms.get(platformKey)?.spec.repositories ?? []).filter(({ reclaimPolicy }) => reclaimPolicy === 'Delete');
  const isOurs = (namespace: string) => ports.namespaces?.includes(namespace) ?? true;
  const keysIn = ({ metadata }: { readonly metadata: { readonly name: string } }) =>
    isOurs(metadata.name) ? repositories().map(({ name }) => ({ namespace: metadata.name, name })) : [];
  return {
    name: 'report-reclaim',
    workers: 1,
    watches: [
      watchMapped(platforms, () => namespaces.list().flatMap(keysIn), {
        changed: (before, after) => before.metadata.generation !== after.metadata.generation,
      }),
      watchMapped(namespaces, keysIn, { changed: () => false }),
      watchMapped(
        profiles,
        ({ metadata, spec }) =>
          spec.report?.repository === undefined ? [] : [{ namespace: metadata.namespace ?? '', name: spec.report.repository }],
        { changed: (before, after) => JSON.stringify([...runsToldOf(before)]) !== JSON.stringify([...runsToldOf(after)]) },
      ),
    ],
    reconcile: (key, { signal }) => reclaim(key, ports, signal),
  };
}

async function reclaim({ namespace = '', name }: ObjectKey, ports: ReportReclaimPorts, signal: AbortSignal): Promise<ReconcileResult> {
  const { stores, clock, openShelf, log, client } = ports;
  const platform = stores.platforms.get(platformKey) as ServingPlatform | undefined;
  const declared = platform?.spec.repositories?.find((repository) => repository.name === name);
  const uid = stores.namespaces.get({ name: namespace })?.metadata.uid;
  if (declared?.reclaimPolicy !== 'Delete' || uid === undefined || platform?.metadata.deletionTimestamp !== undefined) return done;
  const place = placeOf(declared, { name: namespace, uid });
  try {
    const shelf = await openShelf({ declared, place }, signal);
    const wait = await sweepReports(shelf, { declared, now: clock.now(), known: () => foldersOf(client, namespace, signal) }, log, signal);
    return { requeueAfterMilliseconds: Math.min(longestWait, Math.max(shortestWait, wait)) };
  } catch (error) {
    if (!(error instanceof PackagingError)) throw error;
    log.warn({ namespace, repository: name, code: error.code, reason: error.message }, 'Unused reports cannot be collected');
    return { requeueAfterMilliseconds: longestWait };
  }
}

export interface ReportSweep {
  readonly declared: Pick<ModelRepository, 'name' | 'reclaimAfterSeconds'>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Runs that the profiles of the namespace tell of, by their folders; as the API server has it now, read after the archives are listed. */
  readonly known: () => Promise<ReadonlyMap<string, ReadonlySet<string>>>;
}

/**
 * Removes the archives of runs that no profile has in its status or its history, when they are old enough.
 *
 * @returns milliseconds until the next one may have become old enough.
 */
export async function sweepReports(
  shelf: Shelf,
  { declared, now, known }: ReportSweep,
  log: Logger,
  signal?: AbortSignal,
): Promise<number> {
  const archives = await shelf.listReports(signal);
  if (archives.length === 0) return longestWait;
  const runs = await known();
  const keep = (declared.reclaimAfterSeconds ?? defaultReclaimSeconds) * 1000;
  let wait = longestWait;
  for (const { name, folder, run, modified } of archives) {
    if (runs.get(folder)?.has(run)) continue;
    const left = modified + keep - now;
    if (left > 0) wait = Math.min(wait, left);
    else {
      await shelf.removeReport(name, signal);
      log.info({ repository: declared.name, archive: name }, 'Unused report deleted');
    }
  }
  return wait;
}

async function foldersOf(client: KubeClient, namespace: string, signal: AbortSignal): Promise<Map<string, ReadonlySet<string>>> {
  const folders = new Map<string, ReadonlySet<string>>();
  for await (const { items } of client.listPages(modelProfiles, { namespace }, signal)) {
    for (const profile of items as readonly Cached<ModelProfile>[]) folders.set(reportFolderName(profile.metadata), runsToldOf(profile));
  }
  return folders;
}

/** The run that goes on, the one that the results are of, and those of the history. */
export function runsToldOf({ status }: Pick<Cached<ModelProfile>, 'status'>): ReadonlySet<string> {
  const { run, measuring, history = [] } = status ?? {};
  return new Set([run?.id, measuring?.run, measuring?.resultsOf, ...history.map(({ id }) => id)].filter((id) => id !== undefined));
}
