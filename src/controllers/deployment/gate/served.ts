/** The part of an InferenceService that a promotion gate holds back: which model is served, and by which build of the runtime. */
import { createHash } from 'node:crypto';
import { labelPrefix } from '../../../kserve/labels.ts';
import { secretAnnotation } from '../../../kserve/model-location.ts';
import type { InferenceServiceObject } from '../../../kserve/observation.ts';
import type { Rendered, RenderedInferenceService } from '../../../kserve/render.ts';
import type { Cached } from '../../../kube/store.ts';

export interface Served {
  readonly storageUri: string;
  readonly runtime?: string;
  readonly runtimeVersion?: string;
  readonly image?: string;
  /** `spec.model.version`, which the pods carry as a label. */
  readonly version?: string;
  /** How the pods come to the model. Not what makes another model. */
  readonly storageContainerName?: string;
  readonly secretName?: string;
}

type Service = Pick<RenderedInferenceService, 'metadata' | 'spec'> | Cached<InferenceServiceObject>;
type Fields = Readonly<Record<string, unknown>>;

const versionLabel = `${labelPrefix}version`;
const serverFields = ['storageUri', 'runtime', 'runtimeVersion', 'image'] as const;

/** What a service serves, rendered or read; undefined for one without a model server. */
export function servedBy({ metadata, spec }: Service): Served | undefined {
  const predictor = asFields(spec?.['predictor']) ?? {};
  const server = asFields(predictor[serverKey(predictor) ?? '']);
  const storageUri = text(server?.['storageUri']);
  if (storageUri === undefined) return undefined;
  return compact({
    storageUri,
    runtime: text(server?.['runtime']),
    runtimeVersion: text(server?.['runtimeVersion']),
    image: text(server?.['image']),
    version: metadata.labels?.[versionLabel],
    storageContainerName: text(predictor['storageContainerName']),
    secretName: metadata.annotations?.[secretAnnotation],
  });
}

/** The same service with another model and another build of the runtime; all else stays as rendered. */
export function serving(rendered: Rendered, served: Served): Rendered {
  const { object } = rendered;
  const { predictor } = object.spec;
  const key = serverKey(predictor);
  if (key === undefined) return rendered;
  const { storageContainerName: _container, ...others } = predictor;
  const server = Object.fromEntries(
    Object.entries(asFields(predictor[key]) ?? {}).filter(([field]) => !(serverFields as readonly string[]).includes(field)),
  );
  const fields = Object.fromEntries(serverFields.flatMap((field) => (served[field] === undefined ? [] : [[field, served[field]]])));
  const { [versionLabel]: _version, ...labels } = object.metadata.labels ?? {};
  const { [secretAnnotation]: _secret, ...kept } = object.metadata.annotations ?? {};
  const annotations = { ...kept, ...(served.secretName !== undefined && { [secretAnnotation]: served.secretName }) };
  const { annotations: _annotations, ...metadata } = object.metadata;
  return {
    ...rendered,
    object: {
      ...object,
      metadata: {
        ...metadata,
        labels: { ...labels, ...(served.version !== undefined && { [versionLabel]: served.version }) },
        ...(Object.keys(annotations).length > 0 && { annotations }),
      },
      spec: {
        ...object.spec,
        predictor: {
          ...others,
          ...(served.storageContainerName !== undefined && { storageContainerName: served.storageContainerName }),
          [key]: { ...server, ...fields },
        },
      },
    },
  };
}

/** Names a model together with the build of the runtime that serves it: 16 hexadecimal digits. */
export function servedHash({ storageUri, runtime, runtimeVersion, image, version }: Served): string {
  const parts = [storageUri, runtime ?? null, runtimeVersion ?? null, image ?? null, version ?? null];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Whether a live service serves what is wanted. What a server's defaults have added to it, nobody asked for. */
export function serves(live: Served, wanted: Served): boolean {
  return (['storageUri', 'runtime', 'runtimeVersion', 'image', 'version'] as const).every(
    (field) => wanted[field] === undefined || wanted[field] === live[field],
  );
}

/** The key that the model server is under: `model`, or before KServe 0.8 one of its own. */
function serverKey(predictor: Fields): string | undefined {
  return Object.keys(predictor).find((key) => 'storageUri' in (asFields(predictor[key]) ?? {}));
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function compact<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
