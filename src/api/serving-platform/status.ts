/** `status` of a ServingPlatform: what was observed. Every field can be rebuilt from the cluster. */
import { conditionsSchema } from '../condition.ts';
import { runtimeTypes } from '../model-deployment/runtime.ts';
import { integer, keyedList, list, object, oneOf, Type, text, time } from '../schema.ts';
import { registryCauses } from './registry-cause.ts';

const count = (description: string) => integer(description, { minimum: 0, maximum: 0x7fffffff });
const name = Type.String({ maxLength: 317 });

/** How a runtime's image reaches KServe. */
export const backEnds = ['ConfigMap', 'ClusterServingRuntime'] as const;

const runtime = object('A declared runtime, as it is in effect.', {
  type: oneOf('The kind of model server.', runtimeTypes),
  image: text('The image that models get.', 700),
  gpuImage: Type.Optional(text('The image that models with a GPU get.', 700)),
  managedVia: oneOf(
    'What decides it: key predictors of inferenceservice-config (before KServe 0.8), or a ClusterServingRuntime of our own.',
    backEnds,
  ),
  runtimeName: Type.Optional(text('The ClusterServingRuntime that new services name.', 253)),
  models: object('ModelDeployments of this type that name no version of their own.', {
    total: count('All of them.'),
    updated: count('Those that have come to this image.'),
    behind: list('The first of those that have not, as namespace/name.', name, 16),
    summary: text('Updated and all, for columns.', 32),
  }),
});

const resolved = (description: string) =>
  object(description, {
    wanted: text('The version as it is declared.', 135),
    tag: Type.Optional(text('The tag that it stands for; absent where a digest is declared.', 128)),
    digest: Type.Optional(text('The digest that is pinned; absent where none is.', 71)),
  });

const resolution = object('What a declared version was resolved to. It stays so, whatever the registry says later.', {
  type: oneOf('The kind of model server.', runtimeTypes),
  image: text('Registry and repository that were asked.', 512),
  version: resolved('For models without a GPU, and for all where `gpuVersion` is absent.'),
  gpuVersion: Type.Optional(resolved('For models with a GPU.')),
  platforms: list('What the pinned image is built for, where the registry says so.', Type.String({ maxLength: 64 }), 32),
  platform: Type.Optional(text('The platform that was asked for.', 64)),
  resolvedTime: time('When the registry was asked.'),
  request: Type.Optional(text('Which `modelwright images update` it answers.', 64)),
});

const failedRevision = object('A Revision of a model that failed because its tag could not be resolved.', {
  namespace: text('Its namespace.', 63),
  name: text('Its name.', 253),
  image: text('The image.', 700),
  since: time('When it failed.'),
  cause: text('What went wrong, in plain words.', 1024),
  reason: Type.Optional(
    oneOf('What the registry said when the operator asked it as well; absent where it may not or has not yet.', [
      ...registryCauses,
      'Found',
    ]),
  ),
  nextTryTime: Type.Optional(time('When Knative tries again by itself.')),
});

const drift = object('Something that is not as declared.', {
  object: text('Which object, as namespace/name.', 317),
  field: text('Which field in it.', 253),
  wanted: text('What the spec declares.', 1024),
  found: text('What is there.', 1024),
  manager: text('The field manager that wrote it last.', 128),
  since: Type.Optional(time('When it was written.')),
});

export const statusSchema = object('What was observed.', {
  observedGeneration: Type.Optional(integer('The generation this status speaks of.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  conditions: Type.Optional(conditionsSchema),
  summary: Type.Optional(text('Models that have come to the declared images, for columns.', 32)),
  runtimes: Type.Optional(keyedList('Declared runtimes that are in effect.', runtime, 16, 'type')),
  resolutions: Type.Optional(keyedList('Ranges and tags that were resolved, for declarations that ask for it.', resolution, 16, 'type')),
  tagResolution: Type.Optional(
    object('What Knative does with image tags.', {
      key: text('The key of config-deployment that counts here.', 64),
      skipped: list('Every registry that is skipped, whoever wrote it.', Type.String({ maxLength: 1024 }), 256),
      ours: list('Those of them that go when the spec no longer names them.', Type.String({ maxLength: 253 }), 64),
      notices: list(
        'What an administrator should know: what skipping costs, and settings that have no effect.',
        Type.String({ maxLength: 1024 }),
        16,
      ),
      needed: list(
        'Models that run an image by tag from a registry of ours, and so need the entry.',
        object('One registry.', {
          registry: text('Its host.', 253),
          models: count('How many.'),
          examples: list('The first of them, as namespace/name.', name, 8),
        }),
        64,
      ),
      failedRevisions: list('The first of the Revisions that failed on tag resolution.', failedRevision, 32),
    }),
  ),
  drift: Type.Optional(list('What is not as declared now.', drift, 32)),
});
