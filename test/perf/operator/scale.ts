/** Many objects: memory, cold start beside a bare list, reconciles that change nothing, writes on unchanged objects, connections, CPU at rest. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { nodeEnvironment, nodeFlags } from '../../../hack/node-flags.ts';
import { type Figure, figure, round } from '../figure.ts';
import { Audit, isWrite } from './audit.ts';
import { type Cluster, withKServe } from './cluster.ts';
import { clear, createDeployments, deploymentsPath, servicesPath } from './objects.ts';
import { cpuOf, Operator, sumOf } from './operator.ts';

export interface ScaleOptions {
  readonly cluster: Cluster;
  readonly program: string;
  readonly bareProgram: string;
  readonly objects: number;
  readonly runs: number;
  /** Seconds over which CPU at rest is measured. */
  readonly restSeconds: number;
  readonly say: (line: string) => void;
}

/** Goals by number of objects of each kind. */
const memoryGoals: Readonly<Record<number, number>> = { 5000: 180, 10000: 300 };
const peakGoals: Readonly<Record<number, number>> = { 5000: 220 };
const namespace = 'scale';
/** What a machine may take at the most, API server and KServe's stand-in included. */
const secondsToServeOne = 0.2;

interface ColdStart {
  readonly ready: number;
  /** CPU time, seconds: up to ready, and of the first pass over all objects. */
  readonly cpuAtReady: number;
  /** CPU time of the API server up to ready, seconds. */
  readonly serverCpu: number;
  readonly cpuOfPass: number;
  readonly peak: number;
  readonly resident: number;
  readonly reconcilesPerSecond: number;
  readonly firstPass: number;
  readonly writes: number;
  readonly connections: number;
  readonly watches: number;
}

export async function scaleFigures(options: ScaleOptions): Promise<Figure[]> {
  const { cluster, objects, runs, restSeconds, say } = options;
  await seed(options);
  const sizes = await sizesOf(cluster);
  say(`${objects} of each: ModelDeployments of ${sizes.deployment} bytes, InferenceServices of ${sizes.service} bytes`);
  const starts: ColdStart[] = [];
  const bare: BareList[] = [];
  const streamed: BareList[] = [];
  let cpu: number[] = [];
  let writesAtRest = 0;
  for (let run = 1; run <= runs; run += 1) {
    bare.push(await bareList(options, 'list'));
    streamed.push(await bareList(options, 'watch'));
    const before = await openWatches(cluster);
    const server = await serverCpu(cluster);
    const operator = await Operator.start({ program: options.program, access: cluster.access });
    try {
      const audit = new Audit(cluster.plane.auditLog);
      starts.push(await coldStart(options, operator, audit, before, server));
      say(`cold start ${run}: ${JSON.stringify(starts.at(-1))}, bare list ${JSON.stringify(bare.at(-1))}`);
      if (run === runs) {
        const rest = await atRest(operator, audit, restSeconds);
        cpu = rest.cpu;
        writesAtRest = rest.writes;
      }
    } finally {
      await operator.stop();
    }
  }
  await clear(cluster.api, namespace);
  const of = (field: keyof ColdStart) => starts.map((start) => start[field]);
  const each = `${objects} of each`;
  const ratio = starts.map(({ ready }, run) => ready / (bare[run]?.milliseconds ?? Number.NaN));
  const memoryGoal = memoryGoals[objects];
  const peakGoal = peakGoals[objects];
  return [
    figure(`resident memory, steady, ${each}`, 'MB', of('resident'), {
      ...(memoryGoal && { goal: { atMost: memoryGoal } }),
      detail: sizes,
    }),
    figure(`peak memory up to the first full pass, ${each}`, 'MB', of('peak'), {
      ...(peakGoal && { goal: { atMost: peakGoal } }),
      detail: { bareList: bare.map(({ peak }) => Math.round(peak)) },
    }),
    figure(`cold start to synced caches, ${each}, against a bare paged list`, 'ratio', ratio, {
      goal: { atMost: 1.3 },
      detail: {
        milliseconds: of('ready').map(Math.round),
        bareMilliseconds: bare.map(({ milliseconds }) => Math.round(milliseconds)),
        cpuSeconds: of('cpuAtReady').map(round),
        bareCpuSeconds: bare.map(({ cpu }) => round(cpu)),
        bareWatchListMilliseconds: streamed.map(({ milliseconds }) => Math.round(milliseconds)),
        bareWatchListCpuSeconds: streamed.map(({ cpu }) => round(cpu)),
        cpuSecondsOfApiServer: { operator: of('serverCpu').map(round), list: bare.map(serverCpuOf), watchList: streamed.map(serverCpuOf) },
      },
    }),
    figure(`first full pass over ${objects} after start`, 'ms', of('firstPass')),
    figure('reconciles that change nothing', '1/s', of('reconcilesPerSecond'), {
      goal: { atLeast: 1500 },
      detail: { perCpuSecond: starts.map(({ cpuOfPass }) => Math.round(objects / cpuOfPass)) },
    }),
    figure(
      `API writes per unchanged object, restart of the operator over ${objects}`,
      'writes',
      of('writes').map((writes) => writes / objects),
      {
        goal: { atMost: 0 },
      },
    ),
    figure(`API writes at rest in ${restSeconds} s, ${each}`, 'writes', [writesAtRest], { goal: { atMost: 0 } }),
    figure(
      'connections to the API server beyond one for each watch',
      'connections',
      starts.map(({ connections, watches }) => connections - watches),
      { goal: { atMost: 16 }, detail: { connections: of('connections'), watches: of('watches') } },
    ),
    figure(`CPU at rest, ${each}`, 'cores', cpu, { goal: { atMost: 0.02 } }),
  ];
}

