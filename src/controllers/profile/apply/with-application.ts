/** The status with what is said of applying the best setting. Pure. */
import type { StatusDraft } from '../decision.ts';
import type { Observed } from '../observed.ts';
import { rfc3339 } from '../times.ts';
import { decideApply } from './decide.ts';
import type { Step } from './step.ts';

const longestMessage = 4096;

export function withApplication(
  { profile, recommending, attempt, now }: Pick<Observed, 'profile' | 'recommending' | 'attempt' | 'now'>,
  draft: StatusDraft,
): { readonly status: StatusDraft; readonly step?: Step } {
  const { condition, fields, step } = decideApply({ profile, draft, recommending, attempt, time: rfc3339(now) });
  const said = condition === undefined ? [] : [{ ...condition, message: condition.message.slice(0, longestMessage) }];
  return { status: { ...draft, ...fields, conditions: [...draft.conditions, ...said] }, ...(step !== undefined && { step }) };
}
