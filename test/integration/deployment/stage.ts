/** What a test of the operator plays on: a namespace of its own, with an operator for just that. */
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { applyCrds, freshNamespace } from '../../support/cluster.ts';
import { useControlPlane } from '../../support/shared-plane.ts';
import { OperatorProcess } from './operator-process.ts';

export class Stage implements AsyncDisposable {
  readonly namespace: string;
  #operator: OperatorProcess;
  readonly #leave: () => PromiseLike<void>;

  private constructor(namespace: string, operator: OperatorProcess, leave: () => PromiseLike<void>) {
    this.namespace = namespace;
    this.#operator = operator;
    this.#leave = leave;
  }

  static async start(prefix: string): Promise<Stage> {
    await applyCrds();
    const namespace = await freshNamespace(prefix);
    const operator = await OperatorProcess.start([namespace.name]);
    return new Stage(namespace.name, operator, () => namespace[Symbol.asyncDispose]());
  }

  get operator(): OperatorProcess {
    return this.#operator;
  }

  /** Ends the operator and starts another one. */
  async restart(): Promise<void> {
    await this.#operator[Symbol.asyncDispose]();
    this.#operator = await OperatorProcess.start([this.namespace]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#operator[Symbol.asyncDispose]();
    await this.#leave();
  }
}

/** An API server for this test file alone, for tests that install and remove CRDs. All helpers of this process use it from now on. */
export async function ownControlPlane(): Promise<ControlPlane> {
  const plane = await start();
  useControlPlane(plane);
  return plane;
}
