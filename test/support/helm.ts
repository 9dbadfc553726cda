/** The real Helm, of both lines that people use, found or built as the programs of the control plane are. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadAll } from 'js-yaml';
import { getBinaries } from '../../hack/controlplane/binaries.ts';
import { HELM, HELM_3 } from '../../hack/controlplane/catalog.ts';

export const chartFolder = resolve(import.meta.dirname, '../../charts/modelwright');

export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [part: string]: unknown;
}

export class Helm implements Disposable {
  readonly version: string;
  readonly #binary: string;
  readonly #home = mkdtempSync(join(tmpdir(), 'modelwright-helm-'));

  private constructor(binary: string, version: string) {
    this.#binary = binary;
    this.version = version;
  }

  /** Helm of this line; built when it is nowhere to be found, which takes minutes. */
  static async get(line: 3 | 4 = 4): Promise<Helm> {
    const component = line === 4 ? HELM : HELM_3;
    const { helm } = await getBinaries([{ component, binaries: ['helm'] }], { say: console.error });
    if (helm === undefined) throw new Error('helm was not found');
    return new Helm(helm.path, helm.version);
  }

  /** Runs helm; a failure throws with what it said. Settings of the person who runs the test are not seen. */
  run(args: readonly string[], { values, kubeconfig }: { readonly values?: object; readonly kubeconfig?: string } = {}): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      HOME: this.#home,
      HELM_CACHE_HOME: this.#home,
      HELM_CONFIG_HOME: this.#home,
      HELM_DATA_HOME: this.#home,
      KUBECONFIG: kubeconfig ?? join(this.#home, 'none'),
    };
    const file = join(this.#home, `values-${process.hrtime.bigint()}.json`);
    if (values !== undefined) writeFileSync(file, JSON.stringify(values));
    const all = values === undefined ? args : [...args, '--values', file];
    return new Promise((done, fail) => {
      execFile(this.#binary, [...all], { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        if (error === null) done(stdout);
        else fail(new Error(`helm ${args.slice(0, 2).join(' ')}: ${stderr.trim() || error.message}`));
      });
    });
  }

  /** What the chart renders, as text. */
  template(values: object = {}, args: readonly string[] = []): Promise<string> {
    return this.run(['template', 'modelwright', chartFolder, '--namespace', 'modelwright-system', '--kube-version', '1.34.0', ...args], {
      values,
    });
  }

  /** What the chart renders, as objects. */
  async objects(values: object = {}, args: readonly string[] = []): Promise<Rendered[]> {
    return (loadAll(await this.template(values, args)) as (Rendered | null)[]).filter((object) => object !== null);
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}
