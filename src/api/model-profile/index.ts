/** ModelProfile: how a served model performs, measured, and the setting to run. */
import type { Static } from 'typebox';
import type { KindDefinition, Metadata } from '../kind.ts';
import { type apiVersion, group, version } from '../kind.ts';
import { boolean, integer, object, oneOf, Type } from '../schema.ts';
import { accuracySchema } from './accuracy.ts';
import { rollbackSchema } from './apply.ts';
import { baselineSchema, reuseSchema } from './baseline.ts';
import { conditionTypes } from './conditions.ts';
import { modeSchema } from './dedicated.ts';
import { idlePolicySchema } from './idle.ts';
import { budgetSchema, liveSchema, loadSchema, objectiveSchema, placements, runIdSchema, sweepSchema } from './load.ts';
import { applySchema } from './recommendation.ts';
import { reportSchema } from './report.ts';
import { rules } from './rules.ts';
import { scheduleSchema } from './schedule.ts';
import { statusSchema } from './status.ts';
import { payloadSchema, targetSchema } from './target.ts';

export const specSchema = object('What is measured, and how.', {
  target: targetSchema,
  mode: Type.Optional(modeSchema),
  sweep: sweepSchema,
  load: Type.Optional(loadSchema),
  payload: Type.Optional(payloadSchema),
  accuracy: Type.Optional(accuracySchema),
  objective: Type.Optional(objectiveSchema),
  live: Type.Optional(liveSchema),
  placement: Type.Optional(
    oneOf('Where the load pods run: away from the nodes of the model, on them, or anywhere.', placements, { default: 'Any' }),
  ),
  budget: Type.Optional(budgetSchema),
  idlePolicy: Type.Optional(idlePolicySchema),
  schedule: Type.Optional(scheduleSchema),
  baseline: Type.Optional(baselineSchema),
  reuse: Type.Optional(reuseSchema),
  apply: Type.Optional(applySchema),
  rollback: Type.Optional(rollbackSchema),
  report: Type.Optional(reportSchema),
  runId: Type.Optional(runIdSchema),
  suspend: Type.Optional(boolean('Ends a run, and starts none, until it is false again.')),
  historyLimit: Type.Optional(integer('How many runs that ended the status keeps in short.', { minimum: 0, maximum: 50, default: 10 })),
});

export type ModelProfileSpec = Static<typeof specSchema>;
export type ModelProfileStatus = Static<typeof statusSchema>;
export type ProfileResult = NonNullable<ModelProfileStatus['results']>[number];

export interface ModelProfile {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'ModelProfile';
  readonly metadata: Metadata;
  readonly spec: ModelProfileSpec;
  readonly status?: ModelProfileStatus;
}

const condition = (type: string, part: 'status' | 'reason') => `.status.conditions[?(@.type=="${type}")].${part}`;

export const modelProfile: KindDefinition<ModelProfile> = {
  group,
  version,
  kind: 'ModelProfile',
  plural: 'modelprofiles',
  singular: 'modelprofile',
  namespaced: true,
  description: 'A benchmark of a served model: latency, throughput and GPU use per setting, and the best setting under an SLO.',
  spec: specSchema,
  status: statusSchema,
  rules,
  conditions: conditionTypes,
  columns: [
    { name: 'Target', type: 'string', jsonPath: '.status.target', description: 'What is measured' },
    { name: 'Progress', type: 'string', jsonPath: '.status.progress.summary', description: 'Points measured, of all' },
    { name: 'Best', type: 'string', jsonPath: '.status.best.summary', description: 'Batch size × concurrency or rate of the best setting' },
    { name: 'P99', type: 'string', jsonPath: '.status.best.p99', description: 'p99 latency of the best setting' },
    {
      name: 'Throughput',
      type: 'string',
      jsonPath: '.status.best.samplesPerSecond',
      description: 'Samples per second of the best setting',
    },
    { name: 'GPU%', type: 'string', jsonPath: '.status.best.gpuPercent', description: 'GPU use of the best setting' },
    { name: 'SLO', type: 'string', jsonPath: condition('SLOMet', 'status'), description: 'Whether a setting keeps the objective' },
    { name: 'Status', type: 'string', jsonPath: condition('Ready', 'reason'), description: 'How far it is, and why' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
  ],
  selectableFields: [],
};
