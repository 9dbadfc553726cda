/**
 * The process that owns the processes of one instance.
 *
 *   node supervisor.ts INSTANCE_DIR PORTS_DIR
 *
 * It starts and stops what it is told over a socket in the instance's folder, and ends with everything it started when it
 * is asked to, gets SIGTERM, or its standard input closes: the starter holds the other end of that pipe, so the kernel
 * closes it however the starter dies. `POST /detach` lets an instance outlive its starter.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { layoutOf } from './layout.ts';
import { removeCgroups } from './node/cgroups.ts';
import { releasePorts } from './ports.ts';
import { startMark } from './process.ts';
import type { ProcessRecord, ProcessSpec, ProcessTable, StopOptions } from './supervisor-client.ts';

interface Owned {
  spec: ProcessSpec;
  child: ChildProcess;
  record: ProcessRecord;
  exited: Promise<void>;
}

const [dir = '', portsDir = ''] = process.argv.slice(2);
const layout = layoutOf(basename(dir), dirname(dir));
const owned = new Map<string, Owned>();
let detached = false;
let closing: Promise<void> | undefined;

function start(spec: ProcessSpec): ProcessRecord {
  if (closing) throw new Error('the instance is stopping');
  if (owned.get(spec.name)?.record.running) throw new Error(`${spec.name} is running already`);
  const log = openSync(join(layout.logs, `${spec.name}.log`), 'a', 0o600);
  const child = spawn(spec.command, spec.args, { stdio: ['ignore', log, log], env: { ...process.env, ...spec.env }, cwd: layout.work });
  closeSync(log);
  const mark = child.pid === undefined ? undefined : startMark(child.pid);
  const record: ProcessRecord = {
    name: spec.name,
    command: spec.command,
    pid: child.pid ?? 0,
    ...(mark && { mark }),
    running: true,
    startedAt: new Date().toISOString(),
  };
  const exited = new Promise<void>((done) => {
    const ended = (ending: string) => {
      record.running = false;
      record.ending ??= ending;
      save();
      done();
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ? `ended by ${signal}` : `exit code ${code}`));
  });
  owned.set(spec.name, { spec, child, record, exited });
  save();
  return record;
}

async function stop(name: string, { signal = 'SIGKILL', graceMilliseconds = 10_000 }: StopOptions): Promise<void> {
  const process = owned.get(name);
  if (!process) throw new Error(`${name} was never started in this instance`);
  if (!process.record.running) return;
  process.child.kill(signal);
  const timer = setTimeout(() => process.child.kill('SIGKILL'), graceMilliseconds);
  await process.exited;
  clearTimeout(timer);
}

/** Nothing here outlives the instance's data, so nothing needs a graceful end. */
function shutdown(): Promise<void> {
  closing ??= (async () => {
    const running = [...owned.values()].filter(({ record }) => record.running).reverse();
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ exited }) => exited));
    releasePorts(portsDir, process.pid);
    removeCgroups(layout.dir);
    if (!process.env['MODELWRIGHT_CONTROLPLANE_KEEP']) rmSync(layout.dir, { recursive: true, force: true, maxRetries: 5 });
    else rmSync(layout.processesFile, { force: true });
  })();
  return closing;
}

function table(): ProcessTable {
  const mark = startMark(process.pid);
  return { supervisor: { pid: process.pid, ...(mark && { mark }) }, detached, processes: [...owned.values()].map(({ record }) => record) };
}

function save(): void {
  if (closing) return;
  writeFileSync(`${layout.processesFile}.new`, JSON.stringify(table(), null, 2), { mode: 0o600 });
  renameSync(`${layout.processesFile}.new`, layout.processesFile);
}

async function handle(method: string, path: string, body: unknown): Promise<unknown> {
  const [, , name = '', action = ''] = path.split('/').map(decodeURIComponent);
  switch (`${method} ${name ? `/processes/NAME${action && `/${action}`}` : path}`) {
    case 'GET /processes':
      return table();
    case 'POST /processes':
      return start(body as ProcessSpec);
    case 'POST /processes/NAME/stop':
      return stop(name, body as StopOptions);
    case 'POST /processes/NAME/restart': {
      await stop(name, body as StopOptions);
      const spec = owned.get(name)?.spec;
      return spec && start(spec);
    }
    case 'POST /detach':
      detached = true;
      return save();
    case 'POST /shutdown':
      return shutdown();
    default:
      throw new Error(`no such request: ${method} ${path}`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}

const server = createServer(async (request, response) => {
  try {
    const result = await handle(request.method ?? '', request.url ?? '', await bodyOf(request));
    response.end(JSON.stringify(result ?? {}));
  } catch (error) {
    response.statusCode = 400;
    response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  }
  if (closing) response.once('close', () => process.exit(0));
});

function end(): void {
  void shutdown().finally(() => process.exit(0));
}

process.on('SIGTERM', end);
process.on('SIGINT', end);
process.stdin.on('error', () => {});
process.stdin.on('close', () => !detached && end());
process.stdin.resume();
server.listen(layout.socket, save);