/** Makes the objects with the operator itself and KServe's stand-in, until every model is said to serve. */
async function seed({ cluster, program, objects, say }: ScaleOptions): Promise<void> {
  await cluster.namespace(namespace);
  const operator = await Operator.start({ program, access: cluster.access });
  try {
    await operator.ready();
    const started = performance.now();
    await withKServe(cluster.api, async (history) => {
      await createDeployments(cluster.api, namespace, objects);
      const ready = () => history.present('ModelDeployment', namespace).filter(({ status }) => isReady(status)).length;
      for (let count = ready(); count < objects; count = ready()) {
        const seconds = Math.round((performance.now() - started) / 1000);
        if (seconds > objects * secondsToServeOne)
          throw new Error(`only ${count} of ${objects} ModelDeployments became ready in ${seconds} s`);
        await sleep(1000);
      }
    });
    say(`${objects} ModelDeployments serve after ${Math.round((performance.now() - started) / 1000)} s`);
    // The last statuses settle.
    await sleep(7000);
  } finally {
    await operator.stop();
  }
}

function isReady(status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } | undefined): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

async function sizesOf({ api }: Cluster): Promise<{ readonly deployment: number; readonly service: number }> {
  const mean = async (path: string) => {
    const { items } = await api.must('GET', `${path}?limit=100`);
    return Math.round(items.reduce((sum: number, item: unknown) => sum + JSON.stringify(item).length, 0) / items.length);
  };
  return { deployment: await mean(deploymentsPath(namespace)), service: await mean(servicesPath(namespace)) };
}

async function coldStart(
  { cluster, objects }: ScaleOptions,
  operator: Operator,
  audit: Audit,
  before: number,
  server: () => number,
): Promise<ColdStart> {
  const ready = await operator.ready();
  const cpuAtReady = operator.cpu();
  const serverCpu = server();
  const pass = await firstPass(operator, objects);
  const cpuOfPass = operator.cpu() - cpuAtReady;
  const { peak } = operator.memory();
  // Steady: the young generation has been collected a few times.
  await sleep(20_000);
  const requests = audit.read();
  return {
    ready,
    cpuAtReady,
    serverCpu,
    cpuOfPass,
    peak,
    resident: operator.memory().resident,
    reconcilesPerSecond: pass.perSecond,
    firstPass: pass.doneAt,
    writes: requests.filter(isWrite).length,
    connections: operator.connections(cluster.port),
    watches: (await openWatches(cluster)) - before,
  };
}

