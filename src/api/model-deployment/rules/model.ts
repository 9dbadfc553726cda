/** What the description of a model must hold to, so that payloads can be made from it. */
import { celIfPresent } from '../../cel.ts';
import type { Rule } from '../../rule.ts';
import type { ModelDeployment } from '../index.ts';

function dimensions(field: 'inputs' | 'outputs'): Rule<ModelDeployment> {
  return {
    id: `${field}-dimension`,
    scope: 'spec',
    fieldPath: `.spec.model.${field}`,
    message: `spec.model.${field} must have no dimension 0 in a shape; write -1 for a size that each request chooses`,
    cel: celIfPresent(`model.${field}`, `self.model.${field}.all(t, t.shape.all(d, d != 0))`),
    holds: ({ spec }) => (spec.model?.[field] ?? []).every(({ shape }) => !shape.includes(0)),
  };
}

export const modelRules: readonly Rule<ModelDeployment>[] = [dimensions('inputs'), dimensions('outputs')];
