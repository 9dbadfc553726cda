/** The flags of `modelwright operator` as values of the chart: a new flag is there with the next `npm run generate`. */
import type { Option } from 'commander';
import { operatorCommand } from '../../../src/cli/operator.ts';
import { type JsonSchema, type Value, value } from './value.ts';

/** Flags that follow from other values of the chart, or make no sense in a pod. */
const ofTheChart = new Set([
  'image',
  'systemNamespace',
  'namespaces',
  'leaderElect',
  'leaderElectionId',
  'leaderElectionNamespace',
  'metricsBindAddress',
  'kubeconfig',
  'context',
]);

/** Flags that take a list, as lists. */
const listArgument = /<(names|prefixes|hosts)>/;

export function operatorValues(): Record<string, Value> {
  const options = operatorCommand().options.filter((option) => !ofTheChart.has(option.attributeName()));
  return Object.fromEntries(options.map((option) => [option.attributeName(), asValue(option)]));
}

/** The environment variable of a flag, by the name of its value: `logLevel` is MODELWRIGHT_LOG_LEVEL. The chart's template does the same. */
export function variableOf(name: string): string {
  return `MODELWRIGHT_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function asValue(option: Option): Value {
  const expected = variableOf(option.attributeName());
  if (option.envVar !== expected)
    throw new Error(`flag ${option.flags} has the variable ${option.envVar}, and the chart would set ${expected}`);
  return value(sentence(option), undefined, schemaOf(option));
}

function schemaOf({ argChoices, defaultValue, flags }: Option): JsonSchema {
  if (argChoices !== undefined) return { type: 'string', enum: argChoices };
  if (/\[enabled\]/.test(flags)) return { type: 'boolean' };
  if (listArgument.test(flags)) return { type: 'array', items: { type: 'string', pattern: '^[^,\\s]+$' } };
  if (typeof defaultValue === 'number') return { type: 'integer', minimum: 1 };
  return { type: 'string', minLength: 1 };
}

function sentence({ description, defaultValue }: Option): string {
  const text = `${description[0]?.toUpperCase()}${description.slice(1)}`;
  return `${text}${defaultValue === undefined ? '' : ` (default: ${defaultValue})`}.`;
}
