import { Counter, Gauge, Histogram } from 'prom-client';
import { registry } from '../telemetry/registry.ts';

/**
 * The metrics of this layer under the names of controller-runtime and client-go, so that their dashboards and alerts work unchanged.
 * Labels are bounded: controllers, resource types, HTTP methods and codes; never an object's name.
 */
const registers = [registry];

/** A gauge that is read when it is scraped. */
export class ObservedGauge<L extends string> {
  readonly #readings = new Set<{ readonly labels: Readonly<Record<L, string>>; readonly read: () => number }>();

  constructor(name: string, help: string, labelNames: readonly L[]) {
    const readings = this.#readings;
    new Gauge<L>({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const { labels, read } of readings) this.inc(labels, read());
      },
    });
  }

  /** Shows what `read` gives under `labels`; several readings of the same labels are added up. Returns the way out. */
  observe(labels: Readonly<Record<L, string>>, read: () => number): () => void {
    const reading = { labels, read };
    this.#readings.add(reading);
    return () => void this.#readings.delete(reading);
  }
}

export const restRequests = new Counter({
  name: 'rest_client_requests_total',
  help: 'Number of HTTP requests, partitioned by status code, method, and host.',
  labelNames: ['code', 'method', 'host'] as const,
  registers,
});

export const restRequestDuration = new Histogram({
  name: 'rest_client_request_duration_seconds',
  help: 'Request latency in seconds, from sending to the last byte; for watches to the first. Broken down by verb and host.',
  labelNames: ['verb', 'host'] as const,
  buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
  registers,
});

export const reconciles = new Counter({
  name: 'controller_runtime_reconcile_total',
  help: 'Total number of reconciliations per controller.',
  labelNames: ['controller', 'result'] as const,
  registers,
});

export const reconcileErrors = new Counter({
  name: 'controller_runtime_reconcile_errors_total',
  help: 'Total number of reconciliation errors per controller.',
  labelNames: ['controller'] as const,
  registers,
});

export const terminalReconcileErrors = new Counter({
  name: 'controller_runtime_terminal_reconcile_errors_total',
  help: 'Total number of terminal reconciliation errors per controller.',
  labelNames: ['controller'] as const,
  registers,
});

export const reconcilePanics = new Counter({
  name: 'controller_runtime_reconcile_panics_total',
  help: 'Total number of reconciliations that threw something that is no expected failure: a failed assertion, a type error, no Error at all.',
  labelNames: ['controller'] as const,
  registers,
});

export const reconcileTimeouts = new Counter({
  name: 'controller_runtime_reconcile_timeouts_total',
  help: 'Total number of reconciliations that ran into their timeout.',
  labelNames: ['controller'] as const,
  registers,
});

export const reconcileDuration = new Histogram({
  name: 'controller_runtime_reconcile_time_seconds',
  help: 'Length of time per reconciliation per controller.',
  labelNames: ['controller'] as const,
  buckets: [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4,
    4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
  ],
  registers,
});

export const maxConcurrentReconciles = new Gauge({
  name: 'controller_runtime_max_concurrent_reconciles',
  help: 'Maximum number of concurrent reconciles per controller.',
  labelNames: ['controller'] as const,
  registers,
});

export const activeWorkers = new Gauge({
  name: 'controller_runtime_active_workers',
  help: 'Number of currently used workers per controller.',
  labelNames: ['controller'] as const,
  registers,
});

export const queueDepth = new ObservedGauge('workqueue_depth', 'Current depth of workqueue.', ['name', 'controller', 'priority']);

export const queueAdds = new Counter({
  name: 'workqueue_adds_total',
  help: 'Total number of adds handled by workqueue.',
  labelNames: ['name', 'controller'] as const,
  registers,
});

export const queueRetries = new Counter({
  name: 'workqueue_retries_total',
  help: 'Total number of retries handled by workqueue.',
  labelNames: ['name', 'controller'] as const,
  registers,
});

const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

export const queueDuration = new Histogram({
  name: 'workqueue_queue_duration_seconds',
  help: 'How long in seconds an item stays in workqueue before being requested.',
  labelNames: ['name', 'controller'] as const,
  buckets: queueBuckets,
  registers,
});

export const queueWorkDuration = new Histogram({
  name: 'workqueue_work_duration_seconds',
  help: 'How long in seconds processing an item from workqueue takes.',
  labelNames: ['name', 'controller'] as const,
  buckets: queueBuckets,
  registers,
});

export const queueUnfinishedWork = new ObservedGauge(
  'workqueue_unfinished_work_seconds',
  'How many seconds of work has been done that is in progress and has not been observed by work_duration. Large values indicate stuck reconciles.',
  ['name', 'controller'],
);

export const queueLongestRunning = new ObservedGauge(
  'workqueue_longest_running_processor_seconds',
  'How many seconds has the longest running processor for workqueue been running.',
  ['name', 'controller'],
);

export const leaderStatus = new Gauge({
  name: 'leader_election_master_status',
  help: 'Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master.',
  labelNames: ['name'] as const,
  registers,
});

export const leaderSlowPaths = new Counter({
  name: 'leader_election_slowpath_total',
  help: 'Total number of slow path exercised in renewing leader leases.',
  labelNames: ['name'] as const,
  registers,
});

export const watchRestarts = new Counter({
  name: 'watch_restarts_total',
  help: 'Number of times that a watch ended and was opened again, by resource and reason.',
  labelNames: ['resource', 'reason'] as const,
  registers,
});

export const cacheFills = new Counter({
  name: 'cache_fills_total',
  help: 'Number of times that a cache was filled anew, by resource and method (watchlist, list).',
  labelNames: ['resource', 'method'] as const,
  registers,
});

export const cacheObjects = new ObservedGauge('cache_objects', 'Number of objects in the cache, by resource.', ['resource']);

export const cacheAge = new ObservedGauge(
  'cache_age_seconds',
  'Seconds since the API server was last heard of on the watches that feed the cache, bookmarks included, by resource.',
  ['resource'],
);

export const handlerErrors = new Counter({
  name: 'cache_handler_errors_total',
  help: 'Number of times that a subscriber of a cache threw, by resource. Each is a defect.',
  labelNames: ['resource'] as const,
  registers,
});
