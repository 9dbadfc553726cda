/** What a ModelDeployment and its model may be called. */
import { celList, celPresent } from '../../cel.ts';
import type { Rule } from '../../rule.ts';
import type { ModelDeployment } from '../index.ts';
import { runtimesNamedByService } from '../runtime.ts';

/**
 * In Standard mode KServe labels the pods and their Service selector `app=isvc.<name>-predictor`, and a label value ends at 63 characters:
 * 63 − 5 − 10. No KServe from 0.7 to 0.20 shortens a name (read in `GetRawServiceLabel` and `PredictorServiceName` of 0.7, 0.9, 0.11,
 * 0.15 and 0.20); the API server would refuse the Deployment in every reconcile. Up to KServe 0.10 the suffix is `-predictor-default`
 * and the limit 40: that depends on the installed version and is judged where the version is known.
 * Knative mode alone would allow 53 (the name of a Service), but a name should not decide which modes are open.
 */
export const maxNameLength = 48;

/** With a transformer the label is `isvc.<name>-transformer`, two characters longer. */
export const maxNameLengthWithTransformer = 46;

const pattern = '^[a-z]([-a-z0-9]*[a-z0-9])?$';

export const nameRules: readonly Rule<ModelDeployment>[] = [
  {
    id: 'name-form',
    scope: 'object',
    fieldPath: '.metadata.name',
    message:
      'metadata.name must start with a letter and hold only lower-case letters, digits and "-", the last no "-": KServe makes Service names from it',
    cel: `self.metadata.name.matches('${pattern}')`,
    holds: ({ metadata }) => new RegExp(pattern).test(metadata.name),
  },
  {
    id: 'name-length',
    scope: 'object',
    fieldPath: '.metadata.name',
    message: `metadata.name must have at most ${maxNameLength} characters: KServe labels the pods isvc.<name>-predictor, and a label value ends at 63; choose a shorter name`,
    cel: `self.metadata.name.size() <= ${maxNameLength}`,
    holds: ({ metadata }) => metadata.name.length <= maxNameLength,
  },
  {
    id: 'name-length-transformer',
    scope: 'object',
    fieldPath: '.metadata.name',
    message: `metadata.name must have at most ${maxNameLengthWithTransformer} characters beside spec.transformer: KServe labels its pods isvc.<name>-transformer, and a label value ends at 63; choose a shorter name`,
    cel: `!has(self.spec.transformer) || self.metadata.name.size() > ${maxNameLength} || self.metadata.name.size() <= ${maxNameLengthWithTransformer}`,
    holds: ({ metadata, spec }) =>
      spec.transformer === undefined || metadata.name.length > maxNameLength || metadata.name.length <= maxNameLengthWithTransformer,
  },
  {
    id: 'model-name-fixed',
    scope: 'object',
    fieldPath: '.spec.model.name',
    reason: 'Forbidden',
    message: `spec.model.name must equal metadata.name, or be left out: ${runtimesNamedByService.join(', ')} serve the model under the name of the deployment`,
    cel: `!(self.spec.runtime.type in ${celList(runtimesNamedByService)}) || !(${celPresent('spec.model.name', 'self', 1)}) || self.spec.model.name == self.metadata.name`,
    holds: ({ metadata, spec }) =>
      !runtimesNamedByService.includes(spec.runtime.type) || spec.model?.name === undefined || spec.model.name === metadata.name,
  },
];
