/** The promotion gate: a new model or runtime serves when it has been measured and keeps the objective. */
import type { Static } from 'typebox';
import { integer, object, oneOf, Type, text, time } from '../schema.ts';

const objectName = { minLength: 1, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' };

export const gateSchema = object(
  'Holds a new model or runtime back until it has been measured and keeps an objective; what served before goes on serving.',
  {
    profile: text(
      'ModelProfile of this namespace that says how to measure, and the objective. It need not name this deployment.',
      253,
      objectName,
    ),
    require: Type.Optional(oneOf('What the candidate has to show.', ['SLOMet'], { default: 'SLOMet' })),
    waitAtMostSeconds: Type.Optional(
      integer('After how long a candidate that is not measured yet has failed.', { minimum: 60, maximum: 604_800, default: 14_400 }),
    ),
  },
);

export type Gate = Static<typeof gateSchema>;

const served = {
  storageUri: text('Where the model lies.', 2048),
  runtime: Type.Optional(text('The ServingRuntime or ClusterServingRuntime that is asked for.', 253)),
  runtimeVersion: Type.Optional(text('The version of it that is asked for.', 135)),
  image: Type.Optional(text('The image that is asked for.', 512)),
  version: Type.Optional(text('Version of the model.', 63)),
  storageContainerName: Type.Optional(text('The storage container that reads it.', 253)),
  secretName: Type.Optional(text('The Secret that gives access to it.', 253)),
};

export const candidateStates = ['Preparing', 'Measuring', 'Failed'] as const;

export const rolloutStatusSchema = object(
  'What the promotion gate let through, and what it holds back; absent without spec.rollout.gate.',
  {
    promoted: Type.Optional(
      object('What may serve.', {
        hash: text('Names model and runtime together.', 64),
        reason: text('Why: one CamelCase word for programs.', 128),
        message: text('The same in a sentence, with the figures of the run that let it through.', 2048),
        ...served,
      }),
    ),
    previous: Type.Optional(text('Hash of what served before: going back to it is not measured again.', 64)),
    candidate: Type.Optional(
      object('What is held back.', {
        key: text('Names model, runtime and way of measuring together.', 64),
        state: oneOf('How far it is.', candidateStates),
        startTime: time('When it was first seen.'),
        modelDeployment: Type.Optional(
          text('Temporary ModelDeployment that serves it to be measured, in Standard mode and at a first rollout.', 253),
        ),
        revision: Type.Optional(text('Revision that serves it without traffic, in Knative mode.', 253)),
        url: Type.Optional(text('Where that answers inside the cluster.', 2048)),
        profile: Type.Optional(text('ModelProfile that measures it, made from the one that the gate names.', 253)),
        reason: text('One CamelCase word for programs.', 128),
        message: text('What it waits for, or the number that broke the objective.', 2048),
      }),
    ),
  },
);

export type RolloutStatus = Static<typeof rolloutStatusSchema>;
