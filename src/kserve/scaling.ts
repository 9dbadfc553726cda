import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import type { Dialect } from './dialect.ts';

export interface RenderedScaling {
  /** Fields of the component (`spec.predictor`). */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Annotations of the InferenceService, for a KServe without the fields. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** KServe's autoscaler has no memory target of its own, and without one it makes a HorizontalPodAutoscaler without a metric. */
const defaultMemoryTarget = 80;

/** How many copies and what adds more: HorizontalPodAutoscaler in Standard mode, Knative's pod autoscaler in Knative mode. */
export function renderScaling({ scaling }: ModelDeployment['spec'], mode: DeploymentMode, { features }: Dialect): RenderedScaling {
  const metric = scaling?.metric?.toLowerCase();
  const target = scaling?.target ?? (scaling?.metric === 'Memory' ? defaultMemoryTarget : undefined);
  const fields = {
    ...(scaling?.minReplicas !== undefined && { minReplicas: scaling.minReplicas }),
    ...(scaling?.maxReplicas !== undefined && { maxReplicas: scaling.maxReplicas }),
    ...(mode === 'Knative' && scaling?.containerConcurrency !== undefined && { containerConcurrency: scaling.containerConcurrency }),
    ...(features.scaleMetric && metric !== undefined && { scaleMetric: metric }),
    ...(features.scaleMetric && target !== undefined && { scaleTarget: target }),
  };
  if (features.scaleMetric || metric === undefined) return { fields, annotations: {} };
  return { fields, annotations: mode === 'Knative' ? knativeAnnotations(metric, target) : hpaAnnotations(target) };
}

function knativeAnnotations(metric: string, target: number | undefined): Record<string, string> {
  return {
    'autoscaling.knative.dev/metric': metric,
    ...(target !== undefined && { 'autoscaling.knative.dev/target': String(target) }),
  };
}

/** KServe 0.7 and 0.8 scale by CPU only. */
function hpaAnnotations(target: number | undefined): Record<string, string> {
  return target === undefined ? {} : { 'serving.kserve.io/targetUtilizationPercentage': String(target) };
}
