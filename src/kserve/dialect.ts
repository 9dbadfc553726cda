import { isAtLeast, type KServeVersion, parseKServeVersion, printVersion } from '../models/kserve-version.ts';
import { type ClusterFacts, type ServingRuntimeObject, serves } from './facts.ts';
import type { PlatformRuntimes } from './platform/assignment.ts';
import { type PredictorImages, parsePredictorImages } from './predictor-images.ts';

export type ServingGroup = 'serving.kserve.io' | 'serving.kubeflow.org';

/** What this KServe can be told. Each is a fact about a field or an annotation, not a version number, so that callers need no table. */
export interface Features {
  /** `predictor.model{modelFormat}` and ServingRuntimes (KServe ≥ 0.8); otherwise one key per server. */
  readonly predictorModel: boolean;
  /** Standard mode exists (KServe ≥ 0.7). */
  readonly standardMode: boolean;
  /** How the `deploymentMode` annotation is spelled: `Standard`/`Knative` from 0.16 on. */
  readonly modeNames: 'Standard/Knative' | 'RawDeployment/Serverless' | 'None';
  /** `predictor.scaleTarget` and `scaleMetric`; before, autoscaler annotations on the metadata (KServe ≥ 0.9). */
  readonly scaleMetric: boolean;
  /** `predictor.labels` and `predictor.annotations` (KServe ≥ 0.11). */
  readonly podMetadata: boolean;
  /** `predictor.deploymentStrategy` (KServe ≥ 0.13). */
  readonly deploymentStrategy: boolean;
  /** Annotation `serving.kserve.io/stop` in both modes (KServe ≥ 0.16; 0.15 heeds it on Knative only). Before, suspending means deleting. */
  readonly stopAnnotation: boolean;
  /** `status.deploymentMode` (KServe ≥ 0.15). */
  readonly statusDeploymentMode: boolean;
  /** `status.clusterServingRuntimeName` (KServe ≥ 0.16). */
  readonly statusRuntimeName: boolean;
  /** `predictor.storageUris` (KServe ≥ 0.16). */
  readonly storageUris: boolean;
  /** `predictor.storageContainerName` (KServe ≥ 0.20). */
  readonly storageContainerName: boolean;
  /** `status.modelStatus` (KServe ≥ 0.8). */
  readonly modelStatus: boolean;
  /** KServe appends `-gpu` to the default tag by itself (KServe ≥ 0.10). */
  readonly appendsGpuTag: boolean;
  /** An image given by digest is left alone (read in 0.20; 0.10 to 0.15 append `-gpu` to it). */
  readonly keepsDigest: boolean;
}

/** How the installed KServe is spoken to. */
export interface Dialect {
  readonly kind: 'Found';
  readonly group: ServingGroup;
  readonly apiVersion: `${ServingGroup}/v1beta1`;
  /** The version that the rules are taken from. Where no image told it, the oldest one that has all fields that were seen. */
  readonly version: KServeVersion;
  /** The exact release, where the controller's image tells it: `0.20.0`. */
  readonly release?: string;
  readonly versionFrom: 'Image' | 'Schema' | 'Given';
  readonly features: Features;
  /** Modes that what is installed can carry, the better default first. */
  readonly modes: readonly ('Standard' | 'Knative')[];
  /** ClusterServingRuntimes that are there; undefined where they could not be read, or there is no such thing. */
  readonly runtimes?: readonly ServingRuntimeObject[];
  /** Images that the ConfigMap's `predictors` gives (KServe ≤ 0.7). */
  readonly predictorImages?: PredictorImages;
  /** What the ServingPlatform gives the model at hand for its runtime. */
  readonly platformRuntimes?: PlatformRuntimes;
  /** There is a ClusterStorageContainer of ours. */
  readonly hasStorageContainer?: boolean;
}

/** No serving layer that could be spoken to. */
export interface Missing {
  readonly kind: 'Missing';
  readonly reason: 'KServeMissing' | 'VersionNotServed' | 'KnativeMissing';
  readonly message: string;
}

/** Every feature of a KServe version, from its own CRDs and code (read at 0.7.0, 0.9.0, 0.11.2, 0.15.2, 0.20.0 and the release notes between). */
export function featuresOf(version: KServeVersion): Features {
  const from = (minor: number) => isAtLeast(version, 0, minor);
  return {
    predictorModel: from(8),
    standardMode: from(7),
    modeNames: from(16) ? 'Standard/Knative' : from(7) ? 'RawDeployment/Serverless' : 'None',
    scaleMetric: from(9),
    podMetadata: from(11),
    deploymentStrategy: from(13),
    stopAnnotation: from(16),
    statusDeploymentMode: from(15),
    statusRuntimeName: from(16),
    storageUris: from(16),
    storageContainerName: from(20),
    modelStatus: from(8),
    appendsGpuTag: from(10),
    keepsDigest: from(20),
  };
}

/** The dialect of a version as it ships, for rendering without a cluster. */
export function dialectOf(version: KServeVersion, options: { readonly knative?: boolean } = {}): Dialect {
  const group = version === 'kfserving-0.6' ? 'serving.kubeflow.org' : 'serving.kserve.io';
  const features = featuresOf(version);
  const modes: ('Standard' | 'Knative')[] = features.standardMode ? ['Standard'] : [];
  if (options.knative !== false) modes.push('Knative');
  return { kind: 'Found', group, apiVersion: `${group}/v1beta1`, version, versionFrom: 'Given', features, modes };
}

/**
 * How to speak to what is installed, or why that is not possible. KServe is preferred where KFServing's API is served as well, as it is
 * after a migration.
 */
