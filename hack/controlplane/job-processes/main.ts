/**
 * Plays the kubelet for the Pods of Jobs on a control plane with fake nodes: runs the `modelwright` of this checkout as a process with the
 * Pod's arguments and files.
 *
 *   node hack/controlplane/job-processes/main.ts KUBECONFIG
 *
 * Real: the command, its files, what it measures, its exit code and termination message. Played: the container (no image, no
 * isolation, no limits), the node, and whatever stands at the names of Services.
 */
import { resolve } from 'node:path';
import { connect } from '../../../src/kube/rest-client.ts';
import { playKubelet } from './kubelet.ts';

const [kubeconfig] = process.argv.slice(2);
if (kubeconfig === undefined) throw new Error('usage: main.ts KUBECONFIG');
const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
const client = await connect({ kubeconfig, product: 'job-processes' });
const root = resolve(import.meta.dirname, '../../..');
try {
  await playKubelet(
    {
      client,
      modelwright: [process.execPath, '-r', resolve(root, 'hack/require-node.cjs'), resolve(root, 'src/cli/main.ts')],
      say: (line) => console.log(line),
    },
    stop.signal,
  );
} finally {
  await client.close();
}
