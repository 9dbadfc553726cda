/** What the best setting means for the ModelDeployment that was measured. */
import type { Static } from 'typebox';
import { list, object, oneOf, Type, text } from '../schema.ts';

export const applySchema = oneOf(
  'Recommend: status.recommendation says what the best setting means for the ModelDeployment that is measured, as a patch that the API server has judged. Nothing is written to it. Apply: it is written too, once for each run, where nobody else owns the fields and the ModelDeployment comes from no repository. Never: nothing is said.',
  ['Never', 'Recommend', 'Apply'],
  { default: 'Never' },
);

const change = object('A field that would be another.', {
  field: text('Its path in the ModelDeployment.', 128),
  current: Type.Optional(text('Its value now, as JSON; absent where it is not set.', 4096)),
  recommended: Type.Optional(text('The value that was measured, as JSON; absent where it is to be removed.', 4096)),
  why: text('What of the measurement says so.', 512),
});

export const recommendationSchema = object('What the best setting means for the ModelDeployment (spec.apply: Recommend and Apply).', {
  point: text('The best setting.', 128),
  changes: list('Fields that would be others; none where the ModelDeployment is set up like that already.', change, 16),
  patch: Type.Optional(text('The changes as a JSON merge patch: kubectl patch modeldeployment NAME --type=merge --patch.', 16_384)),
  verdict: oneOf(
    'Whether the API server takes the patch, by a dry run: not asked yet, accepted, refused. Nothing: there is nothing to change.',
    ['Unchecked', 'Accepted', 'Refused', 'Nothing'],
  ),
  message: text('What is recommended, and what the measurement does not tell.', 2048),
});

export type RecommendationStatus = Static<typeof recommendationSchema>;
