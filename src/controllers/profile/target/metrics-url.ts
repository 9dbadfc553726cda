import type { RuntimeType } from '../../../api/model-deployment/runtime.ts';
import type { LoadProtocol } from '../../../api/model-profile/target.ts';
import type { ReadyTarget, TargetPod } from './target.ts';

/** Ports of the servers as KServe runs them (`prometheus.kserve.io/port` of its ClusterServingRuntimes). */
const metricsPorts: Readonly<Partial<Record<RuntimeType, number>>> = { Triton: 8002, TorchServe: 8082 };
const tritonHttpPort = 8080;

/**
 * Where the server tells about itself. Its Service has no port for that, so it is a pod's own address: of the only pod, or of the first
 * of several, whose averages stand for all. Asked through the Service, several pods would answer in turn, and their counters jump.
 */
export function metricsOf(
  runtime: RuntimeType | undefined,
  protocol: LoadProtocol,
  pods: readonly TargetPod[],
): Pick<ReadyTarget, 'metricsUrl' | 'statsUrl'> {
  const ready = pods.filter((pod) => pod.ready && pod.ip !== undefined);
  const [first] = ready;
  if (first?.ip === undefined || runtime === undefined) return {};
  const host = first.ip.includes(':') ? `[${first.ip}]` : first.ip;
  const port = metricsPorts[runtime];
  const needsStats = runtime === 'Triton' && (protocol === 'GRPCV2' || ready.length > 1);
  return {
    ...(port !== undefined && { metricsUrl: `http://${host}:${port}/metrics` }),
    ...(needsStats && { statsUrl: `http://${host}:${tritonHttpPort}` }),
  };
}
