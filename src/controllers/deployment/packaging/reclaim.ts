/** Collects packages that nobody refers to any more, in repositories that want it so. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelRepository, ServingPlatform } from '../../../api/serving-platform/index.ts';
import { platformName } from '../../../api/serving-platform/index.ts';
import type { KubeClient, MetadataObject } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { type Controller, done, type ReconcileResult } from '../../../kube/controller.ts';
import type { ObjectKey } from '../../../kube/object.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import { watchMapped } from '../../../kube/watches.ts';
import type { Repository } from '../../../packaging/azure/repository.ts';
import type { Shelf, StoredPackage } from '../../../packaging/azure/shelf.ts';
import { PackagingError } from '../../../packaging/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { modelDeployments } from '../resources.ts';
import type { OpenShelf } from './credentials.ts';
import { placeOf } from './repository.ts';

export interface ReclaimPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly openShelf: OpenShelf;
  readonly stores: {
    readonly platforms: Store<ServingPlatform>;
    readonly modelDeployments: Store<ModelDeployment>;
    readonly namespaces: Store<MetadataObject>;
  };
  /** Only these are looked after by this operator; absent: all. */
  readonly namespaces?: readonly string[];
}

/** Nothing tells that a package has become old enough, so repositories are looked at this often, and sooner when one is about to. */
const [shortestWait, longestWait] = [5000, 600_000];
/** A Job that takes longer than a day has none of its signatures left. */
const uploadMilliseconds = 86_400_000;
const defaultReclaimSeconds = 600;

/** Keys are names of repositories. */
export function reclaimController(ports: ReclaimPorts): Controller {
  const { platforms, modelDeployments: deployments } = ports.stores;
  return {
    name: 'package-reclaim',
    workers: 1,
    watches: [
      watchMapped(platforms, ({ spec }) => (spec.repositories ?? []).map(({ name }) => ({ name }))),
      // The repository may have another name since.
      watchMapped(deployments, ({ status }) => (status?.package?.repository === undefined ? [] : declaredKeys(platforms)), {
        changed: (before, after) => JSON.stringify(before.status?.package) !== JSON.stringify(after.status?.package),
      }),
    ],
    reconcile: (key, { signal }) => reclaim(key, ports, signal),
  };
}

function declaredKeys(platforms: ReclaimPorts['stores']['platforms']): ObjectKey[] {
  const platform = platforms.get({ name: platformName }) as ServingPlatform | undefined;
  return (platform?.spec.repositories ?? []).map(({ name }) => ({ name }));
}

async function reclaim({ name }: ObjectKey, ports: ReclaimPorts, signal: AbortSignal): Promise<ReconcileResult> {
  const { stores, clock, openShelf, log } = ports;
  const platform = stores.platforms.get({ name: platformName }) as ServingPlatform | undefined;
  const declared = platform?.spec.repositories?.find((repository) => repository.name === name);
  if (declared === undefined || platform?.metadata.deletionTimestamp !== undefined || !stores.namespaces.hasSynced()) return done;
  try {
    const shelf = await openShelf({ declared, place: topOf(declared) }, signal);
    const wait = await sweep(
      shelf,
      {
        declared,
        namespaces: namespacesOf(ports),
        references: (namespace) => referencesIn(ports.client, namespace, signal),
        now: clock.now(),
      },
      log,
      signal,
    );
    return { requeueAfterMilliseconds: Math.min(longestWait, Math.max(shortestWait, wait)) };
  } catch (error) {
    if (!(error instanceof PackagingError)) throw error;
    log.warn({ repository: name, code: error.code, reason: error.message }, 'Unused packages cannot be collected');
    return { requeueAfterMilliseconds: longestWait };
  }
}

export interface SweepOptions {
  readonly declared: ModelRepository;
  readonly namespaces: readonly { readonly name: string; readonly uid: string }[];
  /** Digests that models of a namespace refer to, as the API server has it now: not from a cache. */
  readonly references: (namespace: string) => Promise<ReadonlySet<string>>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Removes what has not been used for long enough and what nobody refers to. Safe against whoever begins to refer to a package meanwhile: they
 * mark it as used first, so that either it is young, or its tag is not the one that was listed, and the removal is refused by the service.
 * The list is read before the references: one that comes between them is seen.
 *
 * @returns milliseconds until the next package may have become old enough.
 */
export async function sweep(
  shelf: Shelf,
  { declared, namespaces, references, now }: SweepOptions,
  log: Logger,
  signal?: AbortSignal,
): Promise<number> {
  const { packages, uploads } = await shelf.list(signal);
  for (const { name, modified } of uploads) if (now - modified > uploadMilliseconds) await shelf.removeUpload(name, signal);
  if (declared.reclaimPolicy !== 'Delete') return longestWait;
  const keep = (declared.reclaimAfterSeconds ?? defaultReclaimSeconds) * 1000;
  let wait = longestWait;
  for (const [namespace, own] of byNamespace(packages, declared, namespaces)) {
    const used = await references(namespace);
    for (const one of own) {
      if (used.has(one.sha256)) continue;
      const left = one.modified + keep - now;
      if (left > 0) wait = Math.min(wait, left);
      else if (await shelf.remove(one, signal))
        log.info({ namespace, repository: declared.name, sha256: one.sha256 }, 'Unused package deleted');
    }
  }
  return wait;
}

/** Only folders of namespaces that are there: others belong to another cluster, or to nobody who could be asked. */
function byNamespace(
  packages: readonly StoredPackage[],
  declared: ModelRepository,
  namespaces: SweepOptions['namespaces'],
): ReadonlyMap<string, readonly StoredPackage[]> {
  const top = topOf(declared).prefix;
  const folders = new Map(
    namespaces.map((namespace) => [placeOf(declared, namespace).prefix.slice(top === '' ? 0 : top.length + 1), namespace.name]),
  );
  const found = new Map<string, StoredPackage[]>();
  for (const one of packages) {
    const namespace = folders.get(one.folder);
    if (namespace !== undefined) found.set(namespace, [...(found.get(namespace) ?? []), one]);
  }
  return found;
}

/** The repository as a whole. */
function topOf(declared: ModelRepository): Repository {
  return { ...placeOf(declared, { name: '', uid: '' }), prefix: declared.azureBlob.prefix ?? '' };
}

function namespacesOf({ stores, namespaces }: ReclaimPorts): SweepOptions['namespaces'] {
  return stores.namespaces
    .list()
    .map(({ metadata }) => ({ name: metadata.name, uid: metadata.uid }))
    .filter(({ name }) => namespaces === undefined || namespaces.includes(name));
}

/**
 * Of whatever repository: one that was given another name, or a second one at the same place, has the same packages. That an equal one elsewhere is
 * kept with it does no harm.
 */
async function referencesIn(client: KubeClient, namespace: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for await (const { items } of client.listPages(modelDeployments, { namespace }, signal)) {
    for (const { status } of items as readonly Cached<ModelDeployment>[]) {
      for (const one of status?.package === undefined ? [] : [status.package, ...(status.package.former ?? [])]) {
        if (one.repository !== undefined) used.add(one.sha256);
      }
    }
  }
  return used;
}
