/** `status`: what was observed. Every field can be rebuilt from the cluster. */
import { conditionsSchema } from '../condition.ts';
import { integer, list, object, oneOf, Type, text, time } from '../schema.ts';
import { rolloutStatusSchema } from './gate.ts';
import { deploymentModes } from './serving.ts';

const url = (description: string) => text(description, 2048);

const externalAddress = object('From outside the cluster, through its ingress.', {
  url: url('Base URL.'),
  predictUrl: Type.Optional(url('Where predictions are asked for.')),
  host: text('Host header that the ingress routes by.', 253),
});

const internalAddress = object('From inside the cluster.', {
  url: url('Base URL.'),
  predictUrl: Type.Optional(url('Where predictions are asked for.')),
});

export const managedVia = ['InferenceService', 'ClusterServingRuntime', 'ServingRuntime', 'ConfigMap'] as const;
export const loadingStates = ['Pending', 'Downloading', 'Loading', 'Loaded', 'Failed'] as const;

/** Where along the way to a serving model a failure lies. */
export const stages = [
  'Validation',
  'Platform',
  'Packaging',
  'InferenceService',
  'ImageResolution',
  'Scheduling',
  'ImagePull',
  'Download',
  'Startup',
  'Running',
  'Rollout',
  'Ingress',
] as const;

const lastError = object('The failure that stands in the way now; absent when none does.', {
  stage: oneOf('Where it happened.', stages),
  reason: text('One CamelCase word for programs.', 128),
  message: text('The cause and what to do.', 4096),
  pod: Type.Optional(text('The pod that showed it.', 253)),
  container: Type.Optional(text('The container that showed it.', 253)),
  logTail: Type.Optional(text('Last lines of its log or its termination message.', 4096)),
});

export const statusSchema = object('What was observed.', {
  observedGeneration: Type.Optional(
    integer('The metadata.generation that this status describes.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  ),
  conditions: Type.Optional(conditionsSchema),
  firstReadyTime: Type.Optional(time('When the model first served. From then on its identity cannot change.')),
  deploymentMode: Type.Optional(oneOf('The mode in use; fixed at creation.', deploymentModes)),
  kserve: Type.Optional(
    object('The KServe that serves it.', {
      apiVersion: text('API of the InferenceService.', 64),
      version: Type.Optional(text('Version of the controller, where it tells.', 64)),
    }),
  ),
  addresses: Type.Optional(
    object('Where the model answers.', { external: Type.Optional(externalAddress), internal: Type.Optional(internalAddress) }),
  ),
  package: Type.Optional(
    object('The package that was made of spec.source, or verified.', {
      storageUri: text('Where it lies; what KServe is given.', 2048),
      sha256: text('SHA-256 of the zip, hexadecimal.', 64),
      sizeBytes: integer('Size of the zip.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      files: integer('Files in it.', { minimum: 0, maximum: 0x7fffffff }),
      layout: text('The runtime whose layout it has.', 64),
      repository: Type.Optional(text('The repository that it lies in; absent for a verified storageUri.', 63)),
      source: text('Digest of what it was made of: the fields of spec.source and of the runtime that decide over its content.', 64),
      former: Type.Optional(
        list(
          'Earlier packages that may still be in use, kept until this one serves.',
          object('An earlier package.', {
            sha256: text('SHA-256 of the zip, hexadecimal.', 64),
            repository: Type.Optional(text('The repository that it lies in.', 63)),
            secretName: Type.Optional(text('The Secret that gave access to it.', 253)),
          }),
          8,
        ),
      ),
      access: Type.Optional(
        object('The read access that the pods have to it, given by a Secret of the namespace; absent where none is needed.', {
          secretName: text('Name of the Secret.', 253),
          scope: oneOf('What it opens: this package, or its whole container, as the stock initializer of KServe needs it.', [
            'Blob',
            'Container',
          ]),
          expirationTime: time('When it ends. The operator renews it long before.'),
        }),
      ),
    }),
  ),
  runtime: Type.Optional(
    object('The model server in use.', {
      name: Type.Optional(text('The ServingRuntime or ClusterServingRuntime chosen.', 253)),
      image: Type.Optional(text('Image of the model server.', 512)),
      digest: Type.Optional(text('Digest of the image that the pods run.', 135)),
      managedVia: Type.Optional(oneOf('What decides the image.', managedVia)),
      protocol: Type.Optional(text('Protocol in use.', 16)),
    }),
  ),
  loading: Type.Optional(
    object('How far the copies of the model are.', {
      state: oneOf('The least advanced copy of the newest revision.', loadingStates),
      ready: integer('Copies that answer.', { minimum: 0, maximum: 0x7fffffff }),
      total: integer('Copies wanted.', { minimum: 0, maximum: 0x7fffffff }),
      summary: text('Copies as ready/total, for columns.', 32),
    }),
  ),
  rollout: Type.Optional(rolloutStatusSchema),
  lastError: Type.Optional(lastError),
});
