import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import { newestKServe } from '../models/kserve-version.ts';
import { lintInferenceServiceName } from '../models/names.ts';
import { lintStorageUri } from '../models/storage-uri-lint.ts';
import type { Dialect } from './dialect.ts';
import type { ClusterFacts } from './facts.ts';
import { judgeKnativeFlags } from './judge-knative.ts';
import { judgeMode } from './judge-mode.ts';
import { judgeServer } from './judge-server.ts';
import { givenLocation, isFetchedByUs, type ModelLocation } from './model-location.ts';
import { allowsImage, allowsRuntimeImage, allowsServiceAccount, allowsStorageUri, type Policy } from './policy.ts';
import { blocking, type Problem, warning } from './problem.ts';
import { chooseServer } from './server.ts';

export interface JudgeContext {
  readonly dialect: Dialect;
  readonly mode: DeploymentMode;
  /** Knative's feature flags and KServe's domain template are read from here; without them nothing is said about either. */
  readonly facts?: ClusterFacts;
  readonly policy: Policy;
  /** Where the model lies; absent: where `spec.source.storageUri` says. */
  readonly location?: ModelLocation;
}

/**
 * Everything that the API server cannot judge at apply, because it depends on what is installed, on the mode that is in use by default,
 * or on the platform's policy. Blocking problems come first; in the order of the spec otherwise.
 */
export function judge(deployment: ModelDeployment, context: JudgeContext): Problem[] {
  const { dialect, mode, facts, policy } = context;
  const location = context.location ?? givenLocation(deployment);
  const problems = [
    ...judgeName(deployment, mode, dialect, facts),
    ...judgeServer(deployment, dialect),
    ...judgeMode(deployment, mode, dialect),
    ...(location === undefined ? [] : judgeStorage(location, dialect)),
    ...(mode === 'Knative' ? judgeKnativeFlags(deployment, facts?.knative?.configFeatures) : []),
    ...judgePolicy(deployment, policy, dialect),
  ];
  return problems.toSorted((a, b) => Number(b.blocking) - Number(a.blocking));
}

function judgeName({ metadata }: ModelDeployment, mode: DeploymentMode, dialect: Dialect, facts: ClusterFacts | undefined): Problem[] {
  const found = lintInferenceServiceName(metadata.name, dialect.version, mode).map(({ sentence, fix }) =>
    blocking('Validation', 'NameNotUsable', `metadata.name: ${sentence} ${fix}`),
  );
  const label = hostLabel(metadata.name, metadata.namespace ?? 'default', facts);
  if (found.length > 0 || label === undefined || label.length <= maxLabelLength) return found;
  return [
    blocking(
      'Validation',
      'NameNotUsable',
      `metadata.name: with its namespace it makes the host name part "${label}" of ${label.length} characters, and ${maxLabelLength} are allowed; use a name that is ${label.length - maxLabelLength} shorter, or a shorter namespace`,
    ),
  ];
}

const maxLabelLength = 63;
/** What KServe uses where its ConfigMap says nothing (configmap.go, DefaultDomainTemplate). */
const defaultDomainTemplate = '{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}';

/** The part of the external host that holds the name, by KServe's domain template. */
function hostLabel(name: string, namespace: string, facts: ClusterFacts | undefined): string | undefined {
  const labels = domainTemplateOf(facts)
    .replaceAll(/\{\{\s*\.Name\s*\}\}/g, name)
    .replaceAll(/\{\{\s*\.Namespace\s*\}\}/g, namespace)
    .replaceAll(/\{\{[^}]*\}\}/g, 'x')
    .split('.');
  return labels.find((part) => part.includes(name));
}

function domainTemplateOf(facts: ClusterFacts | undefined): string {
  try {
    const ingress = JSON.parse(facts?.inferenceServiceConfig?.data['ingress'] ?? '{}') as { domainTemplate?: unknown } | null;
    const template = ingress?.domainTemplate;
    return typeof template === 'string' && template !== '' ? template : defaultDomainTemplate;
  } catch {
    return defaultDomainTemplate;
  }
}

/**
 * The storageUri as the installed KServe reads it. Where only a lower bound of its version is known, what a newer one would accept does
 * not stop the deployment.
 */
function judgeStorage(location: ModelLocation, dialect: Dialect): Problem[] {
  const { storageUri, secretName } = location;
  const context = {
    path: 'spec.source.storageUri',
    modelwrightFetch: isFetchedByUs(location, dialect),
    ...(secretName !== undefined && { isPrivate: true }),
  };
  const certain = dialect.versionFrom !== 'Schema';
  const newest = new Set(lintStorageUri(storageUri, newestKServe, context).map(({ code, severity }) => `${severity} ${code}`));
  return lintStorageUri(storageUri, dialect.version, context).flatMap(({ code, severity, sentence, fix }) => {
    if (severity === 'info') return [];
    const message = `spec.source.storageUri: ${sentence} ${fix} (${code})`;
    const sure = severity === 'error' && (certain || newest.has(`error ${code}`));
    return sure ? [blocking('Validation', 'StorageUriNotUsable', message)] : [warning('Validation', 'StorageUriDoubtful', message)];
  });
}

function judgePolicy(deployment: ModelDeployment, policy: Policy, dialect: Dialect): Problem[] {
  const { spec } = deployment;
  const problems = [...judgeRuntimeImage(deployment, policy, dialect)];
  if (spec.source.storageUri !== undefined && !allowsStorageUri(policy, spec.source.storageUri)) {
    problems.push(
      blocking(
        'Validation',
        'SourceHostNotAllowed',
        'spec.source.storageUri: the cluster policy does not allow models from this host; use an allowed one, or ask an administrator to add it to spec.policy.sourceHosts of the ServingPlatform',
      ),
    );
  }
  if (spec.serviceAccountName !== undefined && !allowsServiceAccount(policy, spec.serviceAccountName)) {
    problems.push(
      blocking(
        'Validation',
        'ServiceAccountNotAllowed',
        `spec.serviceAccountName: the cluster policy does not allow "${spec.serviceAccountName}"; leave the field out, or ask an administrator to add it to the allowed service accounts`,
      ),
    );
  }
  if (spec.transformer !== undefined && !allowsImage(policy, spec.transformer.image)) {
    problems.push(
      blocking(
        'Validation',
        'ImageNotAllowed',
        `spec.transformer.image: the cluster policy does not allow images from there ("${spec.transformer.image}"); use an allowed registry, or ask an administrator to add it`,
      ),
    );
  }
  return problems;
}

/** Where KServe chooses the runtime, its image is not known here. */
function judgeRuntimeImage(deployment: ModelDeployment, policy: Policy, dialect: Dialect): Problem[] {
  const image = chooseServer(deployment, dialect).defaultImage?.repository;
  if (image === undefined || allowsRuntimeImage(policy, image)) return [];
  return [
    blocking(
      'Validation',
      'RuntimeImageNotAllowed',
      `spec.runtime: the cluster policy does not allow model servers from ${image}; use another runtime, or ask an administrator to declare an allowed image for ${deployment.spec.runtime.type} in the ServingPlatform`,
    ),
  ];
}

export type { Problem };
