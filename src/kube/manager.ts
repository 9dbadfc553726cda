import type { Logger } from '../telemetry/logger.ts';
import type { Cache } from './cache.ts';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Controller } from './controller.ts';

export interface LeaderElectionOptions {
  readonly leaseName: string;
  readonly leaseNamespace: string;
  /** This replica; must be its own among all replicas. @default host name and a random suffix */
  readonly identity?: string;
}

export interface ManagerOptions {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Run by the leader only, after the caches have synced. */
  readonly controllers: readonly Controller[];
  /** Absent: no election, this replica acts at once. */
  readonly leaderElection?: LeaderElectionOptions;
  /** Address of `/healthz`, `/readyz` and `/metrics`; port 0 picks a free one. Absent: no server. */
  readonly server?: { readonly host: string; readonly port: number };
}
