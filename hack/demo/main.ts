/**
 * The main job, on a control plane of its own. On fake nodes ten models of a library become ten served InferenceServices, one is broken on purpose and
 * explained, and a model server is measured for real. On a real node one model goes from its package to predictions, and is measured by pods beside it.
 * Then everything is cleared away.
 *
 *   npm run demo                 exit code 0 only if all of that held
 *   npm run demo -- --nodes real|fake
 *   npm run demo -- --keep       leaves the control plane and the operator running, and says how to go on
 */
import { parseArgs } from 'node:util';
import { type StartOptions, start } from '../controlplane/instance.ts';
import { measureForReal } from './measure.ts';
import { prepareModelServer, startModelServer } from './model-server.ts';
import { chooseNodes, type Nodes } from './nodes.ts';
import { tellRealStory } from './real-story.ts';
import { appendLogTail, say, show } from './say.ts';
import { breakOneOnPurpose, type Demo, deployLibrary, installOperator, removeEverything, showLibrary, waitUntilServed } from './story.ts';

const { values } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, name: { type: 'string', default: 'demo' }, nodes: { type: 'string' } },
});
const { nodes: asked } = values;
if (asked !== undefined && asked !== 'real' && asked !== 'fake') throw new Error(`--nodes is real or fake, not ${asked}`);

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));

const { nodes, because } = await chooseNodes(asked);
say(because);
show('Starting a control plane: etcd, kube-apiserver, controller-manager, scheduler, KServe 0.20');
const stories: Readonly<Record<Nodes, { readonly options: StartOptions; tell(demo: Demo): Promise<void> }>> = {
  fake: { options: { nodes: 'fake', jobs: 'processes' }, tell: tellFakeStory },
  real: { options: { nodes: 'real' }, tell: tellRealStory },
};
const { options, tell } = stories[nodes];
// Beside it: the first time, pip needs a minute for MLServer.
const preparing = nodes === 'fake' ? prepareModelServer() : undefined;
const plane = await start({ name: values.name, kserve: '0.20.0', ...options, say: (line) => console.log(`    ${line}`) });
try {
  const demo = { plane, namespace: 'models', signal: interrupted.signal };
  await tell(demo);
  if (values.keep) {
    await plane.detach();
    say('Left running. To look around:');
    console.log(`    eval "$(npm run -s controlplane -- env --name ${plane.name})"`);
    console.log('    kubectl get modeldeployments -n models');
    console.log('    npm run -s modelwright -- get -n models -o wide');
    console.log('    npm run -s modelwright -- profile run iris -n models --wait');
    console.log(`    npm run controlplane -- down --name ${plane.name}      # ends it`);
  } else {
    await removeEverything(demo);
    await plane.stop();
    say('Everything held. Next: docs/first-model.md');
  }
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  if (nodes === 'fake') appendLogTail(plane, 'operator');
  await plane.stop();
  process.exitCode = 1;
}

async function tellFakeStory(demo: Demo): Promise<void> {
  await installOperator(demo);
  const names = await deployLibrary(demo);
  await waitUntilServed(demo, names);
  await showLibrary(demo, names);
  await breakOneOnPurpose(demo);
  const slow = setTimeout(() => show('(pip installs MLServer, once; it takes a minute or more)'), 1000);
  const prepared = await (preparing ?? prepareModelServer()).finally(() => clearTimeout(slow));
  if (prepared.kind === 'known-truth') show(`(${prepared.because})`);
  await measureForReal(demo, await startModelServer(plane, prepared, interrupted.signal));
}
