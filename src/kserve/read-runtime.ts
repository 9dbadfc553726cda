import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { ComponentView } from './newest.ts';
import type { Observation } from './observation.ts';
import { chooseServer } from './server.ts';
import type { RuntimeInUse } from './serving.ts';

const serverContainers = ['kserve-container', 'kfserving-container'];

/** The server in use: which runtime, the image its newest pods run, and what decided it. */
export function readRuntime({ deployment, dialect, inferenceService }: Observation, predictor: ComponentView | undefined): RuntimeInUse {
  const status = inferenceService?.status;
  const server = chooseServer(deployment, dialect);
  const own = status?.servingRuntimeName;
  const name = own ?? status?.clusterServingRuntimeName ?? (dialect.features.predictorModel ? server.runtimeName : undefined);
  const { image, digest } = imageInUse(predictor);
  return {
    ...(name !== undefined && { name }),
    ...(image !== undefined && { image }),
    ...(digest !== undefined && { digest }),
    managedVia: managedVia(deployment, dialect.features.predictorModel, own),
    protocol: server.protocol,
  };
}

function managedVia(
  { spec }: ModelDeployment,
  hasRuntimes: boolean,
  servingRuntime: string | undefined,
): NonNullable<RuntimeInUse['managedVia']> {
  if (spec.runtime.version !== undefined) return 'InferenceService';
  if (!hasRuntimes) return 'ConfigMap';
  return servingRuntime === undefined ? 'ClusterServingRuntime' : 'ServingRuntime';
}

function imageInUse(predictor: ComponentView | undefined): { image?: string; digest?: string } {
  for (const { spec, status } of predictor?.newest ?? []) {
    const container = spec?.containers?.find(({ name }) => serverContainers.includes(name ?? ''));
    const running = status?.containerStatuses?.find(({ name }) => serverContainers.includes(name ?? ''));
    const image = container?.image ?? running?.image;
    // An ID without a repository is the digest of the image's configuration, which no registry knows.
    const digest = digestIn(running?.imageID) ?? digestIn(image);
    if (image !== undefined) return { image, ...(digest !== undefined && { digest }) };
  }
  // A Revision without a pod keeps the digest that its tag was resolved to.
  const resolved = predictor?.revision?.status?.containerStatuses?.find(({ name }) => serverContainers.includes(name ?? ''))?.imageDigest;
  const digest = digestIn(resolved);
  return resolved === undefined ? {} : { image: resolved, ...(digest !== undefined && { digest }) };
}

function digestIn(image: string | undefined): string | undefined {
  return /@(sha256:[a-f0-9]{64})$/.exec(image ?? '')?.[1];
}
