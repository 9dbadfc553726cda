/** The Grafana dashboard, as the JSON that Grafana imports. */

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
}

const job = 'job="modelwright"';
/** Every replica counts the models; only the acting one's count is shown. */
const leader = `and on (pod) leader_election_master_status{${job}} == 1`;

const panels: readonly Panel[] = [
  {
    title: 'Models by readiness',
    description: 'ModelDeployments by the status of their Ready condition.',
    unit: 'short',
    queries: [{ expr: `sum by (ready) (modelwright_deployments{${job}} ${leader})`, legend: '{{ready}}' }],
  },
  {
    title: 'Models by runtime',
    description: 'ModelDeployments by model server.',
    unit: 'short',
    queries: [{ expr: `sum by (runtime) (modelwright_deployments{${job}} ${leader})`, legend: '{{runtime}}' }],
  },
  {
    title: 'Failures by reason',
    description: 'How often models came to a failure, by stage and reason; docs/troubleshooting.md says what to do about each.',
    unit: 'short',
    queries: [
      {
        expr: `sum by (stage, reason) (increase(modelwright_deployment_failures_total{${job}}[$__rate_interval]))`,
        legend: '{{stage}}: {{reason}}',
      },
    ],
  },
  {
    title: 'Time from creation to serving',
    description: 'Median and 95th percentile of the first time to Ready, by mode.',
    unit: 's',
    queries: [0.5, 0.95].map((q) => ({
      expr: `histogram_quantile(${q}, sum by (le, mode) (rate(modelwright_deployment_time_to_ready_seconds_bucket{${job}}[1h])))`,
      legend: `{{mode}} ${q * 100} %`,
    })),
  },
  {
    title: 'InferenceServices put back',
    description: 'Changes by others that the operator undid.',
    unit: 'short',
    queries: [{ expr: `sum by (runtime) (increase(modelwright_deployment_drift_total{${job}}[$__rate_interval]))`, legend: '{{runtime}}' }],
  },
  {
    title: 'Reconciles',
    description: 'Per second, by controller and result.',
    unit: 'ops',
    queries: [
      {
        expr: `sum by (controller, result) (rate(controller_runtime_reconcile_total{${job}}[$__rate_interval]))`,
        legend: '{{controller}} {{result}}',
      },
    ],
  },
  {
    title: 'Time of a reconcile',
    description: '99th percentile by controller.',
    unit: 's',
    queries: [
      {
        expr: `histogram_quantile(0.99, sum by (le, controller) (rate(controller_runtime_reconcile_time_seconds_bucket{${job}}[$__rate_interval])))`,
        legend: '{{controller}}',
      },
    ],
  },
  {
    title: 'Waiting objects',
    description: 'Depth of the work queues.',
    unit: 'short',
    queries: [{ expr: `sum by (name) (workqueue_depth{${job}})`, legend: '{{name}}' }],
  },
  {
    title: 'Requests to the API server',
    description: 'Per second, by method and status code.',
    unit: 'reqps',
    queries: [
      { expr: `sum by (method, code) (rate(rest_client_requests_total{${job}}[$__rate_interval]))`, legend: '{{method}} {{code}}' },
    ],
  },
  {
    title: 'Age of the caches',
    description: 'Seconds since the API server was last heard of.',
    unit: 's',
    queries: [{ expr: `max by (resource) (cache_age_seconds{${job}})`, legend: '{{resource}}' }],
  },
  {
    title: 'Who leads',
    description: '1 for the replica that acts.',
    unit: 'short',
    queries: [{ expr: `leader_election_master_status{${job}}`, legend: '{{pod}}' }],
  },
  {
    title: 'Memory and CPU',
    description: 'Resident memory, and CPU seconds a second.',
    unit: 'short',
    queries: [
      { expr: `process_resident_memory_bytes{${job}} / 1048576`, legend: '{{pod}} MiB' },
      { expr: `rate(process_cpu_seconds_total{${job}}[$__rate_interval])`, legend: '{{pod}} CPU' },
    ],
  },
];

const [width, height, columns] = [8, 8, 3];
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's.
const datasource = { type: 'prometheus', uid: '${datasource}' };

export const dashboard = {
  title: 'Modelwright',
  uid: 'modelwright',
  tags: ['modelwright', 'kserve'],
  schemaVersion: 39,
  timezone: 'browser',
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }] },
  panels: panels.map(({ title, description, unit, queries }, index) => ({
    id: index + 1,
    type: 'timeseries',
    title,
    description,
    datasource,
    gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: queries.map(({ expr, legend }, target) => ({
      refId: String.fromCharCode(65 + target),
      datasource,
      expr,
      legendFormat: legend,
    })),
  })),
};
