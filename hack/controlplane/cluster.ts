/** An instance while it is being put together: what each component's starter gets in hand. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { established } from './established.ts';
import { kubeconfig } from './kubeconfig.ts';
import type { Layout } from './layout.ts';
import { lastLines, type Say } from './log.ts';
import type { FoundBinary } from './lookup.ts';
import type { Pki } from './pki.ts';
import type { PortName } from './ports.ts';
import { until } from './probe.ts';
import type { ProcessSpec, SupervisorClient } from './supervisor-client.ts';

/** Room for the largest list a test asks for. */
const MAX_OUTPUT = 256 * 1024 * 1024;

export interface ClusterParts {
  readonly layout: Layout;
  readonly supervisor: SupervisorClient;
  readonly pki: Pki;
  readonly ports: Readonly<Record<PortName, number>>;
  readonly binaries: Readonly<Record<string, FoundBinary>>;
  readonly say: Say;
}

/** Who a component is, and where it finds the API server, if not as an administrator on this machine. */
export interface Access {
  readonly groups?: readonly string[];
  readonly server?: string;
}

export class Cluster {
  readonly layout: Layout;
  readonly supervisor: SupervisorClient;
  readonly pki: Pki;
  readonly ports: Readonly<Record<PortName, number>>;
  readonly say: Say;
  readonly url: string;
  readonly #binaries: Readonly<Record<string, FoundBinary>>;

  constructor(parts: ClusterParts) {
    this.layout = parts.layout;
    this.supervisor = parts.supervisor;
    this.pki = parts.pki;
    this.ports = parts.ports;
    this.say = parts.say;
    this.url = `https://127.0.0.1:${parts.ports['kube-apiserver']}`;
    this.#binaries = parts.binaries;
  }

  /** The path of a program that this instance was found to need. */
  binary(name: string): string {
    const found = this.#binaries[name];
    if (!found) throw new Error(`${name} was not asked for when this instance was started`);
    return found.path;
  }

  /** Starts a program and waits until `ready`; an early end or a timeout shows the last lines of its log. */
  async run(spec: ProcessSpec, ready: () => Promise<boolean>, seconds = 60): Promise<void> {
    await this.supervisor.start(spec);
    await this.untilReady(spec.name, ready, seconds);
  }

  async untilReady(name: string, ready: () => Promise<boolean>, seconds = 60): Promise<void> {
    const log = join(this.layout.logs, `${name}.log`);
    await until(ready, {
      seconds,
      problem: () => `${name} is not ready; the end of its log:\n${lastLines(log, 15)}\n`,
      gone: async () => {
        const record = (await this.supervisor.table()).processes.find((process) => process.name === name);
        return record?.running ? undefined : `${name} ended (${record?.ending ?? 'unknown'}); the end of its log:\n${lastLines(log, 15)}`;
      },
    });
  }

  /** A kubeconfig with a certificate of its own for one component, so that the audit log tells components apart. */
  kubeconfigFor(user: string, file = join(this.layout.work, `${user}.kubeconfig`), access: Access = {}): string {
    const { groups = ['system:masters'], server = this.url } = access;
    const client = this.pki.issue({ commonName: user, organizations: groups });
    const text = kubeconfig({ cluster: `modelwright-${this.layout.name}`, user, server, ca: this.pki.ca, client });
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** Runs kubectl as the instance's administrator; `input` goes to its standard input. */
  kubectl(args: readonly string[], input = ''): Promise<string> {
    return runKubectl(this.binary('kubectl'), this.layout.kubeconfig, args, input);
  }

  /** Server-side applies objects that are at hand as values. */
  async apply(objects: readonly object[]): Promise<void> {
    if (objects.length === 0) return;
    await this.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], objects.map((object) => dump(object)).join('---\n'));
  }

  /** Server-side applies files, in the order given. */
  async applyFiles(files: readonly string[]): Promise<void> {
    await this.kubectl(['apply', '--server-side', '--force-conflicts', ...files.flatMap((file) => ['-f', file])]);
  }

  /** Waits until the API server serves the definitions. */
  async untilEstablished(names: readonly string[]): Promise<void> {
    await established(
      (args) => this.kubectl(args),
      names.map((name) => `crd/${name}`),
    );
  }
}

/** Runs kubectl and gives its output; a failure throws with what kubectl said. */
export function runKubectl(binary: string, kubeconfigFile: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((done, fail) => {
    const child = execFile(binary, ['--kubeconfig', kubeconfigFile, ...args], { maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
      if (error) fail(new Error(`kubectl ${args.slice(0, 3).join(' ')}: ${stderr.trim() || error.message}`));
      else done(stdout);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
