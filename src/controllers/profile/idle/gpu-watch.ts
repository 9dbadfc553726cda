/** Looks at the GPUs of a profile's target when its run needs to know: before it begins, and for where the load pod reads their use. */
import type { KubeClient } from '../../../kube/client.ts';
import type { Observed } from '../observed.ts';
import { nextRunId } from '../plan/run-id.ts';
import type { TargetPod } from '../target/target.ts';
import { triggerOf } from '../trigger.ts';
import { type CopyToMake, placesFor, wantedBy } from './copies.ts';
import type { ExporterSettings } from './exporters.ts';
import { readGpuNodes } from './gpu-nodes.ts';
import { type GpuSource, gpuSourceOf } from './gpu-source.ts';
import { judgeFree, judgeLive } from './judge.ts';
import { Sightings } from './sightings.ts';
import { tenantsOf } from './tenants.ts';
import { type IdleSighting, idleDefaults, lookEveryMilliseconds } from './wait.ts';

/** What was seen, for `decide`. */
export interface GpuSight {
  /** Absent while there is nothing to measure on yet. */
  readonly source?: GpuSource;
  /** Of a run that waits under spec.idlePolicy. */
  readonly idle?: IdleSighting;
  /** What the run has for itself while it measures: ids of GPUs, and nodes that share theirs. */
  readonly holds: readonly string[];
  /** Pods that have GPUs of the target beside its own; absent where the target has none. */
  readonly tenants?: Tenants;
}

/** Pods as namespace/name, and when that was seen, milliseconds of the wall clock. */
export interface Tenants {
  readonly pods: readonly string[];
  readonly at: number;
}

interface Source {
  readonly key: string;
  readonly at: number;
  readonly sight: Omit<GpuSight, 'idle'>;
}

/** How long what is known of the exporter holds while the Pods are the same, of results that are there. */
const sourceMilliseconds = 5 * 60_000;
/** The same of a run that goes on: how late another Pod on its GPUs may be noticed. */
export const tenantsMilliseconds = 15_000;

export class GpuWatch {
  readonly #client: KubeClient;
  readonly #sightings = new Sightings();
  readonly #sources = new Map<string, Source>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Undefined where no run needs it. Nothing is read for a model without GPUs, nor again within the time that a look holds. */
  async look(observed: Observed, settings: ExporterSettings | undefined, signal?: AbortSignal): Promise<GpuSight | undefined> {
    const { profile, now } = observed;
    const { uid, namespace = '' } = profile.metadata;
    const run = runInNeed(observed);
    if (run === undefined) return undefined;
    if (observed.copyToMake !== undefined) return this.#lookForPlace(observed, run.id, observed.copyToMake, settings, signal);
    const leg = observed.legs.find(({ state }) => state.kind === 'Ready');
    if (leg === undefined) return undefined;
    const pods = leg.pods.filter(({ gpus, node }) => gpus > 0 && node !== undefined);
    const policy = run.waits ? profile.spec.idlePolicy : undefined;
    const every = lookEveryMilliseconds(policy ?? {});
    const key = [run.id, ...pods.map((pod) => `${pod.uid}@${pod.node}`)].join(' ');
    const known = this.#sources.get(uid);
    const seen = policy && this.#sightings.recent(uid, run.id, every, now);
    const fresh = run.waits || pods.length === 0 ? sourceMilliseconds : tenantsMilliseconds;
    const holds = run.ended || now - (known?.at ?? 0) < fresh;
    if (known?.key === key && holds && (policy === undefined || seen !== undefined)) {
      return { ...known.sight, ...(seen !== undefined && { idle: seen }) };
    }
    const names = [...new Set(pods.map(({ node = '' }) => node))];
    const found = names.map((name) => ({ name, node: observed.nodes?.get(name) }));
    const nodes = await readGpuNodes({ client: this.#client, settings, nodes: found }, signal);
    const source = gpuSourceOf(namespace, pods, nodes);
    const shared = nodes.filter((node) => node.shared).map(({ name }) => `node/${name}`);
    const own = podsByNode(namespace, pods);
    const sight = {
      source,
      holds: [...source.uuids, ...shared],
      ...(pods.length > 0 && { tenants: { pods: tenantsOf(own, nodes), at: now } }),
    };
    this.#sources.set(uid, { key, at: now, sight });
    if (policy === undefined) return sight;
    const judgement = judgeLive(own, nodes, { ...idleDefaults, ...policy });
    return { ...sight, idle: this.#sightings.record(uid, run.id, judgement, every, now) };
  }

  /** Whether there is room for a copy on idle GPUs. */
  async #lookForPlace(
    { profile, nodes, now }: Observed,
    run: string,
    { entry, copy }: CopyToMake,
    settings: ExporterSettings | undefined,
    signal: AbortSignal | undefined,
  ): Promise<GpuSight | undefined> {
    const policy = profile.spec.idlePolicy;
    if (policy === undefined) return undefined;
    const { uid } = profile.metadata;
    const nothing = { holds: [] };
    const every = lookEveryMilliseconds(policy);
    const wait = `${run}/${entry}`;
    const seen = this.#sightings.recent(uid, wait, every, now);
    if (seen !== undefined) return { ...nothing, idle: seen };
    const wanted = wantedBy(copy);
    const places = wanted.count === 0 ? [] : placesFor(copy, [...(nodes?.values() ?? [])]);
    const found = places.map((node) => ({ name: node.metadata.name, node }));
    const read = await readGpuNodes({ client: this.#client, settings, nodes: found, resource: wanted.resource }, signal);
    const judgement = judgeFree(wanted, read, { ...idleDefaults, ...policy });
    return { ...nothing, idle: this.#sightings.record(uid, wait, judgement, every, now) };
  }

  /** To be called when a profile is gone. */
  forget(profile: string): void {
    this.#sources.delete(profile);
    this.#sightings.forget(profile);
  }
}

/** Whether there is something to look at: a run that goes on or is about to begin, or results of GPUs that may be others now. */
export function isWatched(observed: Observed): boolean {
  return runInNeed(observed) !== undefined;
}

/** The run that looks are for. One that has ended looks once, and again when other Pods serve. */
function runInNeed(observed: Observed): { readonly id: string; readonly waits: boolean; readonly ended: boolean } | undefined {
  const { profile } = observed;
  if (profile.metadata.deletionTimestamp !== undefined || profile.spec.suspend === true) return undefined;
  if (triggerOf(observed) !== undefined) return { id: nextRunId(profile), waits: true, ended: false };
  const { run, provenance } = profile.status ?? {};
  if (run?.state === 'Waiting' || run?.state === 'Running') return { id: run.id, waits: run.state === 'Waiting', ended: false };
  const measured = provenance?.gpuUuids !== undefined && profile.spec.mode !== 'Dedicated';
  return run !== undefined && measured ? { id: run.id, waits: false, ended: true } : undefined;
}

function podsByNode(namespace: string, pods: readonly TargetPod[]): ReadonlyMap<string, readonly string[]> {
  const byNode = Map.groupBy(pods, ({ node = '' }) => node);
  return new Map([...byNode].map(([node, own]) => [node, own.map(({ name }) => `${namespace}/${name}`)]));
}
