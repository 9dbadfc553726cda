/** The same label has several names: exporters let them be chosen, and Prometheus renames those that are its own. */
import type { Sample } from './prometheus.ts';

/**
 * Each name with those it also goes by, the most telling first. `exported_…` is what Prometheus makes of a target's label where its own
 * of that name (then the exporter's Pod) takes the place; `pod_name` and its like are the exporter's older names, lower case its newer.
 */
const aliases: Readonly<Record<string, readonly string[]>> = {
  UUID: ['UUID', 'uuid'],
  pod: ['exported_pod', 'pod', 'pod_name'],
  namespace: ['exported_namespace', 'namespace', 'pod_namespace'],
  container: ['exported_container', 'container', 'container_name'],
  hostname: ['hostname', 'Hostname'],
};

/** The sample with its labels under the names of today's DCGM exporter; the names it came with stay beside them. */
export function withWorkloadLabels(sample: Sample): Sample {
  const labels: Record<string, string> = { ...sample.labels };
  for (const [name, others] of Object.entries(aliases)) {
    const found = others.map((other) => sample.labels[other]).find((value) => value !== undefined && value !== '');
    if (found !== undefined) labels[name] = found;
  }
  return { ...sample, labels };
}
