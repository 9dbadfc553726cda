import type { Protocol, RuntimeType } from '../api/model-deployment/runtime.ts';

/** One server image as KServe ships it, chosen by protocol and version. */
export interface ServerChoice {
  /** Name of KServe's ClusterServingRuntime. */
  readonly name: string;
  /** Image repository, as KServe's own configuration writes it. */
  readonly repository: string;
  /** Default tag by KServe minor version, newest first: the first entry whose `since` is not newer applies. */
  readonly tags: readonly { readonly since: number; readonly tag: string }[];
  /** Protocols by KServe minor version, newest first. Minor 6 is KFServing 0.6. */
  readonly protocols: readonly { readonly since: number; readonly protocols: readonly Protocol[] }[];
}

/** Everything the product knows about one `spec.runtime.type`. */
export interface Runtime {
  readonly type: RuntimeType;
  /** `predictor.model.modelFormat.name`. */
  readonly modelFormat: string;
  /** Key below `predictor` before KServe 0.8. */
  readonly predictorKey: string;
  /** Where gRPC listens, for runtimes that offer it. */
  readonly grpcPort?: number;
  /** The servers, in the order of preference: the first that speaks the protocol is taken. */
  readonly servers: readonly ServerChoice[];
  /** CPU and GPU builds are told apart by a `-gpu` suffix of the tag. */
  readonly gpuTag: boolean;
  /** What the server calls the model: the InferenceService's name, or the one inside the package. */
  readonly modelName: 'InferenceService' | 'Package';
}

/** `latest` in KServe's development tree is the release's own tag in a release: `v0.20.0`. */
const ownRelease = [{ since: 6, tag: 'v{release}' }] as const;

export const runtimeTable: Readonly<Record<RuntimeType, Runtime>> = {
  TFServing: {
    type: 'TFServing',
    modelFormat: 'tensorflow',
    predictorKey: 'tensorflow',
    grpcPort: 9000,
    servers: [
      {
        name: 'kserve-tensorflow-serving',
        repository: 'tensorflow/serving',
        tags: [
          { since: 8, tag: '2.6.2' },
          { since: 6, tag: '1.14.0' },
        ],
        protocols: [{ since: 6, protocols: ['V1', 'GRPCV1'] }],
      },
    ],
    gpuTag: true,
    modelName: 'InferenceService',
  },
  TorchServe: {
    type: 'TorchServe',
    modelFormat: 'pytorch',
    predictorKey: 'pytorch',
    grpcPort: 7070,
    servers: [
      {
        name: 'kserve-torchserve',
        repository: 'pytorch/torchserve-kfs',
        tags: [
          { since: 12, tag: '0.9.0' },
          { since: 11, tag: '0.8.2' },
          { since: 10, tag: '0.7.0' },
          { since: 9, tag: '0.6.0' },
          { since: 8, tag: '0.5.3' },
          { since: 7, tag: '0.4.1' },
          { since: 6, tag: '0.4.0' },
        ],
        protocols: [
          { since: 12, protocols: ['V1', 'V2', 'GRPCV2'] },
          { since: 8, protocols: ['V1', 'V2'] },
          { since: 6, protocols: ['V1'] },
        ],
      },
    ],
    gpuTag: true,
    modelName: 'Package',
  },
  Triton: {
    type: 'Triton',
    modelFormat: 'triton',
    predictorKey: 'triton',
    grpcPort: 9000,
    servers: [
      {
        name: 'kserve-tritonserver',
        repository: 'nvcr.io/nvidia/tritonserver',
        tags: [
          { since: 11, tag: '23.05-py3' },
          { since: 7, tag: '21.09-py3' },
          { since: 6, tag: '20.08-py3' },
        ],
        protocols: [{ since: 6, protocols: ['V2', 'GRPCV2'] }],
      },
    ],
    gpuTag: false,
    modelName: 'Package',
  },
  SKLearn: kserveServer('SKLearn', 'sklearn', 'kserve-sklearnserver', 'kserve/sklearnserver', 6),
  XGBoost: kserveServer('XGBoost', 'xgboost', 'kserve-xgbserver', 'kserve/xgbserver', 6),
  LightGBM: kserveServer('LightGBM', 'lightgbm', 'kserve-lgbserver', 'kserve/lgbserver', 8),
};

/** KServe's own servers; where they speak V1 only (before 0.11), MLServer takes V2. */
function kserveServer(type: RuntimeType, modelFormat: string, name: string, repository: string, mlserverSince: number): Runtime {
  return {
    type,
    modelFormat,
    predictorKey: modelFormat,
    servers: [
      {
        name,
        repository,
        tags: ownRelease,
        protocols: [
          { since: 11, protocols: ['V1', 'V2'] },
          { since: 6, protocols: ['V1'] },
        ],
      },
      {
        name: 'kserve-mlserver',
        repository: 'docker.io/seldonio/mlserver',
        tags: [
          { since: 20, tag: '1.7.1' },
          { since: 13, tag: '1.5.0' },
          { since: 11, tag: '1.3.2' },
          { since: 8, tag: '1.0.0' },
          { since: 6, tag: '0.2.1' },
        ],
        protocols: [{ since: mlserverSince, protocols: ['V2'] }],
      },
    ],
    gpuTag: false,
    modelName: 'InferenceService',
  };
}

/** KServe's spelling of a protocol. */
export const protocolVersion: Readonly<Record<Protocol, string>> = { V1: 'v1', V2: 'v2', GRPCV1: 'grpc-v1', GRPCV2: 'grpc-v2' };
