import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import { type Dialect, describeDialect } from './dialect.ts';
import { blocking, type Problem } from './problem.ts';

/**
 * Fields that the mode in use cannot honour. Where `spec.deploymentMode` names the mode, the API server has refused them at apply; here
 * the mode came from a default that the object does not know.
 */
export function judgeMode({ spec }: ModelDeployment, mode: DeploymentMode, dialect: Dialect): Problem[] {
  const problems = spec.deploymentMode === undefined ? conflicts(spec, mode) : [];
  if (mode === 'Standard' && spec.scaling?.metric === 'Memory' && !dialect.features.scaleMetric) {
    problems.push(
      blocking(
        'Platform',
        'FieldNotSupported',
        `spec.scaling.metric: ${describeDialect(dialect)} scales by CPU only; use CPU, or a KServe from 0.9 on`,
      ),
    );
  }
  return problems;
}

function conflicts({ scaling, rollout }: ModelDeployment['spec'], mode: DeploymentMode): Problem[] {
  const found: string[] = [];
  const metric = scaling?.metric;
  if (mode === 'Standard') {
    if (metric === 'Concurrency' || metric === 'RPS') found.push(`spec.scaling.metric: ${metric} needs Knative mode; use CPU or Memory`);
    if (scaling?.minReplicas === 0) {
      found.push('spec.scaling.minReplicas: 0 (scale to zero) needs Knative mode; use at least 1, or spec.suspend to stop the model');
    }
    if (scaling?.containerConcurrency !== undefined) {
      found.push('spec.scaling.containerConcurrency has an effect in Knative mode only; leave it out');
    }
    if (rollout?.canaryTrafficPercent !== undefined) {
      found.push('spec.rollout.canaryTrafficPercent needs Knative mode, since KServe ignores it elsewhere; leave it out');
    }
  } else if (metric === 'CPU' || metric === 'Memory') {
    found.push(`spec.scaling.metric: ${metric} needs Standard mode; use Concurrency or RPS`);
  }
  const other = mode === 'Standard' ? 'Knative' : 'Standard';
  return found.map((text) =>
    blocking(
      'Validation',
      'ModeConflict',
      `${text}. The mode is ${mode}, the default here; for the other one create a new ModelDeployment with spec.deploymentMode: ${other}`,
    ),
  );
}
