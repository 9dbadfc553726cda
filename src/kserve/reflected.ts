import { parseImage } from '../models/image-reference.ts';
import type { InferenceServiceObject, PodTemplate } from './observation.ts';

const sourceAnnotations = [
  'internal.serving.kserve.io/storage-initializer-sourceuri',
  'internal.serving.kubeflow.org/storage-initializer-sourceuri',
];
const serverContainers = ['kserve-container', 'kfserving-container'];

type Fields = Readonly<Record<string, unknown>>;

/**
 * What of an InferenceService's predictor its Deployment or Knative Service does not show yet, as the path of the first such field;
 * undefined when it shows all that can be compared.
 *
 * KServe says nowhere which generation it has acted on (`status.observedGeneration` is the Deployment's), and where it cannot act on a
 * change it leaves a status that still says Ready.
 */
export function unreflected({ metadata, spec }: InferenceServiceObject, template: PodTemplate): string | undefined {
  const predictor = asFields(spec?.['predictor']) ?? {};
  const server = serverOf(predictor);
  const container = template.spec?.containers?.find(({ name }) => serverContainers.includes(name ?? ''));
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const source = sourceAnnotations.map((key) => annotations[key]).find((uri) => uri !== undefined);
  const ownLabels = Object.entries(metadata.labels ?? {}).filter(([key]) => key.startsWith('modelwright.dev/'));
  const account = predictor['serviceAccountName'];
  const differences: readonly (string | false | undefined)[] = [
    source !== undefined && typeof server['storageUri'] === 'string' && source !== server['storageUri'] && 'storageUri',
    container?.image !== undefined && !showsImage(server, container.image) && 'runtimeVersion',
    missing(Object.fromEntries(ownLabels), labels, 'labels'),
    missing(predictor['labels'], labels, 'labels'),
    missing(predictor['annotations'], annotations, 'annotations'),
    missing(predictor['nodeSelector'], template.spec?.nodeSelector ?? {}, 'nodeSelector'),
    missing(asFields(server['resources'])?.['limits'], container?.resources?.limits ?? {}, 'resources'),
    missing(
      asFields(server['securityContext'])?.['seccompProfile'],
      { ...container?.securityContext?.seccompProfile },
      'securityContext.seccompProfile',
    ),
    typeof account === 'string' && account !== (template.spec?.serviceAccountName ?? account) && 'serviceAccountName',
  ];
  return differences.find((path): path is string => typeof path === 'string');
}

/** The model server's fields, whatever key they are under. */
function serverOf(predictor: Fields): Fields {
  const candidates = Object.values(predictor).map(asFields);
  return candidates.find((fields) => fields !== undefined && 'storageUri' in fields) ?? {};
}

function showsImage(server: Fields, image: string): boolean {
  const { image: wanted, runtimeVersion } = server;
  const shown = parseImage(image);
  if (typeof wanted === 'string' && parseImage(wanted).digest !== undefined) return shown.digest === parseImage(wanted).digest;
  return typeof runtimeVersion !== 'string' || shown.digest !== undefined || shown.tag === runtimeVersion;
}

/** Quantities may be numbers, and KServe adds labels of its own: only what is asked for is compared, as text. */
function missing(wanted: unknown, shown: Readonly<Record<string, string | number>>, path: string): string | undefined {
  const found = Object.entries(asFields(wanted) ?? {}).find(([key, value]) => String(value) !== String(shown[key]));
  return found === undefined ? undefined : `${path}.${found[0]}`;
}

function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
