import { Counter } from 'prom-client';
import { registry } from '../../../telemetry/registry.ts';
import { turnOf } from './events.ts';

const applications = new Counter({
  name: 'modelwright_profile_applications_total',
  help: 'Number of times that it was decided whether the best setting of a ModelProfile is applied, by the reason of condition Applied.',
  labelNames: ['outcome'] as const,
  registers: [registry],
});

/** Counts each turn of condition Applied once, as it is told. */
export function countApplication(...turn: Parameters<typeof turnOf>): void {
  const turned = turnOf(...turn);
  if (turned !== undefined) applications.inc({ outcome: turned.reason });
}
