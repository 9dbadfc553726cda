/** How fast work is done, beside a bare loop that sends the same requests to the same server in the same run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, applyPatch } from '../../faults/api.ts';
import { type Figure, figure, round } from '../figure.ts';
import { Audit, type AuditedRequest, isWrite } from './audit.ts';
import type { Cluster } from './cluster.ts';
import {
  clear,
  createDeployments,
  deploymentOf,
  deploymentsPath,
  inParallel,
  names,
  servicesPath,
  storageUri,
  until,
  writers,
} from './objects.ts';
import { cpuOf, Operator } from './operator.ts';

export interface ThroughputOptions {
  readonly cluster: Cluster;
  readonly program: string;
  readonly runs: number;
  readonly objects: number;
  readonly say: (line: string) => void;
}

const [namespace, bareNamespace] = ['work', 'bare'];
/** Keys that the operator works on at once. */
const workers = 10;

/** `objects` ModelDeployments created at once by 16 writers, until every InferenceService is right. */
export async function createdAtOnce({ cluster, program, runs, objects, say }: ThroughputOptions): Promise<Figure> {
  const { api } = cluster;
  const results: {
    readonly seconds: number;
    readonly seeding: number;
    readonly bare: number;
    readonly requests: Record<string, number>;
  }[] = [];
  for (const each of [namespace, bareNamespace]) await cluster.namespace(each);
  for (let run = 1; run <= runs; run += 1) {
    const operator = await Operator.start({ program, access: cluster.access, args: ['--namespaces', namespace] });
    try {
      await operator.ready();
      await sleep(1000);
      const audit = new Audit(cluster.plane.auditLog);
      const right = servicesRight(api, objects);
      const started = performance.now();
      await createDeployments(api, namespace, objects);
      const seeding = (performance.now() - started) / 1000;
      await right;
      const seconds = (performance.now() - started) / 1000;
      // Statuses follow; then the record is complete.
      await quiet(audit, 3);
      const requests = audit.all();
      const bare = await bareSeconds(api, requests, objects);
      results.push({ seconds, seeding, bare, requests: countsOf(requests) });
      say(`created at once, run ${run}: ${JSON.stringify(results.at(-1))}`);
    } finally {
      await operator.stop();
    }
    await clear(api, namespace);
    await clear(api, bareNamespace);
  }
  return figure(
    `${objects} ModelDeployments created at once until all InferenceServices are right, against a bare loop of the same writes`,
    'ratio',
    results.map(({ seconds, bare }) => seconds / bare),
    {
      goal: { atMost: 2 },
      detail: {
        seconds: results.map((result) => round(result.seconds)),
        seedingSeconds: results.map((result) => round(result.seeding)),
        bareSeconds: results.map((result) => round(result.bare)),
        requestsOfTheOperator: results.at(-1)?.requests,
      },
    },
  );
}

/** Resolves when as many InferenceServices carry the model of their name. */
async function servicesRight(api: Api, objects: number): Promise<void> {
  const right = new Set<string>();
  const stop = new AbortController();
  const { metadata } = await api.must('GET', `${servicesPath(namespace)}?limit=1`);
  for await (const { object } of api.watch(`${servicesPath(namespace)}?watch=1&resourceVersion=${metadata.resourceVersion}`, stop.signal)) {
    const { name } = object.metadata;
    if (object['spec']?.predictor?.model?.storageUri === storageUri(name)) right.add(name);
    if (right.size === objects) break;
  }
  stop.abort();
}

/** The same ModelDeployments and, for each of them, the writes that the operator made for it, by 16 writers. Events are left out: nobody waits for them. */
async function bareSeconds(api: Api, requests: readonly AuditedRequest[], objects: number): Promise<number> {
  const writes = Map.groupBy(
    requests.filter((request) => isWrite(request) && request.resource !== 'events' && request.status < 300),
    ({ name }) => name,
  );
  const started = performance.now();
  await inParallel(names(objects), writers, async (name) => {
    const { metadata } = await api.must('POST', deploymentsPath(bareNamespace), deploymentOf(bareNamespace, name));
    for (const { path, body } of writes.get(name) ?? [])
      await api.must('PATCH', inBare(path), inBareBody(body, metadata.uid), { contentType: applyPatch });
  });
  return (performance.now() - started) / 1000;
}

