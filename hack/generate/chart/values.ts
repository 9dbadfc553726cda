/** The values of the Helm chart. */
import { operatorValues } from './operator-values.ts';
import { anObject, count, flag, objects, type Section, section, text, textMap, texts, value } from './value.ts';

const dnsLabel = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';
const dnsName = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';
const port = { type: 'integer', minimum: 1, maximum: 65_535 };

const image = section('The image of the operator.', {
  repository: text('Its name, without tag and digest.', 'modelwright', { minLength: 1, pattern: '^[^\\s:@]+(:[0-9]+/[^\\s:@]+)?$' }),
  tag: text("Its tag; empty: the chart's appVersion.", '', { pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$' }),
  digest: text('Its digest, sha256:…; where it is given, the tag is only a remark.', '', { pattern: '^(sha256:[a-f0-9]{64})?$' }),
  pullPolicy: text('When the kubelet pulls it.', 'IfNotPresent', { enum: ['Always', 'IfNotPresent', 'Never'] }),
});

const crds = section('The CustomResourceDefinitions.', {
  install: flag('Install them with the chart, and bring them up to date with each upgrade.', true),
  keep: flag(
    'Leave them, and with them every model, when the chart is uninstalled. With false, uninstalling deletes every ModelDeployment and what serves it; delete the ServingPlatform first.',
    true,
  ),
});

const rbac = section('Permissions.', {
  create: flag("Make the operator's roles: a ClusterRole, or a Role in each of `namespaces`.", true),
  tenantRoles: flag('Make the ClusterRoles that let people work with models, joined to view, edit and admin.', true),
});

const serviceAccount = section('The account that the operator runs as.', {
  create: flag('Make it.', true),
  name: text('Its name; empty: the name of the release.', '', { pattern: `^(${dnsName.slice(1, -1)})?$` }),
  annotations: textMap('Its annotations, for example for workload identity.'),
});

const admissionPolicy = section('Refusal at apply of what authors may not name (ValidatingAdmissionPolicy).', {
  enabled: flag('Install the policies and their bindings.', true),
  checkAuthor: flag(
    'Refuse a service account, a transformer, pull secrets or a volume from whoever could use none by a Pod of their own and was not given the verb `use` on it.',
    true,
  ),
});

const metrics = section('Metrics, probes, alerts, dashboard.', {
  port: value('Port of /metrics, /healthz and /readyz.', 8080, port),
  service: section('The Service in front of the metrics.', {
    enabled: flag('Make it.', true),
    annotations: textMap('Its annotations.'),
  }),
  podAnnotations: flag('Annotate the pods with prometheus.io/scrape and /port, for a Prometheus that goes by these.', true),
  serviceMonitor: section('For the Prometheus operator.', {
    enabled: flag('Make a ServiceMonitor.', false),
    labels: textMap('Its labels, by which a Prometheus selects it.'),
    interval: text('How often to scrape.', '30s', { pattern: '^[0-9]+(ms|s|m)$' }),
  }),
  prometheusRule: section('Alerts, for the Prometheus operator.', {
    enabled: flag('Make a PrometheusRule.', false),
    labels: textMap('Its labels, by which a Prometheus selects it.'),
    alertLabels: textMap('Labels added to each alert, for example for routing.'),
  }),
  dashboard: section('A Grafana dashboard in a ConfigMap, for the sidecar that collects those.', {
    enabled: flag('Make the ConfigMap.', false),
    labels: textMap('Its labels, by which the sidecar selects it.', { grafana_dashboard: '1' }),
    annotations: textMap('Its annotations, for example the folder.'),
  }),
});

const networkPolicy = section('A NetworkPolicy for the pods of the operator.', {
  enabled: flag(
    'Make it: nothing comes in but probes and scrapes, nothing goes out but DNS, the API server, whatever else listens on its ports (registries do), and DCGM exporters.',
    false,
  ),
  apiServerPorts: value('Ports of the API server as pods reach it, the real ones behind its Service included.', [443, 6443], {
    type: 'array',
    minItems: 1,
    items: port,
  }),
  exporterPorts: value(
    'Ports of DCGM exporters (spec.benchmark.dcgmExporter.port of the ServingPlatform); empty: none are asked.',
    [9400],
    {
      type: 'array',
      items: port,
    },
  ),
  metricsFrom: objects('Who may reach the metrics (NetworkPolicyPeer); empty: everyone.'),
  extraEgress: objects('Further ways out (NetworkPolicyEgressRule), for example to an HTTP proxy or a blob store.'),
});

const podDisruptionBudget = section('How many pods of the operator may be taken away at a time.', {
  enabled: flag('Make a PodDisruptionBudget; only with more than one replica.', true),
  maxUnavailable: count('How many.', 1, 1, 10),
});

/** Read, root, capabilities: what Pod Security `restricted` asks for. The user is that of the image, or the one that OpenShift assigns. */
const podSecurityContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
const securityContext = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

export const chartValues: Section = section('Values of the chart modelwright.', {
  registry: text(
    'Put in front of the name of every image that the product uses: a mirror, for clusters without the internet. For example mirror.example:5000/modelwright.',
    '',
    { pattern: '^[^\\s@]*[^\\s@/]$|^$' },
  ),
  image,
  imagePullSecrets: value('Secrets, there already, with which the image is pulled.', [], {
    type: 'array',
    items: { type: 'object', required: ['name'], additionalProperties: false, properties: { name: { type: 'string', pattern: dnsName } } },
  }),
  nameOverride: text('Name of the application in labels; empty: modelwright.', '', {
    maxLength: 40,
    pattern: `^(${dnsLabel.slice(1, -1)})?$`,
  }),
  fullnameOverride: text('Name of what the chart makes; empty: that of the release.', '', {
    maxLength: 40,
    pattern: `^(${dnsLabel.slice(1, -1)})?$`,
  }),
  commonLabels: textMap('Labels of everything that the chart makes, pods included.'),
  commonAnnotations: textMap('Annotations of everything that the chart makes, pods included.'),
  namespaces: texts(
    'Namespaces to work in, which must exist. Empty: all of the cluster. With some, the operator gets a Role in each and no ClusterRole, and leaves the ServingPlatform alone.',
    dnsLabel,
  ),
  operator: section('Flags of `modelwright operator`; what is left out has the default of the program.', operatorValues()),
  replicas: count('Pods of the operator. One acts, the others wait with warm caches.', 2, 0, 10),
  crds,
  rbac,
  serviceAccount,
  admissionPolicy,
  resources: anObject('Resources of the operator.', { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '384Mi' } }),
  nodeOptions: text(
    'Options of Node.js. Three quarters of the memory limit for JavaScript objects; the rest is buffers and code.',
    '--max-old-space-size=288',
  ),
  podSecurityContext: anObject(
    'Security context of the pods. It names no user: that of the image is 65532, and OpenShift assigns one.',
    podSecurityContext,
  ),
  securityContext: anObject('Security context of the container.', securityContext),
  podLabels: textMap('Labels of the pods.'),
  podAnnotations: textMap('Annotations of the pods.'),
  priorityClassName: text('PriorityClass of the pods.', '', { pattern: `^(${dnsName.slice(1, -1)})?$` }),
  nodeSelector: textMap('Labels that a node must have.'),
  tolerations: objects('Taints that the pods tolerate.'),
  affinity: anObject('Affinity of the pods; empty: preferably on different nodes.'),
  topologySpreadConstraints: objects('Spread over zones and the like; a constraint without labelSelector gets that of the pods.', [
    { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
  ]),
  terminationGracePeriodSeconds: count(
    'Time to finish; longer than the 30 s that running reconciles are given, so that the lease is handed over.',
    45,
    0,
    3600,
  ),
  extraEnv: objects('Further environment variables (EnvVar), for example HTTPS_PROXY, or one from an existing Secret.'),
  extraEnvFrom: objects('Further sources of environment variables (EnvFromSource): existing Secrets and ConfigMaps.'),
  extraVolumes: objects('Further volumes, for example a Secret with the certificate of an authority.'),
  extraVolumeMounts: objects('Where they are mounted.'),
  podDisruptionBudget,
  networkPolicy,
  metrics,
});
