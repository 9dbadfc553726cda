/** Labels, annotations and tolerations: what a Pod would refuse anyway, said where it is written, and the keys that are not the user's. */
import { celIfPresent, celList } from '../../cel.ts';
import type { Rule } from '../../rule.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../index.ts';

/** Domains, with all below them, whose annotations and labels steer KServe, Knative or Modelwright; what they do has fields of its own here. */
export const reservedDomains = ['kserve.io', 'knative.dev', 'kubeflow.org', 'modelwright.dev'] as const;
const reservedKey = `^([^/]*[.])?(${reservedDomains.map((domain) => domain.replaceAll('.', '[.]')).join('|')})/`;

/** Pod labels that KServe writes itself and selects by (pkg/constants: RawDeploymentAppLabel, KServiceComponentLabel). */
export const reservedLabels = ['app', 'component'] as const;

const qualifiedName = '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$';

type KeyedField = 'podMetadata.labels' | 'podMetadata.annotations' | 'scheduling.nodeSelector';

function keysOf(spec: ModelDeploymentSpec, field: KeyedField): string[] {
  switch (field) {
    case 'podMetadata.labels':
      return Object.keys(spec.podMetadata?.labels ?? {});
    case 'podMetadata.annotations':
      return Object.keys(spec.podMetadata?.annotations ?? {});
    case 'scheduling.nodeSelector':
      return Object.keys(spec.scheduling?.nodeSelector ?? {});
    default:
      return field satisfies never;
  }
}

function keyRule(
  field: KeyedField,
  rule: Pick<Rule<ModelDeployment>, 'id' | 'message' | 'reason'> & { cel: string; allows: (key: string) => boolean },
): Rule<ModelDeployment> {
  const { cel, allows, ...rest } = rule;
  return {
    ...rest,
    scope: 'spec',
    fieldPath: `.spec.${field}`,
    cel: celIfPresent(field, `self.${field}.all(k, ${cel})`),
    holds: ({ spec }) => keysOf(spec, field).every(allows),
  };
}

function keyForm(field: KeyedField, id: string): Rule<ModelDeployment> {
  return keyRule(field, {
    id,
    message: `spec.${field} must have keys of the form name or domain/name: letters, digits, "-", "_" and "." with a letter or digit at both ends, the name at most 63 characters`,
    cel: `k.matches('${qualifiedName}')`,
    allows: (key) => new RegExp(qualifiedName).test(key),
  });
}

export const podRules: readonly Rule<ModelDeployment>[] = [
  keyForm('podMetadata.labels', 'label-key'),
  keyForm('podMetadata.annotations', 'annotation-key'),
  keyForm('scheduling.nodeSelector', 'node-selector-key'),
  keyRule('podMetadata.annotations', {
    id: 'reserved-annotation',
    reason: 'Forbidden',
    message: `spec.podMetadata.annotations must not use keys of ${reservedDomains.join(', ')}; the settings behind them are fields of this spec`,
    cel: `!k.matches('${reservedKey}')`,
    allows: (key) => !new RegExp(reservedKey).test(key),
  }),
  keyRule('podMetadata.labels', {
    id: 'reserved-label',
    reason: 'Forbidden',
    message: `spec.podMetadata.labels must not use ${reservedLabels.join(', ')} or keys of ${reservedDomains.join(', ')}: KServe selects the pods by them`,
    cel: `!(k in ${celList(reservedLabels)}) && !k.matches('${reservedKey}')`,
    allows: (key) => !(reservedLabels as readonly string[]).includes(key) && !new RegExp(reservedKey).test(key),
  }),
  {
    id: 'toleration-value',
    scope: 'spec',
    fieldPath: '.spec.scheduling.tolerations',
    reason: 'Forbidden',
    message: 'spec.scheduling.tolerations must have no value beside operator Exists; remove it, or use operator Equal',
    cel: celIfPresent(
      'scheduling.tolerations',
      "self.scheduling.tolerations.all(t, !has(t.operator) || t.operator != 'Exists' || !has(t.value) || t.value == '')",
    ),
    holds: ({ spec }) => (spec.scheduling?.tolerations ?? []).every(({ operator, value }) => operator !== 'Exists' || !value),
  },
  {
    id: 'toleration-key',
    scope: 'spec',
    fieldPath: '.spec.scheduling.tolerations',
    reason: 'Forbidden',
    message: 'spec.scheduling.tolerations must have a key, or operator Exists to tolerate every taint',
    cel: celIfPresent(
      'scheduling.tolerations',
      "self.scheduling.tolerations.all(t, (has(t.key) && t.key != '') || (has(t.operator) && t.operator == 'Exists'))",
    ),
    holds: ({ spec }) => (spec.scheduling?.tolerations ?? []).every(({ key, operator }) => Boolean(key) || operator === 'Exists'),
  },
  {
    id: 'toleration-seconds',
    scope: 'spec',
    fieldPath: '.spec.scheduling.tolerations',
    reason: 'Forbidden',
    message: 'spec.scheduling.tolerations may have tolerationSeconds with effect NoExecute only',
    cel: celIfPresent(
      'scheduling.tolerations',
      "self.scheduling.tolerations.all(t, !has(t.tolerationSeconds) || (has(t.effect) && t.effect == 'NoExecute'))",
    ),
    holds: ({ spec }) =>
      (spec.scheduling?.tolerations ?? []).every(
        ({ tolerationSeconds, effect }) => tolerationSeconds === undefined || effect === 'NoExecute',
      ),
  },
];
