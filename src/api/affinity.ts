/** core/v1 Affinity, typed and bounded. */
import { integer, list, object, oneOf, Type, text, textMap } from './schema.ts';

const values = (description: string) => Type.Optional(list(description, text('A value.', 63), 32));

const nodeRequirement = object('A requirement on a label or field of a node.', {
  key: text('Key of the label, or name of the field.', 317, { minLength: 1 }),
  operator: oneOf('How the key relates to the values.', ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: values('Values; none with Exists and DoesNotExist, one number with Gt and Lt.'),
});

const nodeSelectorTerm = object('Requirements that must all hold.', {
  matchExpressions: Type.Optional(list('Requirements on labels.', nodeRequirement, 16)),
  matchFields: Type.Optional(list('Requirements on fields, such as metadata.name.', nodeRequirement, 16)),
});

const weight = integer('How much it counts.', { minimum: 1, maximum: 100 });

const nodeAffinity = object('Which nodes.', {
  requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
    object('Nodes that may be used.', {
      nodeSelectorTerms: list('One of these must hold.', nodeSelectorTerm, 16, { minItems: 1 }),
    }),
  ),
  preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
    list('Nodes that are preferred.', object('A preference.', { weight, preference: nodeSelectorTerm }), 16),
  ),
});

const labelRequirement = object('A requirement on a label.', {
  key: text('Key of the label.', 317, { minLength: 1 }),
  operator: oneOf('How the key relates to the values.', ['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: values('Values; none with Exists and DoesNotExist.'),
});

const labelSelector = (description: string) =>
  object(description, {
    matchLabels: Type.Optional(textMap('Labels with these values.', 16, { maxLength: 63 })),
    matchExpressions: Type.Optional(list('Requirements that must all hold.', labelRequirement, 16)),
  });

const labelKeys = (description: string) => Type.Optional(list(description, text('Key of a label.', 317, { minLength: 1 }), 16));

const podAffinityTerm = object('Pods, and how near to them.', {
  labelSelector: Type.Optional(labelSelector('Which pods.')),
  namespaces: Type.Optional(list('Namespaces of the pods; omitted is the own one.', text('A namespace.', 63, { minLength: 1 }), 16)),
  namespaceSelector: Type.Optional(labelSelector('Namespaces of the pods, by label.')),
  topologyKey: text('Label of the nodes that are one place, for example kubernetes.io/hostname.', 317, { minLength: 1 }),
  matchLabelKeys: labelKeys('Labels whose value of the own pod the others must have.'),
  mismatchLabelKeys: labelKeys('Labels whose value of the own pod the others must not have.'),
});

const podAffinity = (description: string) =>
  object(description, {
    requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(list('Terms that must hold.', podAffinityTerm, 16)),
    preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
      list('Terms that are preferred.', object('A preference.', { weight, podAffinityTerm }), 16),
    ),
  });

export const affinitySchema = object(
  'Node and pod affinity, as core/v1 Affinity.',
  {
    nodeAffinity: Type.Optional(nodeAffinity),
    podAffinity: Type.Optional(podAffinity('Pods to be near to.')),
    podAntiAffinity: Type.Optional(podAffinity('Pods to be away from.')),
  },
  { externalDocs: { url: 'https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#affinity-and-anti-affinity' } },
);
