import { collectDefaultMetrics, Registry } from 'prom-client';

/** Every metric of this program; `/metrics` prints it. */
export const registry = new Registry();

/** Adds what the process itself can tell: CPU, memory, event-loop lag, garbage collection. For programs that serve `/metrics`; once is enough. */
export function registerProcessMetrics(): void {
  if (registry.getSingleMetric('process_cpu_seconds_total') === undefined) collectDefaultMetrics({ register: registry });
}
