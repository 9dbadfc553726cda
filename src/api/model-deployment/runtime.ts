/** `spec.runtime`: which model server, which version of it, and how it is spoken to. */
import { object, oneOf, Type, text } from '../schema.ts';

export const runtimeTypes = ['TFServing', 'TorchServe', 'Triton', 'SKLearn', 'XGBoost', 'LightGBM'] as const;
export type RuntimeType = (typeof runtimeTypes)[number];

export const protocols = ['V1', 'V2', 'GRPCV1', 'GRPCV2'] as const;
export type Protocol = (typeof protocols)[number];

export const runtimeSchema = object('The model server.', {
  type: oneOf('The kind of model server.', runtimeTypes),
  version: Type.Optional(
    text(
      'Tag or digest (sha256:…) of the runtime image. Omitted: the default of the cluster. For a GPU, TFServing and TorchServe tags end in -gpu.',
      135,
      { pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[a-f0-9]{64})$' },
    ),
  ),
  protocol: Type.Optional(
    oneOf(
      'Inference protocol. V1 is the TensorFlow Serving REST form, V2 the Open Inference Protocol; GRPCV1 and GRPCV2 are their gRPC forms. Omitted: V2 on Triton, else V1.',
      protocols,
    ),
  ),
});

/** Protocols each runtime speaks on current KServe, the default first. Source: supported protocols of KServe 0.20's ClusterServingRuntimes. */
export const protocolsOf: Readonly<Record<RuntimeType, readonly [Protocol, ...Protocol[]]>> = {
  TFServing: ['V1', 'GRPCV1'],
  TorchServe: ['V1', 'V2', 'GRPCV2'],
  Triton: ['V2', 'GRPCV2'],
  SKLearn: ['V1', 'V2'],
  XGBoost: ['V1', 'V2'],
  LightGBM: ['V1', 'V2'],
};

/** Runtimes whose CPU and GPU builds are told apart by a `-gpu` suffix of the image tag. */
export const gpuTaggedRuntimes: readonly RuntimeType[] = ['TFServing', 'TorchServe'];

/** Runtimes that name the model after the InferenceService (`--model_name={{.Name}}`), so `spec.model.name` cannot differ. */
export const runtimesNamedByService: readonly RuntimeType[] = ['TFServing', 'SKLearn', 'XGBoost', 'LightGBM'];
