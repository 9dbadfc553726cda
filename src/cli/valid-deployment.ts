import { Ajv } from 'ajv';
import { type ModelDeployment, modelDeployment, specSchema } from '../api/model-deployment/index.ts';
import { isTransitionRule } from '../api/rule.ts';

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const validateSpec = ajv.compile(specSchema);

/** What the API server would say against an object at creation: breaches of the schema, else of the rules. Empty: it would be taken. */
export function complaintsAbout(object: ModelDeployment): string[] {
  if (typeof object.metadata?.name !== 'string') return ['metadata.name: is required'];
  if (!validateSpec(object.spec)) {
    return (validateSpec.errors ?? []).map(({ instancePath, message = 'is not valid', params }) => {
      const allowed = Array.isArray(params['allowedValues']) ? `: ${(params['allowedValues'] as unknown[]).join(', ')}` : '';
      return `spec${instancePath.replaceAll('/', '.')}: ${message}${allowed}`;
    });
  }
  return modelDeployment.rules.filter((rule) => !isTransitionRule(rule) && !rule.holds(object)).map(({ message }) => message);
}
