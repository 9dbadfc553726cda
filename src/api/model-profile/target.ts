/** What a ModelProfile measures, how it is reached, and what is sent to it. */
import { boolean, object, oneOf, Type, text } from '../schema.ts';

const objectName = { pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', minLength: 1 };
const dataKey = { pattern: '^[-._a-zA-Z0-9]+$', minLength: 1 };

/** How requests are written; each is a protocol of `modelwright bench`. */
export const loadProtocols = ['V1', 'V2', 'V2Binary', 'GRPCV1', 'GRPCV2', 'TorchServe', 'HTTP'] as const;
export type LoadProtocol = (typeof loadProtocols)[number];

export const targetSchema = object(
  'What is measured: a ModelDeployment or an InferenceService of this namespace, or a URL that the policy of the cluster allows.',
  {
    modelDeployment: Type.Optional(text('Name of a ModelDeployment in this namespace.', 253, objectName)),
    revision: Type.Optional(
      oneOf(
        'Serving: what has the traffic. Candidate: what the promotion gate of the ModelDeployment holds back without traffic (Knative mode). Omitted: Serving.',
        ['Serving', 'Candidate'],
      ),
    ),
    inferenceService: Type.Optional(text('Name of an InferenceService in this namespace that no ModelDeployment made.', 253, objectName)),
    url: Type.Optional(
      text('Base address of a model server, for example http://iris.example:8000.', 2048, { pattern: '^https?://[^/?#@]+(/[^?#]*)?$' }),
    ),
    modelName: Type.Optional(
      text('Name under which the server serves the model. Omitted: that of the ModelDeployment or InferenceService.', 253, {
        pattern: '^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$',
      }),
    ),
    host: Type.Optional(
      text('Host header, for an ingress that routes by it.', 253, { pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?$' }),
    ),
    tokenSecretRef: Type.Optional(
      object('A bearer token for the server, mounted as a file into the load pod.', {
        name: text('Name of a Secret in this namespace.', 253, objectName),
        key: text('Key in it.', 253, dataKey),
      }),
    ),
    protocol: Type.Optional(
      oneOf("How requests are written. Omitted: that of the ModelDeployment's runtime; V2 for the others.", loadProtocols),
    ),
  },
);

export const payloadSchema = object('What is sent. Omitted: made from the signature that the server tells, with random values.', {
  json: Type.Optional(
    text('One request as JSON, with "instances" (V1) or "inputs" (V2); it is scaled to each batch size.', 65_536, { minLength: 2 }),
  ),
  configMapKeyRef: Type.Optional(
    object('The same from a ConfigMap of this namespace.', {
      name: text('Name of the ConfigMap.', 253, objectName),
      key: text('Key in it.', 253, dataKey),
    }),
  ),
  fromSignature: Type.Optional(boolean('Make it from the signature that the server tells.')),
});
