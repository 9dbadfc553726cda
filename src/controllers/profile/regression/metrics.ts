import { Gauge } from 'prom-client';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { Store } from '../../../kube/store.ts';
import { registry } from '../../../telemetry/registry.ts';

const verdicts = [
  { type: 'Regressed', name: 'modelwright_profile_regressed', help: '1 when the last run is worse than spec.baseline, 0 when it is not.' },
  { type: 'Stale', name: 'modelwright_profile_stale', help: '1 when what the results are of has changed since, 0 when it has not.' },
] as const;

/** What alert rules ask for, read from the store whenever the metrics are. A later store takes the place of an earlier one. */
export function exposeVerdicts(store: Store<ModelProfile>): void {
  for (const { type, name, help } of verdicts) {
    registry.removeSingleMetric(name);
    new Gauge({
      name,
      help,
      labelNames: ['namespace', 'profile'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { metadata, status } of store.list()) {
          const is = status?.conditions?.find((condition) => condition.type === type)?.status;
          if (is === 'True' || is === 'False')
            this.set({ namespace: metadata.namespace ?? '', profile: metadata.name }, is === 'True' ? 1 : 0);
        }
      },
    });
  }
}
