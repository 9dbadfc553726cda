import { Counter, Gauge } from 'prom-client';
import type { ModelProfile } from '../../api/model-profile/index.ts';
import type { Store } from '../../kube/store.ts';
import { registry } from '../../telemetry/registry.ts';

/**
 * Metrics of the profile controller. Those of results are of the best point of each profile, and go with the profile. Single points are in the
 * status: as series, those of a few hundred profiles would make every scrape ten megabytes (measured).
 */
const registers = [registry];

export const runsEnded = new Counter({
  name: 'modelwright_profile_runs_total',
  help: 'Number of runs that ended, by outcome: Complete, Cancelled, or the reason of a failure.',
  labelNames: ['outcome'] as const,
  registers,
});

export const messagesRefused = new Counter({
  name: 'modelwright_profile_messages_refused_total',
  help: 'Number of termination messages of load pods that were not taken.',
  registers,
});

const gauges = {
  profiles: { name: 'modelwright_profiles', help: 'Number of ModelProfiles, by the reason of their condition Ready.', labels: ['reason'] },
  waiting: { name: 'modelwright_profile_queue_length', help: 'Number of runs that wait for their turn.', labels: [] },
  bestLatency: {
    name: 'modelwright_profile_best_p99_seconds',
    help: 'p99 latency of the best point of the last run.',
    labels: ['namespace', 'profile'],
  },
  bestThroughput: {
    name: 'modelwright_profile_best_samples_per_second',
    help: 'Throughput of the best point of the last run.',
    labels: ['namespace', 'profile'],
  },
  bestGpu: {
    name: 'modelwright_profile_best_gpu_percent',
    help: 'GPU use of the best point of the last run, where it is known.',
    labels: ['namespace', 'profile'],
  },
  points: {
    name: 'modelwright_profile_points',
    help: 'Number of measured points of the last run, by whether they are valid.',
    labels: ['namespace', 'profile', 'valid'],
  },
  sloMet: {
    name: 'modelwright_profile_slo_met',
    help: '1 when a point keeps the objective, 0 when none does.',
    labels: ['namespace', 'profile'],
  },
  ended: {
    name: 'modelwright_profile_last_run_timestamp_seconds',
    help: 'When the last run ended, seconds since the epoch.',
    labels: ['namespace', 'profile'],
  },
} as const;

/** Reads the results from the store whenever the metrics are read, so that they can never disagree. A later store takes the place of an earlier one. */
export function exposeResults(store: Store<ModelProfile>): void {
  for (const [key, { name, help, labels }] of Object.entries(gauges)) {
    registry.removeSingleMetric(name);
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers,
      collect() {
        this.reset();
        if (key === 'waiting') this.set(store.list().filter(({ status }) => status?.progress?.queuePosition !== undefined).length);
        else for (const profile of store.list()) sample(key as keyof typeof gauges, profile as ModelProfile, this);
      },
    });
  }
}

function sample(key: keyof typeof gauges, { metadata, status }: ModelProfile, gauge: Gauge): void {
  const { namespace = '', name: profile } = metadata;
  const { best, run, results = [], conditions } = status ?? {};
  const of = { namespace, profile };
  const condition = (type: string) => conditions?.find((one) => one.type === type);
  switch (key) {
    case 'profiles':
      gauge.inc({ reason: condition('Ready')?.reason ?? 'Unknown' });
      break;
    case 'bestLatency':
      if (best !== undefined) gauge.set(of, best.p99Microseconds / 1e6);
      break;
    case 'bestThroughput':
      if (best !== undefined) gauge.set(of, Number(best.samplesPerSecond));
      break;
    case 'bestGpu':
      if (best?.gpuPercent !== undefined) gauge.set(of, Number(best.gpuPercent));
      break;
    case 'points': {
      const valid = results.filter((result) => result.valid).length;
      if (results.length === 0) break;
      gauge.set({ ...of, valid: 'true' }, valid);
      gauge.set({ ...of, valid: 'false' }, results.length - valid);
      break;
    }
    case 'sloMet': {
      const met = condition('SLOMet')?.status;
      if (met === 'True' || met === 'False') gauge.set(of, met === 'True' ? 1 : 0);
      break;
    }
    case 'ended':
      if (run?.completionTime !== undefined) gauge.set(of, Date.parse(run.completionTime) / 1000);
      break;
    case 'waiting':
      break;
  }
}
