/** What spec.profile must hold to so that a ModelProfile can be made of it; the rest is judged when that is made. */
import { sweepLoads } from '../../model-profile/load.ts';
import type { Rule } from '../../rule.ts';
import type { ModelDeployment } from '../index.ts';

export const profileRules: readonly Rule<ModelDeployment>[] = [
  {
    id: 'profile-sweep-one',
    scope: 'spec',
    fieldPath: '.spec.profile.template.sweep',
    message: 'spec.profile.template.sweep must have exactly one of concurrency, requestsPerSecond, search and scenario',
    cel: `!has(self.profile) || (${sweepLoads.map((load) => `(has(self.profile.template.sweep.${load}) ? 1 : 0)`).join(' + ')}) == 1`,
    holds: ({ spec: { profile } }) =>
      profile === undefined || sweepLoads.filter((load) => profile.template.sweep[load] !== undefined).length === 1,
  },
];
