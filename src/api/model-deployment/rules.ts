/** Everything one ModelDeployment can say about itself: refused at apply by the API server, and by `modelwright lint`. */
import type { Rule } from '../rule.ts';
import type { ModelDeployment } from './index.ts';
import { changeRules } from './rules/change.ts';
import { modelRules } from './rules/model.ts';
import { nameRules } from './rules/name.ts';
import { podRules } from './rules/pods.ts';
import { profileRules } from './rules/profile.ts';
import { runtimeRules } from './rules/runtime.ts';
import { scalingRules } from './rules/scaling.ts';
import { sourceRules } from './rules/source.ts';

export { maxNameLength, maxNameLengthWithTransformer } from './rules/name.ts';

export const rules: readonly Rule<ModelDeployment>[] = [
  ...nameRules,
  ...modelRules,
  ...sourceRules,
  ...runtimeRules,
  ...scalingRules,
  ...podRules,
  ...profileRules,
  ...changeRules,
];