const inBare = (path: string) => path.replace(`/namespaces/${namespace}/`, `/namespaces/${bareNamespace}/`);

/** A recorded apply, meant for the object of the same name in the other namespace. */
function inBareBody(body: unknown, uid: string): unknown {
  const { metadata, ...rest } = body as { readonly metadata: Record<string, unknown> & { readonly ownerReferences?: readonly object[] } };
  const { uid: _uid, resourceVersion: _version, ownerReferences, managedFields: _managed, ...kept } = metadata;
  return {
    ...rest,
    metadata: {
      ...kept,
      namespace: bareNamespace,
      ...(ownerReferences && { ownerReferences: ownerReferences.map((reference) => ({ ...reference, uid })) }),
    },
  };
}

/** A recorded event, told of the object of the same name in the other namespace. */
function inBareEvent(body: unknown): unknown {
  const { metadata, regarding, ...rest } = body as { readonly metadata: { readonly name: string }; readonly regarding: object };
  return { ...rest, metadata: { name: metadata.name, namespace: bareNamespace }, regarding: { ...regarding, namespace: bareNamespace } };
}

/**
 * ModelDeployments that are there before the operator starts: two writes each, the status and the InferenceService, and an event that nobody waits for. The
 * bare loop sends the same three, as many at a time as the operator does: pairs by as many writers as it has workers, events one after the other.
 */
export async function twoWrites({ cluster, program, runs, objects, say }: ThroughputOptions): Promise<Figure> {
  const { api } = cluster;
  const results: {
    readonly operator: number;
    readonly bare: number;
    readonly withoutEvents: number;
    readonly requests: Record<string, number>;
    /** CPU time for each reconcile, milliseconds, by program. */
    readonly cpu: Record<string, number>;
    readonly bareCpu: Record<string, number>;
  }[] = [];
  for (const each of [namespace, bareNamespace]) await cluster.namespace(each);
  for (let run = 1; run <= runs; run += 1) {
    await createDeployments(api, namespace, objects);
    const audit = new Audit(cluster.plane.auditLog);
    let cpu: Record<string, number> = {};
    const operator = await Operator.start({ program, access: cluster.access, args: ['--namespaces', namespace] });
    try {
      await operator.ready();
      const spent = await stopwatch(cluster, { operator: () => operator.cpu() });
      await quiet(audit, 3, () => {
        cpu = spent(objects);
      });
    } finally {
      await operator.stop();
    }
    const requests = audit.all();
    const writes = requests.filter((request) => isWrite(request) && request.resource !== 'events' && request.status < 300);
    const pairs = pairsOf(writes);
    const first = Math.min(...pairs.flat().map(({ at }) => at));
    const last = Math.max(...pairs.flat().map(({ at }) => at));
    const perSecond = pairs.length / ((last - first) / 1000);
    const events = requests.filter(({ verb, resource, status }) => verb === 'create' && resource === 'events' && status < 300);
    const bare = await barePairs(cluster, pairs, events);
    await clear(api, bareNamespace);
    const { perSecond: withoutEvents } = await barePairs(cluster, pairs, []);
    results.push({ operator: perSecond, bare: bare.perSecond, withoutEvents, requests: countsOf(requests), cpu, bareCpu: bare.cpu });
    say(`two writes, run ${run}: ${JSON.stringify(results.at(-1))}`);
    await clear(api, namespace);
    await clear(api, bareNamespace);
  }
  const lower = Math.min(800, ...results.map(({ bare }) => bare));
  return figure(
    'reconciles with two writes',
    '1/s',
    results.map((result) => result.operator),
    {
      goal: { atLeast: round(lower) },
      detail: {
        barePerSecond: results.map(({ bare }) => round(bare)),
        barePerSecondWithoutEvents: results.map(({ withoutEvents }) => round(withoutEvents)),
        cpuMillisecondsEach: results.map((result) => result.cpu),
        bareCpuMillisecondsEach: results.map((result) => result.bareCpu),
        objects,
        requestsOfTheOperator: results.at(-1)?.requests,
      },
    },
  );
}

