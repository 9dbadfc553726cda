/** One operator behind one proxy, looking after one namespace. Lanes share a cluster and never meet. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorProcess } from './operator-process.ts';
import { isWork, type OperatorRequest } from './oracles.ts';
import { operatorUser } from './permissions.ts';
import { FaultProxy } from './proxy/fault-proxy.ts';
import type { Trial } from './workload.ts';
import type { World } from './world.ts';

export interface LaneOptions {
  readonly world: World;
  /** Others have other names; the namespace follows from it. */
  readonly name: string;
  /** The program, as `buildOperator` made it. */
  readonly program: string;
  /** Further arguments of `modelwright operator`. */
  readonly args?: readonly string[];
  /** How many seconds a step of a workload may take, faults included. @default 90 */
  readonly patience?: number;
  /** Start the operator again when it ends because it lost its lease, as a kubelet does. */
  readonly keepAlive?: boolean;
}

export class Lane implements AsyncDisposable {
  readonly world: World;
  readonly namespace: string;
  readonly proxy: FaultProxy;
  readonly patience: number;
  operator: OperatorProcess;
  readonly #options: LaneOptions;
  readonly #kubeconfig: string;
  #trials = 0;
  #closed = false;

  private constructor(options: LaneOptions, proxy: FaultProxy, kubeconfig: string) {
    this.world = options.world;
    this.namespace = namespaceOf(options);
    this.proxy = proxy;
    this.patience = options.patience ?? 90;
    this.#options = options;
    this.#kubeconfig = kubeconfig;
    this.operator = this.#spawn();
  }

  static async start(options: LaneOptions): Promise<Lane> {
    const { world, name } = options;
    await world.namespace(namespaceOf(options));
    const proxy = await FaultProxy.start(world.api, operatorUser);
    const kubeconfig = join(world.folder, `${name}-${proxy.port}.kubeconfig`);
    writeFileSync(kubeconfig, kubeconfigFor(proxy.url, namespaceOf(options)));
    return new Lane(options, proxy, kubeconfig);
  }

  /** A trial with names of its own. */
  trial(): Trial {
    this.#trials += 1;
    return { api: this.world.api, history: this.world.history, namespace: this.namespace, prefix: `t${this.#trials}-` };
  }

  /** Starts another operator in place of one that is gone. */
  restart(): void {
    this.operator = this.#spawn();
  }

  /** What the operator asked since the proxy's record had `mark` entries. */
  requestsSince(mark: number): readonly OperatorRequest[] {
    return this.proxy.record.slice(mark);
  }

  /** Waits until the operator has made no write for `quiet` milliseconds; false after `limit`. */
  async quiet(quiet: number, limit: number): Promise<boolean> {
    const deadline = performance.now() + limit;
    for (;;) {
      const last = this.proxy.record.findLast((request) => isWork(request) || isEvent(request))?.at ?? 0;
      const wait = last + quiet - performance.now();
      if (wait <= 0) return true;
      if (performance.now() + wait > deadline) return false;
      await sleep(wait);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.operator.resume();
    await this.operator.kill();
    await this.proxy.close();
  }

  #spawn(): OperatorProcess {
    const { program, args = [], keepAlive } = this.#options;
    const common = ['--namespaces', this.namespace, '--metrics-bind-address', '127.0.0.1:0'];
    const operator = new OperatorProcess({ program, kubeconfig: this.#kubeconfig, args: [...common, ...args] });
    if (keepAlive) {
      void operator.exited().then(() => {
        if (this.operator === operator && operator.lostLease && !this.#closed) this.restart();
      });
    }
    return operator;
  }
}

export function isEvent({ method, path }: Pick<OperatorRequest, 'method' | 'path'>): boolean {
  return method !== 'GET' && path.includes('/events');
}

/** A text that stands for nothing else, since end states are compared without it. */
const namespaceOf = ({ name }: LaneOptions) => `lane-${name}`;

/** The proxy has the credentials; between it and the operator is plain HTTP on loopback. */
function kubeconfigFor(server: string, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'campaign',
    clusters: [{ name: 'campaign', cluster: { server } }],
    users: [{ name: 'campaign', user: { token: 'the-proxy-has-the-credentials' } }],
    contexts: [{ name: 'campaign', context: { cluster: 'campaign', user: 'campaign', namespace } }],
  });
}
