/** An operator of one page: each Greeting gets a ConfigMap that greets, and says in its status which generation that is about. */
import { hostname } from 'node:os';
import { createLogger } from '../../telemetry/logger.ts';
import { Applier } from '../apply.ts';
import { systemClock as clock } from '../clock.ts';
import { ClusterCache } from '../cluster-cache.ts';
import { type Controller, done } from '../controller.ts';
import { EventWriter } from '../event-writer.ts';
import { LeaderElector } from '../leader-elector.ts';
import { Manager, shutdownSignal } from '../manager.ts';
import { controllerReference, type KubeObject, type ResourceType } from '../object.ts';
import { connect } from '../rest-client.ts';
import { watch, watchOwned } from '../watches.ts';

/** As much of a kind as we use; fields that are not named here are kept all the same. */
interface Greeting extends KubeObject {
  readonly spec: { readonly name: string };
  readonly status?: { readonly observedGeneration?: number };
}
interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
const greetingType: ResourceType<Greeting> = {
  group: 'greeter.dev',
  version: 'v1',
  kind: 'Greeting',
  plural: 'greetings',
  namespaced: true,
};
const configMapType: ResourceType<ConfigMap> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

const fieldManager = 'greeter';
const product = 'greeter/1.0.0';
const identity = `${hostname()}-${process.pid}`;
const log = createLogger();

// In a pod by its service account, elsewhere by KUBECONFIG. The lease has a connection of its own, and writes stop when it is lost.
const forLease = await connect({ product, connections: 1 });
const elector = new LeaderElector({ client: forLease, lease: { namespace: forLease.namespace, name: 'greeter' }, identity, clock, log });
const client = await connect({ product, mayWrite: () => elector.isLeader });

const cache = new ClusterCache({ client, log, fieldManager });
const greetings = cache.store(greetingType);
const configMaps = cache.store(configMapType, { labelSelector: 'greeter.dev/greeting' });
const applier = new Applier({ client, fieldManager });
const events = new EventWriter({ client, reportingController: 'greeter.dev/greeter', reportingInstance: identity, clock, log });

const controller: Controller = {
  name: 'greeting',
  watches: [watch(greetings), watchOwned(configMaps, greetingType)],
  async reconcile(key, { signal }) {
    const greeting = greetings.get(key);
    if (greeting === undefined) return done; // Its ConfigMap goes with it, by its owner reference.
    const desired = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...key, labels: { 'greeter.dev/greeting': key.name }, ownerReferences: [controllerReference(greeting)] },
      data: { text: `Hello, ${greeting.spec.name}` },
    };
    const { written } = await applier.applyOwn(configMaps, desired, signal); // No request when it is so already.
    await applier.applyStatus(greetingType, greeting, { observedGeneration: greeting.metadata.generation }, signal);
    if (written)
      events.record(greeting, { type: 'Normal', reason: 'Greeted', action: 'Greet', note: `Said hello to ${greeting.spec.name}` });
    return done;
  },
};

const server = { host: '0.0.0.0', port: Number(process.env['PORT'] ?? 8080) }; // /healthz, /readyz, /metrics
try {
  await new Manager({ log, cache, elector, events, server, controllers: [controller] }).run(shutdownSignal(log));
} finally {
  await Promise.all([client.close(), forLease.close()]);
}
