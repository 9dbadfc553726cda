import type { FetchedLog, PodObject } from '../../kserve/observation.ts';
import type { LogRequest } from '../../kserve/serving.ts';
import type { KubeClient } from '../../kube/client.ts';
import { KubeError } from '../../kube/errors.ts';

/** Where logs come from. */
export type LogSource = Pick<KubeClient, 'podLogs'>;

/** How much of a log is read: enough for a stack trace, little enough for a status. */
const limits = { tailLines: 30, limitBytes: 16_384 } as const;
const maxRequestsAtOnce = 4;
const maxRemembered = 512;

/** Reads the last lines of containers that failed, once for each run of a container. */
export class LogTails {
  readonly #client: LogSource;
  readonly #remembered = new Map<string, string>();

  constructor(client: LogSource) {
    this.#client = client;
  }

  /** What could be read of what is asked for. A log that is gone, or may not be read, is left out: the cause is then told without it. */
  async fetch(requests: readonly LogRequest[], pods: readonly PodObject[], signal?: AbortSignal): Promise<FetchedLog[]> {
    const found = await Promise.all(
      requests.slice(0, maxRequestsAtOnce).map(async (request) => {
        const pod = pods.find(({ metadata }) => metadata.name === request.pod);
        const text = pod === undefined ? undefined : await this.#read(request, pod, signal);
        return text === undefined ? [] : [{ ...request, text }];
      }),
    );
    return found.flat();
  }

  async #read(request: LogRequest, pod: PodObject, signal: AbortSignal | undefined): Promise<string | undefined> {
    const run = `${pod.metadata.uid}/${request.container}/${restartsOf(pod, request.container)}/${request.previous}`;
    const known = this.#remembered.get(run);
    if (known !== undefined) return known;
    try {
      const key = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
      const text = await this.#client.podLogs(key, { container: request.container, previous: request.previous, ...limits }, signal);
      this.#remember(run, text);
      return text;
    } catch (error) {
      if (error instanceof KubeError) return undefined;
      throw error;
    }
  }

  #remember(run: string, text: string): void {
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size >= maxRemembered && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.set(run, text);
  }
}

function restartsOf({ status }: PodObject, container: string): number {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return statuses.find(({ name }) => name === container)?.restartCount ?? 0;
}
