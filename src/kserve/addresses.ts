import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { Protocol } from '../api/model-deployment/runtime.ts';
import type { InferenceServiceObject } from './observation.ts';
import { runtimeTable } from './runtimes.ts';
import { protocolOf } from './server.ts';
import type { Addresses } from './serving.ts';

/** The name that requests call the model by. Servers that find it in the package have it from `spec.model.name`. */
export function modelNameOf({ metadata, spec }: ModelDeployment): string {
  return runtimeTable[spec.runtime.type].modelName === 'Package' ? (spec.model?.name ?? metadata.name) : metadata.name;
}

/** Where a prediction is asked for, below the base URL; undefined for gRPC, which has no path. */
export function predictPath(protocol: Protocol, modelName: string): string | undefined {
  switch (protocol) {
    case 'V1':
      return `/v1/models/${modelName}:predict`;
    case 'V2':
      return `/v2/models/${modelName}/infer`;
    default:
      return undefined;
  }
}

/** Both addresses of a service, as far as KServe has given them. */
export function addressesOf(deployment: ModelDeployment, { status }: InferenceServiceObject): Addresses {
  const path = predictPath(protocolOf(deployment), modelNameOf(deployment));
  const external = baseUrl(status?.url);
  const internal = baseUrl(status?.address?.url);
  const predict = (base: string) => (path === undefined ? {} : { predictUrl: base + path });
  return {
    ...(external && { external: { url: external, host: new URL(external).host, ...predict(external) } }),
    ...(internal && { internal: { url: internal, ...predict(internal) } }),
  };
}

/** A URL without the path of a protocol (KFServing 0.6 gives one) and without a slash at its end; a path of the ingress stays. */
function baseUrl(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  return url.replace(/\/v[12]\/models\/.*$/, '').replace(/\/+$/, '');
}
