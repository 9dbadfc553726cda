/** Puts the operator together from its parts, and runs it until it is told to stop. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import { deploymentController } from '../controllers/deployment/controller.ts';
import { shelfOpener } from '../controllers/deployment/packaging/credentials.ts';
import { reclaimController } from '../controllers/deployment/packaging/reclaim.ts';
import { deploymentStores } from '../controllers/deployment/stores.ts';
import { platformController } from '../controllers/platform/controller.ts';
import { platformPort } from '../controllers/platform/settings.ts';
import { platformStores, servingPlatformStore } from '../controllers/platform/stores.ts';
import { profileController } from '../controllers/profile/controller.ts';
import { reportReclaimController } from '../controllers/profile/report/reclaim.ts';
import { profileStores } from '../controllers/profile/stores.ts';
import { Applier } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { systemClock } from '../kube/clock.ts';
import { ClusterCache } from '../kube/cluster-cache.ts';
import { EventWriter } from '../kube/event-writer.ts';
import { LeaderElector } from '../kube/leader-elector.ts';
import { Manager, shutdownSignal } from '../kube/manager.ts';
import { giveBackMemory } from '../kube/memory.ts';
import { connect } from '../kube/rest-client.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import type { ConnectionOptions } from './connection.ts';
import { parseAddress } from './operator.ts';
import { programVersion } from './program-version.ts';

export interface OperatorOptions extends ConnectionOptions {
  readonly namespaces?: readonly string[];
  readonly allowedServiceAccounts?: readonly string[];
  readonly allowedImageRegistries?: readonly string[];
  readonly defaultDeploymentMode?: DeploymentMode;
  readonly kserveNamespace?: string;
  readonly image?: string;
  readonly systemNamespace?: string;
  readonly workers: number;
  readonly managePlatform?: boolean;
  readonly leaderElect?: boolean;
  readonly leaderElectionNamespace?: string;
  readonly leaderElectionId: string;
  readonly metricsBindAddress: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

const fieldManager = 'modelwright';
const clock = systemClock;

/** Runs until SIGTERM or SIGINT, then drains. Rejects when it cannot go on: the process is to exit with a failure. */
export async function runOperator(options: OperatorOptions): Promise<void> {
  const log = createLogger({ level: options.logLevel });
  const stop = shutdownSignal(log);
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  const { kubeconfig, context } = options;
  const where = { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) };
  const product = `modelwright/${programVersion()}`;
  // The lease has a connection of its own, and short patience: a flood of other requests must not cost it.
  const forLease = options.leaderElect ? await connect({ ...where, product, connections: 1, timeoutMilliseconds: 5000 }) : undefined;
  const elector = forLease && electorOf(options, forLease, identity, log);
  const client = await connect({ ...where, product, ...(elector && { mayWrite: () => elector.isLeader }) });
  log.info({ version: programVersion(), node: process.version, server: client.host, identity }, 'Modelwright starts');

  const caches = cachesOf(options, client, log);
  const recorder = new EventWriter({ client, reportingController: 'modelwright.dev/operator', reportingInstance: identity, clock, log });
  const { kserveNamespace, defaultDeploymentMode: defaultMode, workers } = options;
  const systemNamespace = options.systemNamespace ?? client.namespace;
  const deployments = deploymentStores(caches.models, caches.cluster);
  const platforms = servingPlatformStore(caches.cluster);
  const ports = {
    client,
    applier: new Applier({ client, fieldManager }),
    recorder,
    clock,
    log,
    ...(kserveNamespace !== undefined && { kserveNamespace }),
  };
  const profiles = profileStores(caches.models, caches.cluster, { platforms, deployments });
  const controllers = [
    deploymentController({
      ...ports,
      stores: deployments,
      policy: { serviceAccounts: options.allowedServiceAccounts ?? [], imageRegistries: options.allowedImageRegistries ?? [] },
      ...(defaultMode !== undefined && { defaultMode }),
      packaging: {
        openShelf: shelfOpener(client, systemNamespace),
        ...(options.image !== undefined && { image: options.image }),
      },
      platform: platformPort({ platforms, deployments }),
      workers,
    }),
    reclaimController({
      client,
      clock,
      log,
      openShelf: shelfOpener(client, systemNamespace),
      stores: { platforms, modelDeployments: deployments.modelDeployments, namespaces: deployments.packaging.namespaces },
      ...(options.namespaces !== undefined && { namespaces: options.namespaces }),
    }),
    reportReclaimController({
      client,
      clock,
      log,
      openShelf: shelfOpener(client, systemNamespace),
      stores: { platforms, profiles: profiles.profiles, namespaces: deployments.packaging.namespaces },
      ...(options.namespaces !== undefined && { namespaces: options.namespaces }),
    }),
    profileController({
      ...ports,
      stores: profiles,
      openShelf: shelfOpener(client, systemNamespace),
      image: options.image ?? `modelwright:${programVersion()}`,
      version: programVersion(),
      workers,
    }),
  ];
  // Settings of the whole cluster need rights over the whole cluster, which an operator of some namespaces seldom has.
  if (options.managePlatform ?? options.namespaces === undefined) {
    controllers.push(
      platformController({
        ...ports,
        stores: platformStores(caches.cluster, deployments),
        fieldManager,
        product,
        systemNamespace,
        ...(options.image !== undefined && { image: options.image }),
      }),
    );
  }
  const server = parseAddress(options.metricsBindAddress);
  const manager = new Manager({
    log,
    clock,
    cache: caches.all,
    controllers,
    events: recorder,
    ...(elector !== undefined && { elector }),
    ...(server !== undefined && { server }),
  });
  void giveBackMemory({ clock }, stop);
  try {
    await manager.run(stop);
    log.info({}, 'Modelwright has stopped');
  } finally {
    await Promise.all([client.close(), forLease?.close()]);
  }
}

function electorOf(options: OperatorOptions, client: KubeClient, identity: string, log: Logger): LeaderElector {
  const lease = { namespace: options.leaderElectionNamespace ?? client.namespace, name: options.leaderElectionId };
  return new LeaderElector({ client, lease, identity, clock, log });
}

/** Models may be limited to some namespaces; what is installed is read wherever it is. */
function cachesOf({ namespaces }: OperatorOptions, client: KubeClient, log: Logger) {
  const cluster = new ClusterCache({ client, fieldManager, log, clock });
  const models = namespaces === undefined ? cluster : new ClusterCache({ client, fieldManager, log, clock, namespaces });
  const parts = [...new Set([cluster, models])];
  const all = {
    run: async (signal: AbortSignal) => void (await Promise.all(parts.map((part) => part.run(signal)))),
    hasSynced: () => parts.every((part) => part.hasSynced()),
    pending: () => parts.flatMap((part) => part.pending()),
  };
  return { cluster, models, all };
}
