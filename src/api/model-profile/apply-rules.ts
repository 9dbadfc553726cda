/** What a ModelProfile can say about changing the ModelDeployment that it measures. */
import type { Rule } from '../rule.ts';
import type { ModelProfile } from './index.ts';

const applies = "has(self.apply) && self.apply == 'Apply'";

export const applyRules: readonly Rule<ModelProfile>[] = [
  {
    id: 'apply-target',
    scope: 'spec',
    fieldPath: '.spec.apply',
    reason: 'Forbidden',
    message: 'spec.apply Recommend and Apply need spec.target.modelDeployment: only of a ModelDeployment it is known what its settings are',
    cel: `!has(self.apply) || self.apply == 'Never' || has(self.target.modelDeployment)`,
    holds: ({ spec: { apply, target } }) => apply === undefined || apply === 'Never' || target.modelDeployment !== undefined,
  },
  {
    id: 'apply-objective',
    scope: 'spec',
    fieldPath: '.spec.objective.latency',
    message:
      'spec.objective.latency is needed with spec.apply Apply: without a bound the highest throughput would be applied at any latency',
    cel: `!(${applies}) || (has(self.objective) && has(self.objective.latency) && self.objective.latency.size() > 0)`,
    holds: ({ spec: { apply, objective } }) => apply !== 'Apply' || (objective?.latency?.length ?? 0) > 0,
  },
  {
    id: 'apply-candidate',
    scope: 'spec',
    fieldPath: '.spec.apply',
    reason: 'Forbidden',
    message: 'spec.apply Apply must not be given with spec.target.revision Candidate: what is held back has no settings of its own',
    cel: `!(${applies}) || !has(self.target.revision) || self.target.revision != 'Candidate'`,
    holds: ({ spec: { apply, target } }) => apply !== 'Apply' || target.revision !== 'Candidate',
  },
  {
    id: 'rollback-target',
    scope: 'spec',
    fieldPath: '.spec.rollback',
    reason: 'Forbidden',
    message: 'spec.rollback needs spec.target.modelDeployment: nothing else was changed by a profile',
    cel: `!has(self.rollback) || has(self.target.modelDeployment)`,
    holds: ({ spec: { rollback, target } }) => rollback === undefined || target.modelDeployment !== undefined,
  },
];