type Pair = readonly [AuditedRequest, AuditedRequest];

/** The first InferenceService write and the first status write of each name, in their order. */
function pairsOf(writes: readonly AuditedRequest[]): Pair[] {
  return [...Map.groupBy(writes, ({ name }) => name).values()].flatMap((group) => {
    const service = group.find(({ resource }) => resource === 'inferenceservices');
    const status = group.find(({ resource, subresource }) => resource === 'modeldeployments' && subresource === 'status');
    if (service === undefined || status === undefined) return [];
    return [service.at < status.at ? ([service, status] as const) : ([status, service] as const)];
  });
}

/** Pairs per second that the API server gives to as many plain writers as the operator has workers, while one more writes `events`. */
async function barePairs(
  cluster: Cluster,
  pairs: readonly Pair[],
  events: readonly AuditedRequest[],
): Promise<{ readonly perSecond: number; readonly cpu: Record<string, number> }> {
  const { api } = cluster;
  const uids = new Map<string, string>();
  await inParallel(pairs, writers, async ([{ name }]) => {
    const { metadata } = await api.must('POST', deploymentsPath(bareNamespace), deploymentOf(bareNamespace, name));
    uids.set(name, metadata.uid);
  });
  const spent = await stopwatch(cluster, { loop: () => cpuOf(process.pid) });
  const started = performance.now();
  let done = false;
  const writing = inParallel(events, 1, async ({ path, body }) => {
    if (!done) await api.must('POST', inBare(path), inBareEvent(body));
  });
  await inParallel(pairs, workers, async (pair) => {
    for (const { path, body, name } of pair) {
      await api.must('PATCH', inBare(path), inBareBody(body, uids.get(name) ?? ''), { contentType: applyPatch });
    }
  });
  const seconds = (performance.now() - started) / 1000;
  const cpu = spent(pairs.length);
  done = true;
  await writing;
  return { perSecond: pairs.length / seconds, cpu };
}

/** Starts to measure CPU time: of the API server, of etcd, and what `more` reads. The result gives the milliseconds of each for each of so many pieces of work. */
async function stopwatch(
  { plane }: Cluster,
  more: Readonly<Record<string, () => number>>,
): Promise<(pieces: number) => Record<string, number>> {
  const servers = (await plane.processes()).filter(({ running }) => running).map(({ name, pid }) => [name, () => cpuOf(pid)] as const);
  const clocks = [...Object.entries(more), ...servers].map(([name, read]) => ({ name, read, before: read() }));
  return (pieces) => Object.fromEntries(clocks.map(({ name, read, before }) => [name, round(((read() - before) * 1000) / pieces)]));
}

/** Waits until the operator has asked nothing but its lease and watches for `seconds`; `onWork` is called while it does. */
async function quiet(audit: Audit, seconds: number, onWork: () => void = () => {}): Promise<void> {
  let last = performance.now();
  await until('the operator rests', 180, () => {
    if (audit.read().some(({ verb, resource }) => verb !== 'watch' && resource !== 'leases')) {
      last = performance.now();
      onWork();
    }
    return performance.now() - last > seconds * 1000;
  });
}

/** `patch inferenceservices: 1000`. */
function countsOf(requests: readonly AuditedRequest[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verb, resource, subresource } of requests) {
    if (verb === 'watch' || resource === 'leases') continue;
    const name = `${verb} ${resource}${subresource && `/${subresource}`}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
