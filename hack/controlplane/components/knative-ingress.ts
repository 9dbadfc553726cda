/**
 * Stands in for an ingress implementation of Knative: says of every KIngress of its class that the network is set up.
 *
 *   node knative-ingress.ts KUBECONFIG
 *
 * Nothing is routed: behind fake nodes nothing listens. Lists and watches for ever; starts over when a watch ends.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from 'js-yaml';
import { INGRESS_CLASS } from './knative-ingress-class.ts';

const INGRESSES = '/apis/networking.internal.knative.dev/v1alpha1/ingresses';
const CONDITIONS = ['Ready', 'NetworkConfigured', 'LoadBalancerReady'];

interface Ingress {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly generation: number;
    readonly annotations?: Record<string, string>;
    readonly resourceVersion: string;
  };
  readonly status?: { readonly observedGeneration?: number };
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: Record<'server' | 'certificate-authority-data', string> }];
  readonly users: readonly [{ readonly user: Record<'client-certificate-data' | 'client-key-data', string> }];
}

const {
  clusters: [{ cluster }],
  users: [{ user }],
} = load(readFileSync(process.argv[2] ?? '', 'utf8')) as Kubeconfig;
const agent = new Agent({
  keepAlive: true,
  ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
  cert: Buffer.from(user['client-certificate-data'], 'base64'),
  key: Buffer.from(user['client-key-data'], 'base64'),
});

function call(method: string, path: string, body?: object): Promise<Readable> {
  return new Promise((done, fail) => {
    const headers = { 'user-agent': 'knative-ingress-stand-in', ...(body && { 'content-type': 'application/merge-patch+json' }) };
    const sent = request(`${cluster.server}${path}`, { method, agent, headers }, (response) => {
      if (response.statusCode === 200) return done(response);
      response.resume();
      fail(new Error(`${method} ${path}: HTTP status ${response.statusCode}`));
    });
    sent.on('error', fail);
    sent.end(body && JSON.stringify(body));
  });
}

async function serve({ metadata, status }: Ingress): Promise<void> {
  if (metadata.annotations?.['networking.knative.dev/ingress.class'] !== INGRESS_CLASS) return;
  if (status?.observedGeneration === metadata.generation) return;
  const lastTransitionTime = new Date().toISOString();
  const loadBalancer = { ingress: [{ domainInternal: 'ingress.knative-serving.svc.cluster.local' }] };
  const answer = await call(
    'PATCH',
    `${INGRESSES.replace('/ingresses', '')}/namespaces/${metadata.namespace}/ingresses/${metadata.name}/status`,
    {
      status: {
        observedGeneration: metadata.generation,
        conditions: CONDITIONS.map((type) => ({ type, status: 'True', lastTransitionTime })),
        publicLoadBalancer: loadBalancer,
        privateLoadBalancer: loadBalancer,
      },
    },
  );
  answer.resume();
}

async function listAndWatch(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of await call('GET', INGRESSES)) chunks.push(chunk);
  const list = JSON.parse(Buffer.concat(chunks).toString()) as { metadata: { resourceVersion: string }; items: Ingress[] };
  for (const ingress of list.items) await serve(ingress);
  const events = await call('GET', `${INGRESSES}?watch=true&resourceVersion=${list.metadata.resourceVersion}`);
  for await (const line of createInterface({ input: events })) {
    const { type, object } = JSON.parse(line) as { type: string; object: Ingress };
    if (type === 'ERROR') return;
    if (type !== 'DELETED') await serve(object);
  }
}

for (;;) {
  // A refused or lost connection, or an object that went away meanwhile: the next list sees how things are.
  await listAndWatch().catch((error: unknown) => console.error(error instanceof Error ? error.message : error));
  await sleep(200);
}