/** Watches that the API server serves now, whoever has them. */
async function openWatches({ api }: Cluster): Promise<number> {
  const { body } = await api.request('GET', '/metrics');
  return sumOf(String(body.message), 'apiserver_longrunning_requests', 'verb="WATCH"');
}

/** How fast the first pass over all objects goes: from the first count seen to the one that is complete. */
async function firstPass(operator: Operator, objects: number): Promise<{ readonly perSecond: number; readonly doneAt: number }> {
  let first: { readonly count: number; readonly at: number } | undefined;
  for (;;) {
    const count = await operator.metric('controller_runtime_reconcile_total');
    const at = performance.now();
    if (count > 0 && first === undefined) first = { count, at };
    if (first !== undefined && count >= objects) {
      const perSecond = at > first.at ? ((count - first.count) / (at - first.at)) * 1000 : (count / (at - operator.startedAt)) * 1000;
      return { perSecond, doneAt: at - operator.startedAt };
    }
    if (at - operator.startedAt > 120_000) throw new Error(`only ${count} of ${objects} reconciles after 120 s: ${operator.log()}`);
    // Each answer takes some milliseconds of what is measured.
    await sleep(100);
  }
}

async function atRest(operator: Operator, audit: Audit, seconds: number): Promise<{ readonly cpu: number[]; readonly writes: number }> {
  audit.read();
  const cpu: number[] = [];
  for (let part = 0; part < 3; part += 1) {
    const [before, at] = [operator.cpu(), performance.now()];
    await sleep((seconds * 1000) / 3);
    cpu.push((operator.cpu() - before) / ((performance.now() - at) / 1000));
  }
  return { cpu, writes: audit.read().filter(isWrite).length };
}

interface BareList {
  readonly objects: number;
  readonly milliseconds: number;
  readonly peak: number;
  readonly cpu: number;
  readonly serverCpu: number;
}

async function bareList({ cluster, bareProgram, objects }: ScaleOptions, how: 'list' | 'watch'): Promise<BareList> {
  const { api } = cluster;
  const server = await serverCpu(cluster);
  const started = performance.now();
  const paths = ['/apis/modelwright.dev/v1alpha1/modeldeployments', '/apis/serving.kserve.io/v1beta1/inferenceservices'];
  const args = [bareProgram, how, api.server, JSON.stringify(api.headers), JSON.stringify(api.tls), ...paths];
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeFlags, ...args], { env: { ...process.env, ...nodeEnvironment } });
  const milliseconds = performance.now() - started;
  const told = JSON.parse(stdout);
  if (told.objects !== 2 * objects) throw new Error(`the bare list found ${told.objects} objects in place of ${2 * objects}`);
  return { objects: told.objects, milliseconds, peak: told.peak, cpu: told.cpu, serverCpu: server() };
}

const serverCpuOf = ({ serverCpu: seconds }: BareList) => round(seconds);

/** CPU time that the API server uses from now on, seconds. */
async function serverCpu({ plane }: Cluster): Promise<() => number> {
  const pid = (await plane.processes()).find(({ name, running }) => running && name === 'kube-apiserver')?.pid ?? 0;
  const before = cpuOf(pid);
  return () => cpuOf(pid) - before;
}

/** Memory of an operator that has nothing to look after. */
export async function idleFigure({ cluster, program, runs }: Pick<ScaleOptions, 'cluster' | 'program' | 'runs'>): Promise<Figure> {
  const resident: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const operator = await Operator.start({ program, access: cluster.access });
    try {
      await operator.ready();
      await sleep(15_000);
      resident.push(operator.memory().resident);
    } finally {
      await operator.stop();
    }
  }
  return figure('resident memory of the bundled operator, idle, no objects', 'MB', resident, { goal: { atMost: 85 } });
}
