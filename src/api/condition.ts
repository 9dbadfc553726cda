/** metav1.Condition, as every kind's status carries it. */
import type { Static } from 'typebox';
import { integer, keyedList, object, oneOf, Type, text, time } from './schema.ts';

export const conditionSchema = object('One aspect of the current state.', {
  type: text('What is judged, in CamelCase.', 64, { pattern: '^[A-Za-z][A-Za-z0-9]*$' }),
  status: oneOf('Whether it holds.', ['True', 'False', 'Unknown']),
  observedGeneration: Type.Optional(
    integer('The metadata.generation this was judged at.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  ),
  lastTransitionTime: time('When `status` last changed.'),
  reason: text('One CamelCase word for programs.', 128, { pattern: '^[A-Za-z][A-Za-z0-9_]*$' }),
  message: text('A sentence for people: the cause and what to do.', 4096),
});

export const conditionsSchema = keyedList('The latest judgement per condition type.', conditionSchema, 16, 'type');

export type Condition = Readonly<Static<typeof conditionSchema>>;
export type ConditionStatus = Condition['status'];
