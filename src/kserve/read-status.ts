import type { Observation } from './observation.ts';
import type { Serving } from './serving.ts';

/**
 * Reads an InferenceService together with everything below it and says in what state the declared model is. Pure: the same observation
 * gives the same answer, and log lines that would say more are asked for in `wantsLogsOf`.
 */
export function readServing(observation: Observation): Serving {
  const { inferenceService } = observation;
  const ready = inferenceService?.status?.conditions?.find(({ type }) => type === 'Ready');
  const state = inferenceService === undefined ? 'Unknown' : ready?.status === 'True' ? 'Ready' : 'Progressing';
  return {
    state,
    reason: state,
    message: ready?.message ?? '',
    loading: { state: 'Pending', ready: 0, total: 0, summary: '0/0' },
    addresses: {},
    runtime: {},
    previousServes: false,
    wantsLogsOf: [],
  };
}
