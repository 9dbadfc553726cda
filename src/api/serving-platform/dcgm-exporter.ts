/** Where NVIDIA's DCGM exporters are found, which tell the use of GPUs. */
import { integer, list, object, Type, textMap } from '../schema.ts';

/** What the known ways of installation call the exporter: NVIDIA's GPU operator, its own chart, and Google's managed one. */
export const exporterLabels: readonly Readonly<Record<string, string>>[] = [
  { app: 'nvidia-dcgm-exporter' },
  { 'app.kubernetes.io/name': 'dcgm-exporter' },
  { 'app.kubernetes.io/name': 'gke-managed-dcgm-exporter' },
];

/** Where they put it. */
export const exporterNamespaces = [
  'gpu-operator',
  'nvidia-gpu-operator',
  'dcgm-exporter',
  'gke-managed-system',
  'monitoring',
  'kube-system',
] as const;

export const defaultExporterPort = 9400;

export const dcgmExporterSchema = object(
  'How the DCGM exporter of a node is found. It is asked by the address of its Pod, since its Service would answer for any node.',
  {
    selector: Type.Optional(
      object('Pods that are exporters. Omitted: those of the GPU operator, of the chart dcgm-exporter, and of GKE.', {
        matchLabels: textMap('Labels that they all have.', 8, { maxLength: 63 }),
      }),
    ),
    namespaces: Type.Optional(
      list(
        `Namespaces whose Pods are believed. Omitted: ${exporterNamespaces.join(', ')}. A Pod elsewhere could have the labels of an exporter, and tell what it likes.`,
        Type.String({ maxLength: 63, minLength: 1 }),
        16,
        { minItems: 1 },
      ),
    ),
    port: Type.Optional(integer('Port of the exporter.', { minimum: 1, maximum: 65_535, default: defaultExporterPort })),
  },
);
