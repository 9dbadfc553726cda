/** For each value of the chart one that is not its default, and values under which everything that the chart can make is made. */

import { valuesOf } from '../../../hack/generate/chart/value.ts';
import { chartValues } from '../../../hack/generate/chart/values.ts';

const digest = `sha256:${'a'.repeat(64)}`;

/** Every optional object, with something in each list and map. */
export const everything = {
  registry: 'mirror.example:5000/modelwright',
  image: { digest },
  imagePullSecrets: [{ name: 'mirror' }],
  commonLabels: { team: 'serving' },
  commonAnnotations: { 'example.com/owner': 'serving' },
  operator: {
    allowedServiceAccounts: ['model-reader', 'other'],
    allowedImageRegistries: ['ghcr.io/acme'],
    defaultDeploymentMode: 'Standard',
    managePlatform: true,
    kserveNamespace: 'kserve',
    workers: 20,
    logLevel: 'debug',
  },
  replicas: 3,
  serviceAccount: { annotations: { 'azure.workload.identity/client-id': 'x' } },
  priorityClassName: 'system-cluster-critical',
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  podLabels: { tier: 'control' },
  podAnnotations: { 'sidecar.istio.io/inject': 'false' },
  extraEnv: [{ name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: { name: 'proxy', key: 'url' } } }],
  extraEnvFrom: [{ secretRef: { name: 'more', optional: true } }],
  extraVolumes: [{ name: 'ca', secret: { secretName: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ssl/certs', readOnly: true }],
  networkPolicy: {
    enabled: true,
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    extraEgress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 3128, protocol: 'TCP' }] }],
  },
  metrics: {
    service: { annotations: { 'example.com/x': 'y' } },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' }, alertLabels: { team: 'serving' } },
    dashboard: { enabled: true, annotations: { grafana_folder: 'Serving' } },
  },
} as const;

/** Values whose form a schema does not show. */
const byHand: Readonly<Record<string, unknown>> = {
  registry: 'other.example',
  'image.repository': 'acme/modelwright',
  'image.tag': 'v9',
  'image.digest': `sha256:${'b'.repeat(64)}`,
  imagePullSecrets: [{ name: 'another' }],
  nameOverride: 'mw',
  fullnameOverride: 'mw',
  namespaces: ['models'],
  'serviceAccount.name': 'mine',
  resources: { limits: { memory: '512Mi' } },
  podSecurityContext: { runAsUser: 1234 },
  securityContext: { privileged: false },
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
  topologySpreadConstraints: [{ maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }],
  tolerations: [{ operator: 'Exists' }],
  nodeOptions: '--max-old-space-size=384',
  priorityClassName: 'another',
  extraEnv: [{ name: 'X', value: 'y' }],
  extraEnvFrom: [{ configMapRef: { name: 'x' } }],
  extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/ca' }],
  'networkPolicy.metricsFrom': [{ podSelector: {} }],
  'networkPolicy.extraEgress': [{ ports: [{ port: 3128 }] }],
  'networkPolicy.apiServerPorts': [16_443],
  'networkPolicy.exporterPorts': [19_400],
  'metrics.serviceMonitor.interval': '5s',
};

/** Values that must change along, before and after, for the chart to take the change. */
const besides: Readonly<Record<string, object>> = {
  // An operator of some namespaces leaves the ServingPlatform alone.
  namespaces: { operator: { managePlatform: false } },
  'serviceAccount.create': { serviceAccount: { name: 'mine' } },
  'metrics.service.enabled': { metrics: { serviceMonitor: { enabled: false } } },
};

export interface ChangedValue {
  readonly path: string;
  readonly values: object;
  readonly beside: object;
}

/** Every value by its path, changed. Throws for one that nothing is known to change to: add it above. */
export function changedValues(): ChangedValue[] {
  return valuesOf(chartValues).map(({ path, value: { default: byDefault, schema } }) => {
    const changed = byHand[path] ?? otherThan(at(everything, path) ?? byDefault, schema);
    if (changed === undefined) throw new Error(`what else could ${path} be? test/integration/chart/all-values.ts has to know`);
    return { path, values: nested(path, changed), beside: besides[path] ?? {} };
  });
}

function otherThan(current: unknown, schema: Readonly<Record<string, unknown>>): unknown {
  const choices = schema['enum'] as readonly unknown[] | undefined;
  if (choices !== undefined) return choices.find((choice) => choice !== current);
  switch (schema['type']) {
    case 'boolean':
      return current !== true;
    case 'integer':
      return Number(current ?? 1) + 1;
    case 'string':
      return current === '' ? undefined : 'other';
    case 'array':
      return (schema['items'] as { type?: string }).type === 'string' ? ['other'] : undefined;
    case 'object':
      return schema['additionalProperties'] === undefined ? undefined : { 'example.com/other': 'other' };
    default:
      return undefined;
  }
}

function at(values: object, dotted: string): unknown {
  return dotted.split('.').reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], values);
}

function nested(dotted: string, value: unknown): object {
  return dotted
    .split('.')
    .reverse()
    .reduce<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}