export function detectDialect(facts: ClusterFacts): Dialect | Missing {
  const knative = serves(facts, 'serving.knative.dev', 'services');
  if (serves(facts, 'serving.kserve.io', 'inferenceservices', 'v1beta1')) {
    const { version, release, from } = kserveVersionOf(facts);
    const found = dialectOf(version, { knative });
    const predictorImages = found.features.predictorModel ? undefined : parsePredictorImages(facts.inferenceServiceConfig?.data ?? {});
    return {
      ...found,
      versionFrom: from,
      features: withSeenFields(found.features, facts),
      ...(release !== undefined && { release }),
      ...(found.features.predictorModel && facts.clusterServingRuntimes !== undefined && { runtimes: facts.clusterServingRuntimes }),
      ...(predictorImages !== undefined && { predictorImages }),
    };
  }
  if (serves(facts, 'serving.kubeflow.org', 'inferenceservices', 'v1beta1')) {
    if (!knative) {
      return {
        kind: 'Missing',
        reason: 'KnativeMissing',
        message: 'KFServing 0.6 is installed without Knative Serving, which it needs; install Knative Serving, or KServe in its place',
      };
    }
    const release = releaseOf(facts.controllerImage);
    const predictorImages = parsePredictorImages(facts.inferenceServiceConfig?.data ?? {});
    return {
      ...dialectOf('kfserving-0.6'),
      versionFrom: release === undefined ? 'Schema' : 'Image',
      ...(release !== undefined && { release }),
      ...(predictorImages !== undefined && { predictorImages }),
    };
  }
  const other = facts.resources.find(
    ({ group, resource }) => resource === 'inferenceservices' && /^serving\.(kserve\.io|kubeflow\.org)$/.test(group),
  );
  if (other !== undefined) {
    return {
      kind: 'Missing',
      reason: 'VersionNotServed',
      message: `InferenceService is served as ${other.group}/${other.version} only, and v1beta1 is needed; install KServe 0.7 or newer`,
    };
  }
  return {
    kind: 'Missing',
    reason: 'KServeMissing',
    message: 'KServe is not installed: the API server has no InferenceService; install KServe, and work resumes by itself',
  };
}

/** `kserve/kserve-controller:v0.15.2` says 0.15.2; a digest or a word such as `latest` says nothing. */
function releaseOf(image: string | undefined): string | undefined {
  return /:v?(\d+\.\d+\.\d+(?:-[\w.]+)?)(?:@.*)?$/.exec(image ?? '')?.[1];
}

function kserveVersionOf(facts: ClusterFacts): { version: KServeVersion; release?: string; from: 'Image' | 'Schema' } {
  const release = releaseOf(facts.controllerImage);
  const version = release === undefined ? undefined : parseKServeVersion(release);
  if (release !== undefined && version !== undefined && version !== 'kfserving-0.6') return { version, release, from: 'Image' };
  return { version: { major: 0, minor: minorFromSchema(facts) }, from: 'Schema' };
}

/** The oldest KServe in which everything that is seen exists. */
function minorFromSchema(facts: ClusterFacts): number {
  const fields = new Set(facts.inferenceServiceFields ?? []);
  const seen = (minor: number, ...signs: boolean[]) => (signs.some(Boolean) ? minor : 0);
  const served = (resource: string) => serves(facts, 'serving.kserve.io', resource);
  return Math.max(
    7,
    seen(8, fields.has('spec.predictor.model'), served('clusterservingruntimes'), served('servingruntimes')),
    seen(9, fields.has('spec.predictor.scaleTarget'), served('inferencegraphs')),
    seen(11, fields.has('spec.predictor.labels'), served('clusterstoragecontainers')),
    seen(13, fields.has('spec.predictor.deploymentStrategy')),
    seen(14, fields.has('spec.predictor.workerSpec'), served('localmodelcaches'), served('localmodelnodegroups')),
    seen(15, fields.has('spec.predictor.autoScaling'), fields.has('status.deploymentMode'), served('localmodelnodes')),
    seen(16, fields.has('spec.predictor.storageUris'), fields.has('status.clusterServingRuntimeName'), served('llminferenceservices')),
    seen(20, fields.has('spec.canary'), fields.has('spec.predictor.storageContainerName')),
  );
}

/**
 * A CRD that has a schema is the last word on fields: an API server prunes what the schema lacks, whatever the controller could do.
 * Only fields are corrected, since annotations are in no schema.
 */
function withSeenFields(features: Features, facts: ClusterFacts): Features {
  const fields = facts.inferenceServiceFields ?? [];
  if (fields.length === 0) return features;
  const has = (path: string) => fields.includes(path);
  return {
    ...features,
    predictorModel: features.predictorModel && has('spec.predictor.model'),
    scaleMetric: features.scaleMetric && has('spec.predictor.scaleTarget'),
    podMetadata: features.podMetadata && has('spec.predictor.labels'),
    deploymentStrategy: features.deploymentStrategy && has('spec.predictor.deploymentStrategy'),
    storageUris: features.storageUris && has('spec.predictor.storageUris'),
    storageContainerName: features.storageContainerName && has('spec.predictor.storageContainerName'),
  };
}

/** For people: `KServe 0.20.0`, `KServe 0.15 or newer`, `KFServing 0.6`. */
export function describeDialect(dialect: Dialect): string {
  const product = dialect.group === 'serving.kubeflow.org' ? 'KFServing' : 'KServe';
  if (dialect.release !== undefined) return `${product} ${dialect.release}`;
  return dialect.versionFrom === 'Schema' && dialect.version !== 'kfserving-0.6'
    ? `${printVersion(dialect.version)} or newer`
    : printVersion(dialect.version);
}
