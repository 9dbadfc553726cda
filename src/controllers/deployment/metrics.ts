import { Counter, Gauge, Histogram } from 'prom-client';
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { Cached, Store } from '../../kube/store.ts';
import { registry } from '../../telemetry/registry.ts';

/** Metrics of the deployment controller. Labels are bounded: runtimes, modes, stages; never an object's name. */
const registers = [registry];

export const timeToReady = new Histogram({
  name: 'modelwright_deployment_time_to_ready_seconds',
  help: 'Seconds from the creation of a ModelDeployment to the first time that it served, by runtime and deployment mode.',
  labelNames: ['runtime', 'mode'] as const,
  buckets: [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600],
  registers,
});

export const driftFound = new Counter({
  name: 'modelwright_deployment_drift_total',
  help: 'Number of times that an InferenceService was changed or deleted by others and put back, by runtime.',
  labelNames: ['runtime'] as const,
  registers,
});

export const failures = new Counter({
  name: 'modelwright_deployment_failures_total',
  help: 'Number of times that a ModelDeployment came to a failure, by the stage where it lies and its reason.',
  labelNames: ['stage', 'reason'] as const,
  registers,
});

/** Counts from the store whenever the metric is read, so that it can never disagree with it. A later store takes the place of an earlier one. */
export function countDeployments(store: Store<ModelDeployment>): void {
  const name = 'modelwright_deployments';
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: 'Number of ModelDeployments, by runtime and readiness (True, False, Unknown).',
    labelNames: ['runtime', 'ready'] as const,
    registers,
    collect() {
      this.reset();
      // Counted here and set once for each pair: the library takes some microseconds for each change of a gauge.
      for (const [runtime, deployments] of Map.groupBy(store.list(), ({ spec }) => spec.runtime.type)) {
        for (const [ready, { length }] of Map.groupBy(deployments, readiness)) this.set({ runtime, ready }, length);
      }
    },
  });
}

function readiness({ status }: Cached<ModelDeployment>): string {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'Unknown';
}
