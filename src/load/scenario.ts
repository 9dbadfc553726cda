import type { Load } from './point.ts';
import { earlyStoppingEstimate, provesBound, queriesNeeded } from './statistics/early-stopping.ts';

/** MLPerf's four, as its inference rules describe them. */
export const scenarioNames = ['SingleStream', 'MultiStream', 'Server', 'Offline'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** The rules that make a scenario's result valid. The order is fixed: the compact form of a point counts by position. */
export const scenarioRules = [
  'minimum duration',
  'no errors',
  'minimum queries',
  'minimum samples',
  'early stopping',
  'p99 within the bound (early stopping)',
] as const;
export type ScenarioRuleName = (typeof scenarioRules)[number];

/** What the inference rules ask for where nothing else is said. */
export const scenarioDefaults = { minimumSeconds: 600, minimumQueries: 100, samples: 24_576, concurrency: 8 } as const;

/** MultiStream has eight samples in a query; the others start with one. */
export function scenarioBatchSize(name: ScenarioName): number {
  return name === 'MultiStream' ? 8 : 1;
}

export interface ScenarioOptions {
  readonly name: ScenarioName;
  /** Least duration, seconds; the rules ask for 600. */
  readonly minimumSeconds: number;
  /** Least queries; 100 outside submissions. */
  readonly minimumQueries: number;
  /** Offline: samples in all; the rules ask for 24,576. MultiStream: samples in a query, 8. */
  readonly samples: number;
  /** Server: the p99 bound and the offered queries per second. */
  readonly boundMicroseconds: number | null;
  readonly targetPerSecond: number | null;
}

export interface ScenarioRule {
  readonly rule: ScenarioRuleName;
  readonly met: boolean;
  readonly detail: string;
}

export interface ScenarioVerdict {
  readonly name: ScenarioName;
  readonly valid: boolean;
  /** SingleStream and MultiStream: the percentile's early-stopping estimate in microseconds; Server: completed queries per second; Offline: samples per second. */
  readonly metric: { readonly name: string; readonly value: number | null; readonly unit: 'microseconds' | 'per second' };
  readonly rules: readonly ScenarioRule[];
}

/** The rules that were not met, each with its figures; empty for a valid result. */
export function unmetRules({ rules }: ScenarioVerdict): string[] {
  return rules.filter(({ met }) => !met).map(({ rule, detail }) => `${rule}: ${detail}`);
}

/** How the scenario loads the server. Offline is sent as batches, all at once as far as `concurrency` slots go, until every sample is done. */
export function scenarioLoad(options: Pick<ScenarioOptions, 'name' | 'targetPerSecond'>, concurrency: number): Load {
  switch (options.name) {
    case 'SingleStream':
    case 'MultiStream':
      return { loop: 'closed', concurrency: 1 };
    case 'Server':
      return { loop: 'open', requestsPerSecond: options.targetPerSecond ?? 1, arrivals: 'poisson' };
    case 'Offline':
      return { loop: 'closed', concurrency };
  }
}

export interface ScenarioMeasurement {
  /** Sorted latencies of the successful queries, microseconds, from the scheduled time. */
  readonly sorted: ArrayLike<number>;
  readonly queries: number;
  readonly errors: number;
  readonly batchSize: number;
  /** First scheduled to last scheduled (Server) or last completed. */
  readonly seconds: number;
}

/** The scenario's result and every rule that makes it valid or not. Confidence is MLPerf's 99 %. */
export function judgeScenario(options: ScenarioOptions, measured: ScenarioMeasurement): ScenarioVerdict {
  const rules: ScenarioRule[] = [
    {
      rule: 'minimum duration',
      met: measured.seconds >= options.minimumSeconds,
      detail: `${measured.seconds.toFixed(1)} s of ${options.minimumSeconds} s${measured.seconds >= options.minimumSeconds ? '' : longer(options.name)}`,
    },
    { rule: 'no errors', met: measured.errors === 0, detail: `${measured.errors} of ${measured.queries} queries failed` },
  ];
  const minimumQueries = options.name === 'Offline' ? Math.ceil(options.samples / measured.batchSize) : options.minimumQueries;
  rules.push({
    rule: options.name === 'Offline' ? 'minimum samples' : 'minimum queries',
    met: measured.queries >= minimumQueries,
    detail: `${measured.queries} of ${minimumQueries} queries${options.name === 'Offline' ? ` of ${measured.batchSize} samples` : ''}`,
  });
  const metric = metricOf(options, measured, rules);
  return { name: options.name, valid: rules.every((rule) => rule.met), metric, rules };
}

/** Offline ends when its samples are done. */
function longer(name: ScenarioName): string {
  return name === 'Offline' ? ': more samples are needed' : ': measure longer';
}

function metricOf(options: ScenarioOptions, measured: ScenarioMeasurement, rules: ScenarioRule[]): ScenarioVerdict['metric'] {
  switch (options.name) {
    case 'SingleStream':
    case 'MultiStream': {
      const percentile = options.name === 'SingleStream' ? 0.9 : 0.99;
      const estimate = earlyStoppingEstimate(measured.sorted, percentile);
      const needed = queriesNeeded(percentile, 1);
      rules.push({
        rule: 'early stopping',
        met: estimate !== null,
        detail:
          estimate === null
            ? `${measured.queries} queries; an estimate of p${percentile * 100} needs ${needed}: measure longer`
            : `${estimate.discarded} largest of ${measured.queries} discarded`,
      });
      return { name: `p${percentile * 100} early-stopping estimate`, value: estimate?.value ?? null, unit: 'microseconds' };
    }
    case 'Server': {
      const bound = options.boundMicroseconds ?? Number.POSITIVE_INFINITY;
      let over = measured.errors;
      for (let i = 0; i < measured.sorted.length; i++) if ((measured.sorted[i] as number) > bound) over++;
      const proof = provesBound(measured.queries, over, 0.99);
      const hopeless = over / Math.max(1, measured.queries) >= 0.01;
      rules.push({
        rule: 'p99 within the bound (early stopping)',
        met: proof.met,
        detail: `${over} of ${proof.queries} queries above ${bound / 1000} ms; ${proof.needed} are needed for that many${proof.met ? '' : hopeless ? ': lower the target rate' : ': measure longer'}`,
      });
      return { name: 'scheduled queries', value: (measured.queries - 1) / measured.seconds, unit: 'per second' };
    }
    case 'Offline':
      return { name: 'samples', value: ((measured.queries - measured.errors) * measured.batchSize) / measured.seconds, unit: 'per second' };
  }
}
