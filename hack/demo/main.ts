/**
 * The main job, on a control plane of its own: ten models of a library become ten served InferenceServices, one is broken on
 * purpose and explained, a model server is measured for real, and everything is cleared away.
 *
 *   npm run demo                 exit code 0 only if all of that held
 *   npm run demo -- --keep       leaves the control plane and the operator running, and says how to go on
 */
import { parseArgs } from 'node:util';
import { start } from '../controlplane/instance.ts';
import { measureForReal } from './measure.ts';
import { prepareModelServer, startModelServer } from './model-server.ts';
import { appendLogTail, say, show } from './say.ts';
import { breakOneOnPurpose, deployLibrary, installOperator, removeEverything, showLibrary, waitUntilServed } from './story.ts';

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false }, name: { type: 'string', default: 'demo' } } });

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));

say('Starting a control plane: etcd, kube-apiserver, controller-manager, scheduler, KServe 0.20 and three fake nodes (no containers run)');
// Beside it: the first time, pip needs a minute for MLServer.
const preparing = prepareModelServer();
const plane = await start({
  name: values.name,
  kserve: '0.20.0',
  nodes: 'fake',
  jobs: 'processes',
  say: (line) => console.log(`    ${line}`),
});
try {
  const demo = { plane, namespace: 'models', signal: interrupted.signal };
  await installOperator(demo);
  const names = await deployLibrary(demo);
  await waitUntilServed(demo, names);
  await showLibrary(demo, names);
  await breakOneOnPurpose(demo);
  const slow = setTimeout(() => show('(pip installs MLServer, once; it takes a minute or more)'), 1000);
  const prepared = await preparing.finally(() => clearTimeout(slow));
  if (prepared.kind === 'known-truth') show(`(${prepared.because})`);
  await measureForReal(demo, await startModelServer(plane, prepared, interrupted.signal));
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
  appendLogTail(plane, 'operator');
  await plane.stop();
  process.exitCode = 1;
}
