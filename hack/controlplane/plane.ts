/** A running control plane as its users see it: tests, the demo, the command line. */

import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { load } from 'js-yaml';
import { keepUse } from './audit-use.ts';
import { runKubectl } from './cluster.ts';
import type { NodeRecord } from './components/real-node.ts';
import { established } from './established.ts';
import type { Layout } from './layout.ts';
import { lastLines } from './log.ts';
import { answers, until } from './probe.ts';
import {
  type ProcessRecord,
  type ProcessSpec,
  type ProcessTable,
  recorded,
  removeFolder,
  type StopOptions,
  SupervisorClient,
  supervisorRuns,
} from './supervisor-client.ts';

/** What is written down about an instance, in `instance.json`. */
export interface InstanceRecord {
  readonly name: string;
  readonly startedAt: string;
  /** The API server. */
  readonly url: string;
  readonly etcdUrl: string;
  readonly kubectl: string;
  /** What was asked for: `kserve 0.20.0`, `knative 0.50.0`, `nodes fake` … */
  readonly parts: readonly string[];
  /** Version and origin of each program. */
  readonly programs: Readonly<Record<string, { readonly version: string; readonly origin: string; readonly path: string }>>;
  /** Of an instance with `nodes real`. */
  readonly node?: NodeRecord;
}

export class ControlPlane implements AsyncDisposable {
  readonly name: string;
  /** The instance's folder; logs are in `logs/`. */
  readonly dir: string;
  /** The API server's URL. */
  readonly url: string;
  /** File of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** File of the audit log: one JSON event a line, each request once, written before its answer is out. */
  readonly auditLog: string;
  readonly record: InstanceRecord;
  readonly #layout: Layout;
  readonly #supervisor: SupervisorClient;

  constructor(layout: Layout, record: InstanceRecord, supervisor: SupervisorClient) {
    this.name = layout.name;
    this.dir = layout.dir;
    this.url = record.url;
    this.kubeconfig = layout.kubeconfig;
    this.auditLog = layout.auditLog;
    this.record = record;
    this.#layout = layout;
    this.#supervisor = supervisor;
  }

  /** Runs kubectl as the administrator and gives what it printed; `input` is its standard input. */
  kubectl(args: readonly string[], input = ''): Promise<string> {
    return runKubectl(this.record.kubectl, this.kubeconfig, args, input);
  }

  /** Returns when the API server serves CRDs that were just applied; `which` as kubectl takes them. */
  established(which: readonly string[]): Promise<void> {
    return established((args) => this.kubectl(args), which);
  }

  /** The instance's programs, running or ended. */
  async processes(): Promise<readonly ProcessRecord[]> {
    return (await this.table()).processes;
  }

  /** The programs and the supervisor that owns them. */
  table(): Promise<ProcessTable> {
    return this.#supervisor.table();
  }

  /** Starts one more program as part of the instance: it ends with it, and its output is in `logs/<name>.log`. */
  async startProcess(spec: ProcessSpec): Promise<ProcessRecord> {
    return this.#supervisor.start(spec);
  }

  /** Ends one program and leaves it so; default SIGKILL. */
  async kill(process: string, options: StopOptions = {}): Promise<void> {
    await this.#supervisor.stop(process, options);
  }

  /** Ends a program, if it still runs, and starts it as it was. Does not wait until it is ready. */
  async restart(process: string, options: StopOptions = {}): Promise<void> {
    await this.#supervisor.restart(process, options);
  }

  /**
   * Restarts the API server and waits until it is ready. With SIGTERM it finishes open requests first and may hold
   * its port for many seconds while watches are open.
   */
  async restartApiserver(options: StopOptions = {}): Promise<void> {
    await this.restart('kube-apiserver', options);
    await until(() => this.ready(), {
      seconds: 120,
      problem: () => `kube-apiserver is not ready; the end of its log:\n${lastLines(`${this.#layout.logs}/kube-apiserver.log`, 15)}\n`,
    });
  }

  /** Whether the API server says that it is ready. */
  ready(): Promise<boolean> {
    return answers(`${this.url}/readyz`, authorityOf(this.kubeconfig));
  }

  /**
   * Compacts etcd up to now and gives the revision. The API server's watch cache still answers for older resource versions
   * for a while (seen with 1.34); after a restart of it, a watch or a list from one gets 410 Gone.
   */
  async compactEtcd(): Promise<string> {
    const { header } = (await post(`${this.record.etcdUrl}/v3/maintenance/status`, {})) as { header: { revision: string } };
    await post(`${this.record.etcdUrl}/v3/kv/compaction`, { revision: header.revision, physical: true });
    return header.revision;
  }

  /** From now on the instance outlives this process; `npm run controlplane -- down` ends it. */
  async detach(): Promise<void> {
    await this.#supervisor.detach();
  }

  /** Ends all processes of the instance and removes its folder. */
  async stop(): Promise<void> {
    await keepUse(this.auditLog, this.name);
    await this.#supervisor.shutdown();
    if (!process.env['MODELWRIGHT_CONTROLPLANE_KEEP']) removeFolder(this.#layout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A handle for an instance that another process started; undefined when there is none running. */
export function attach(layout: Layout): ControlPlane | undefined {
  const table = recorded(layout);
  if (!table || !supervisorRuns(table)) return undefined;
  const record = recordOf(layout);
  return record && new ControlPlane(layout, record, new SupervisorClient(layout));
}

/** What is written down about an instance; undefined while it is being started, or when it never was. */
export function recordOf(layout: Layout): InstanceRecord | undefined {
  try {
    return JSON.parse(readFileSync(layout.instanceFile, 'utf8')) as InstanceRecord;
  } catch {
    return undefined;
  }
}

function authorityOf(kubeconfig: string): string {
  const { clusters } = load(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: { 'certificate-authority-data': string } }[] };
  return Buffer.from(clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString();
}

/** etcd's own JSON gateway. */
function post(url: string, body: object): Promise<unknown> {
  return new Promise((done, fail) => {
    const call = request(url, { method: 'POST', agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      if (response.statusCode === 200) done(JSON.parse(text));
      else fail(new Error(`etcd answered ${response.statusCode} to ${url}: ${text.slice(0, 200)}`));
    });
    call.on('error', fail);
    call.end(JSON.stringify(body));
  });
}
