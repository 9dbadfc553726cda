/** `spec.profile`: a ModelProfile that follows the deployment. */
import type { Static } from 'typebox';
import { accuracySchema } from '../model-profile/accuracy.ts';
import { modeSchema } from '../model-profile/dedicated.ts';
import { idlePolicySchema } from '../model-profile/idle.ts';
import { budgetSchema, liveSchema, loadSchema, objectiveSchema, placements, sweepSchema } from '../model-profile/load.ts';
import { reportSchema } from '../model-profile/report.ts';
import { payloadSchema } from '../model-profile/target.ts';
import { boolean, object, oneOf, Type } from '../schema.ts';

export const profileSchema = object(
  'Measures the model by itself: a ModelProfile <name>-auto, owned by this deployment, is made when the model first serves, and begins a new run for each new model or image.',
  {
    auto: boolean('Whether it does. Set to false, the ModelProfile stays as it is, and is not begun anew.'),
    template: object('The spec of that ModelProfile. Its target is this deployment.', {
      mode: Type.Optional(modeSchema),
      sweep: sweepSchema,
      load: Type.Optional(loadSchema),
      payload: Type.Optional(payloadSchema),
      accuracy: Type.Optional(accuracySchema),
      objective: Type.Optional(objectiveSchema),
      live: Type.Optional(liveSchema),
      placement: Type.Optional(oneOf('Where the load pods run.', placements)),
      budget: Type.Optional(budgetSchema),
      report: Type.Optional(reportSchema),
      idlePolicy: Type.Optional(idlePolicySchema),
    }),
  },
);

export type AutoProfile = Static<typeof profileSchema>;
