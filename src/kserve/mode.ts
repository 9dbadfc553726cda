import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import type { Dialect } from './dialect.ts';
import type { ClusterFacts } from './facts.ts';

/** The mode to serve in and who decided it, or why none can be had. */
export type ModeDecision =
  | { readonly kind: 'Resolved'; readonly mode: DeploymentMode; readonly from: 'Spec' | 'Status' | 'ConfigMap' | 'Installed' }
  | { readonly kind: 'Unavailable'; readonly reason: 'ModeUnavailable'; readonly message: string };

/**
 * The deployment mode of a ModelDeployment: the one that its author asked for, else the one fixed at creation (`status.deploymentMode`),
 * else KServe's configured default where what is installed can carry it, else what is installed.
 *
 * A spec that names a mode which cannot be had is refused and never moved to the other mode: KServe cannot switch a service later.
 */
export function resolveMode(deployment: ModelDeployment, facts: ClusterFacts, dialect: Dialect): ModeDecision {
  const asked = deployment.spec.deploymentMode;
  if (asked !== undefined) return carried(asked, 'Spec', 'spec.deploymentMode', dialect);
  const fixed = deployment.status?.deploymentMode;
  if (fixed !== undefined) return carried(fixed, 'Status', 'status.deploymentMode', dialect);
  const configured = parseMode(defaultModeOf(facts));
  if (configured !== undefined && dialect.modes.includes(configured)) return { kind: 'Resolved', mode: configured, from: 'ConfigMap' };
  const installed = dialect.modes[0];
  return installed === undefined
    ? unavailable(
        'No deployment mode can be had: neither the Standard mode of KServe nor Knative Serving is there; install Knative Serving',
      )
    : { kind: 'Resolved', mode: installed, from: 'Installed' };
}

/** Reads a mode in any KServe's spelling (`RawDeployment`, `Serverless`); undefined for an empty one, ModelMesh and anything else. */
export function parseMode(text: string | undefined): DeploymentMode | undefined {
  switch (text?.toLowerCase()) {
    case 'standard':
    case 'rawdeployment':
      return 'Standard';
    case 'knative':
    case 'serverless':
      return 'Knative';
    default:
      return undefined;
  }
}

/** A mode as the installed KServe spells it in its annotation; undefined where there is no such annotation. */
export function spellMode(mode: DeploymentMode, { features }: Dialect): string | undefined {
  switch (features.modeNames) {
    case 'Standard/Knative':
      return mode;
    case 'RawDeployment/Serverless':
      return mode === 'Standard' ? 'RawDeployment' : 'Serverless';
    case 'None':
      return undefined;
  }
}

function carried(mode: DeploymentMode, from: 'Spec' | 'Status', field: string, dialect: Dialect): ModeDecision {
  if (dialect.modes.includes(mode)) return { kind: 'Resolved', mode, from };
  return unavailable(
    mode === 'Knative'
      ? `${field} is Knative, and Knative Serving is not installed; install it, or use spec.deploymentMode: Standard in a new ModelDeployment`
      : `${field} is Standard, which KFServing 0.6 does not have; use spec.deploymentMode: Knative, or install KServe 0.7 or newer`,
  );
}

function defaultModeOf({ inferenceServiceConfig }: ClusterFacts): string | undefined {
  const deploy = inferenceServiceConfig?.data['deploy'];
  if (deploy === undefined) return undefined;
  try {
    const mode: unknown = (JSON.parse(deploy) as { defaultDeploymentMode?: unknown } | null)?.defaultDeploymentMode;
    return typeof mode === 'string' ? mode : undefined;
  } catch {
    return undefined;
  }
}

function unavailable(message: string): ModeDecision {
  return { kind: 'Unavailable', reason: 'ModeUnavailable', message };
}
