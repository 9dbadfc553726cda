/** From a kind's definition to its CustomResourceDefinition (apiextensions.k8s.io/v1). */
import type { KindDefinition } from '../../src/api/kind.ts';
import type { Rule } from '../../src/api/rule.ts';
import { type CelValidation, type StructuralSchema, structuralSchema } from './structural-schema.ts';

function crdName({ plural, group }: Pick<KindDefinition<unknown>, 'plural' | 'group'>): string {
  return `${plural}.${group}`;
}

/** The whole object's schema: what the kind defines, with the envelope every object has, and the rules at its root. */
function rootSchema<T>(definition: KindDefinition<T>): StructuralSchema {
  return {
    description: definition.description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { description: `${definition.group}/${definition.version}`, type: 'string' },
      kind: { description: definition.kind, type: 'string' },
      // Named so that rules may read metadata.name and point at it; 253 is what the API server itself allows.
      metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 253 } } },
      spec: { ...structuralSchema(definition.spec, 'spec'), ...validations(definition.rules, 'spec') },
      status: structuralSchema(definition.status, 'status'),
    },
    ...validations(definition.rules, 'object'),
  };
}

function validations<T>(rules: readonly Rule<T>[], scope: Rule<T>['scope']): Pick<StructuralSchema, 'x-kubernetes-validations'> {
  const ofScope = rules.filter((rule) => rule.scope === scope);
  if (ofScope.length === 0) return {};
  return {
    'x-kubernetes-validations': ofScope.map((rule): CelValidation => {
      const prefix = scope === 'spec' ? '.spec' : '';
      if (!rule.fieldPath.startsWith(`${prefix}.`)) throw new Error(`rule ${rule.id}: ${rule.fieldPath} lies outside its scope`);
      return {
        rule: rule.cel,
        message: rule.message,
        reason: `FieldValue${rule.reason ?? 'Invalid'}`,
        fieldPath: rule.fieldPath.slice(prefix.length),
      };
    }),
  };
}

export function customResourceDefinition<T>(definition: KindDefinition<T>): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: crdName(definition) },
    spec: {
      group: definition.group,
      scope: definition.namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural: definition.plural,
        singular: definition.singular,
        categories: ['modelwright'],
      },
      versions: [
        {
          name: definition.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns.map(({ name, type, jsonPath, description, priority }) => ({
            name,
            type,
            jsonPath,
            description,
            ...(priority ? { priority } : {}),
          })),
          // An empty list would be dropped by the API server, and every apply of the client would find a difference.
          ...(definition.selectableFields.length > 0 && {
            selectableFields: definition.selectableFields.map((jsonPath) => ({ jsonPath })),
          }),
          schema: { openAPIV3Schema: rootSchema(definition) },
        },
      ],
    },
  };
}
