import { type Command, Option } from 'commander';
import type { KubeClient } from '../kube/client.ts';
import { Failure } from './failure.ts';

/** How a command finds the cluster; the flags of kubectl. */
export interface ConnectionOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function withConnection(command: Command): Command {
  return command
    .addOption(new Option('--kubeconfig <file>', 'kubeconfig file (default: KUBECONFIG, the pod, ~/.kube/config)'))
    .addOption(new Option('--context <name>', 'context of the kubeconfig'));
}

/** Runs `work` with a client of the cluster, and closes it whatever comes of that. */
export async function withClient<T>(options: ConnectionOptions, work: (client: KubeClient) => Promise<T>): Promise<T> {
  const { connect } = await import('../kube/rest-client.ts');
  const { kubeconfig, context } = options;
  const client = await connect({ ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) });
  try {
    return await work(client);
  } catch (error) {
    throw await explained(error, client.host);
  } finally {
    await client.close();
  }
}

/** An unreachable API server in the words of kubectl; other errors as they are. */
async function explained(error: unknown, host: string): Promise<unknown> {
  const { KubeError } = await import('../kube/errors.ts');
  if (!(error instanceof KubeError)) return error;
  if (error.status === 0)
    return new Failure(`The connection to the server ${host} failed - did you specify the right host or port? (${error.message})`);
  return new Failure(error.reason === '' ? error.message : `Error from server (${error.reason}): ${error.message}`);
}
