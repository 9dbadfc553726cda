/** Accuracy beside latency: the samples that the served model is held against, and what came of it. */
import type { Rule } from '../rule.ts';
import { integer, object, oneOf, Type, text } from '../schema.ts';
import type { ModelProfile } from './index.ts';

export const profileMetrics = ['Top1', 'Top5', 'Custom'] as const;

const objectName = { pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', minLength: 1 };
const decimal = '^[0-9]+(\\.[0-9]+)?([eE]-?[0-9]{1,2})?$';
export const percentPattern = '^(100(\\.0{1,3})?|[0-9]{1,2}(\\.[0-9]{1,3})?)$';

export const accuracySchema = object(
  'Labelled samples that every load pod sends before the points of each batch size, in requests of that size: how often the model is right stands beside its latency.',
  {
    dataset: object('JSON Lines of samples (schemas/accuracy-sample.schema.json).', {
      configMapKeyRef: Type.Optional(
        object('From a ConfigMap of this namespace.', {
          name: text('Name of the ConfigMap.', 253, objectName),
          key: text('Key in it.', 253, { pattern: '^[-._a-zA-Z0-9]+$', minLength: 1 }),
        }),
      ),
      blob: Type.Optional(
        object("From this namespace's folder of a model repository of the ServingPlatform.", {
          repository: text('The repository.', 63, { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' }),
          path: text('Path in the folder.', 512, { pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$' }),
        }),
      ),
      url: Type.Optional(
        text('From a web server whose host is in spec.policy.sourceHosts of the ServingPlatform.', 2048, {
          pattern: '^https?://[^/?#@]+/[^?#]*$',
        }),
      ),
      sha256: Type.Optional(text('SHA-256 that it must have.', 64, { pattern: '^[0-9a-f]{64}$' })),
    }),
    metric: oneOf(
      'Top1: the class, or the largest of the scores, is the label. Top5: the label is among the five largest scores. Custom: every value is within the tolerance of what is expected.',
      profileMetrics,
    ),
    output: Type.Optional(text('Output of the model that is judged. Omitted: the first.', 253, { minLength: 1 })),
    tolerance: Type.Optional(
      object('Of Custom: |got − expected| ≤ absolute + relative × |expected|.', {
        relative: Type.Optional(text('Omitted: 0.001.', 32, { pattern: decimal })),
        absolute: Type.Optional(text('Omitted: 0.000001.', 32, { pattern: decimal })),
      }),
    ),
    maxSamples: Type.Optional(integer('So many samples at most, taken evenly. Omitted: all.', { minimum: 1, maximum: 10_000_000 })),
  },
);

const percent = (description: string) => text(description, 16, { pattern: percentPattern });
const count = (description: string) => integer(description, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const accuracyResultSchema = object(
  'How often the model was right at this batch size.',
  {
    metric: oneOf('By what.', profileMetrics),
    percent: percent('Of the samples that were right.'),
    percentLow: percent('Lower end of its 95 % interval (Wilson).'),
    percentHigh: percent('Upper end of its 95 % interval.'),
    samples: count('Samples sent; one whose request failed counts as wrong.'),
    correct: count('Samples that were right.'),
  },
  { 'x-kubernetes-map-type': 'atomic' },
);

const accuracyOf = ({ spec: { accuracy } }: ModelProfile) => accuracy;
const given = (...values: readonly unknown[]): number => values.filter((value) => value !== undefined).length;

export const accuracyRules: readonly Rule<ModelProfile>[] = [
  {
    id: 'accuracy-dataset',
    scope: 'spec',
    fieldPath: '.spec.accuracy.dataset',
    message: 'spec.accuracy.dataset must have exactly one of configMapKeyRef, blob and url',
    cel: '!has(self.accuracy) || [has(self.accuracy.dataset.configMapKeyRef), has(self.accuracy.dataset.blob), has(self.accuracy.dataset.url)].filter(given, given).size() == 1',
    holds: (object) => {
      const dataset = accuracyOf(object)?.dataset;
      return dataset === undefined || given(dataset.configMapKeyRef, dataset.blob, dataset.url) === 1;
    },
  },
  {
    id: 'accuracy-tolerance',
    scope: 'spec',
    fieldPath: '.spec.accuracy.tolerance',
    reason: 'Forbidden',
    message: 'spec.accuracy.tolerance is of metric Custom alone: classes are right or wrong; remove it',
    cel: "!has(self.accuracy) || !has(self.accuracy.tolerance) || self.accuracy.metric == 'Custom'",
    holds: (object) => accuracyOf(object)?.tolerance === undefined || accuracyOf(object)?.metric === 'Custom',
  },
  {
    id: 'accuracy-protocol',
    scope: 'spec',
    fieldPath: '.spec.accuracy',
    reason: 'Forbidden',
    message: 'spec.accuracy needs a protocol whose replies have predictions; spec.target.protocol HTTP has none',
    cel: "!has(self.accuracy) || !has(self.target.protocol) || self.target.protocol != 'HTTP'",
    holds: (object) => accuracyOf(object) === undefined || object.spec.target.protocol !== 'HTTP',
  },
  {
    id: 'accuracy-objective',
    scope: 'spec',
    fieldPath: '.spec.objective.minAccuracyPercent',
    message: 'spec.objective.minAccuracyPercent needs spec.accuracy, which measures it',
    cel: '!has(self.objective) || !has(self.objective.minAccuracyPercent) || has(self.accuracy)',
    holds: (object) => object.spec.objective?.minAccuracyPercent === undefined || accuracyOf(object) !== undefined,
  },
];
