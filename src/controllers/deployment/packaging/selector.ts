import type { ModelRepository } from '../../../api/serving-platform/index.ts';

/** A label selector (metav1.LabelSelector): all of it must hold; an empty one selects everything. */
export type LabelSelector = ModelRepository['allowedNamespaces'];

export type Labels = Readonly<Record<string, string>>;

export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  const value = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  return (
    Object.entries(matchLabels).every(([key, wanted]) => value(key) === wanted) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const found = value(key);
      switch (operator) {
        case 'In':
          return found !== undefined && values.includes(found);
        case 'NotIn':
          return found === undefined || !values.includes(found);
        case 'Exists':
          return found !== undefined;
        case 'DoesNotExist':
          return found === undefined;
        default:
          return operator satisfies never;
      }
    })
  );
}

/** The label that the API server gives to every namespace. */
export const namespaceLabel = 'kubernetes.io/metadata.name';

/** Whether a selector can select no other namespace than this one, whatever labels others get. */
export function selectsOnly({ matchLabels = {}, matchExpressions = [] }: LabelSelector, namespace: string): boolean {
  return (
    matchLabels[namespaceLabel] === namespace ||
    matchExpressions.some(
      ({ key, operator, values = [] }) => key === namespaceLabel && operator === 'In' && values.length === 1 && values[0] === namespace,
    )
  );
}
