/**
 * Why a measured point is not ranked. The list is closed and its order is fixed: the compact form of a point carries it as bits, so a new
 * reason goes to the end.
 */
export const invalidReasons = [
  'Interrupted',
  'TooFewRequests',
  'TooShort',
  'Unstable',
  'RateNotReached',
  'SendLag',
  'Throttled',
  'EventLoopDelay',
  'ClientBusy',
  'Errors',
  'LittlesLaw',
  'Saturated',
  'NothingSucceeded',
  'ServerRestarted',
  'ScenarioInvalid',
] as const;

export type InvalidReason = (typeof invalidReasons)[number];

/** Reasons that speak of the server: such a level is too high. Every other one speaks of the measurement, which says nothing of the level. */
export const serverReasons: ReadonlySet<string> = new Set<InvalidReason>(['Saturated', 'Errors', 'NothingSucceeded', 'ServerRestarted']);

/** A reason with the sentence that gives its figures. */
export interface Finding {
  readonly reason: InvalidReason;
  readonly message: string;
}

/** What the rules look at. Rates are per second, times in microseconds; `null` is "does not apply" or "not known". */
export interface Evidence {
  readonly interrupted: boolean;
  readonly requests: number;
  readonly succeeded: number;
  readonly durationSeconds: number;
  readonly loop: 'closed' | 'open';
  readonly offeredPerSecond: number | null;
  readonly sentPerSecond: number;
  readonly achievedPerSecond: number;
  /** Growth of the number outstanding over the window, as a share of the requests sent in it. */
  readonly backlogGrowth: number;
  readonly sendLagP99: number | null;
  readonly latencyP50: number;
  readonly instability: string | null;
  readonly littleRatio: number;
  readonly throttledPeriods: number | null;
  readonly loopDelayP99: number | null;
  /** Share of one core used by each sending thread, 0 to 1; `null` where spinning makes it meaningless. */
  readonly clientBusy: number | null;
  /** What showed that the server was restarted while it was measured. */
  readonly serverRestarted: string | null;
}

export interface ValidityRules {
  readonly minimumSeconds: number;
  /** Fewest requests whose highest asked percentile has an upper limit; see `samplesToBound`. */
  readonly minimumRequests: number;
  readonly maximumErrorsPerMillion: number;
}

/**
 * Every rule that the point breaks, with its figures; empty means valid. Limits are those of the field: sent ≥ 0.99 × offered and a
 * backlog that does not grow (MLPerf, inference-perf), Little's law to 5 %, three stable windows (perf_analyzer).
 */
export function findings(evidence: Evidence, rules: ValidityRules): Finding[] {
  const found: Finding[] = [];
  const add = (reason: InvalidReason, message: string) => found.push({ reason, message });
  const e = evidence;

  if (e.interrupted) add('Interrupted', `stopped after ${e.durationSeconds.toFixed(1)} s, before the point was complete`);
  if (e.succeeded === 0) {
    add('NothingSucceeded', `none of ${e.requests} requests succeeded`);
    return found;
  }
  if (e.requests < rules.minimumRequests) {
    add(
      'TooFewRequests',
      `${e.requests} requests; the highest percentile asked for needs ${rules.minimumRequests} to be bounded: measure longer`,
    );
  }
  if (e.durationSeconds < rules.minimumSeconds) {
    add('TooShort', `measured ${e.durationSeconds.toFixed(2)} s, at least ${rules.minimumSeconds} s are asked for`);
  }
  if (e.instability !== null) add('Unstable', e.instability);
  const errorsPerMillion = ((e.requests - e.succeeded) / e.requests) * 1e6;
  if (errorsPerMillion > rules.maximumErrorsPerMillion) {
    add('Errors', `${Math.round(errorsPerMillion)} errors per million, at most ${rules.maximumErrorsPerMillion} are allowed`);
  }
  if (e.loop === 'open' && e.offeredPerSecond !== null) openLoopFindings(e, e.offeredPerSecond, add);
  if (Number.isFinite(e.littleRatio) && Math.abs(e.littleRatio - 1) > 0.05) {
    add(
      'LittlesLaw',
      `throughput × mean latency is ${e.littleRatio.toFixed(3)} of the mean number in flight; more than 5 % off means the client was the limit`,
    );
  }
  if (e.throttledPeriods !== null && e.throttledPeriods > 0) {
    add('Throttled', `the kernel throttled this process in ${e.throttledPeriods} scheduling periods: give it a whole CPU`);
  }
  if (e.loopDelayP99 !== null && e.loopDelayP99 > Math.max(10_000, e.latencyP50)) {
    add('EventLoopDelay', `the client's event loop was late by ${(e.loopDelayP99 / 1000).toFixed(1)} ms (p99)`);
  }
  if (e.clientBusy !== null && e.clientBusy > 0.95) {
    add(
      'ClientBusy',
      `the client used ${Math.round(e.clientBusy * 100)} % of its core: the figures may be the client's limit; add --workers`,
    );
  }
  if (e.serverRestarted !== null) add('ServerRestarted', e.serverRestarted);
  return found;
}

function openLoopFindings(e: Evidence, offered: number, add: (reason: InvalidReason, message: string) => void): void {
  // A Poisson stream seldom has exactly its rate in a window: what was due in it is what can be sent and answered.
  const due = e.requests / e.durationSeconds;
  const rate = `${due.toFixed(1)} of ${offered.toFixed(1)} requests per second were due`;
  if (e.sentPerSecond < 0.99 * due) add('RateNotReached', `${rate}, ${e.sentPerSecond.toFixed(1)} were sent in time`);
  if (e.achievedPerSecond < 0.98 * due && e.backlogGrowth > 0.01) {
    add(
      'Saturated',
      `${rate}, ${e.achievedPerSecond.toFixed(1)} succeeded and the backlog grew: percentiles depend on how long one measures`,
    );
  }
  const allowed = Math.max(1000, 0.1 * e.latencyP50);
  if (e.sendLagP99 !== null && e.sendLagP99 > allowed) {
    add('SendLag', `requests left ${(e.sendLagP99 / 1000).toFixed(2)} ms late (p99), more than ${(allowed / 1000).toFixed(2)} ms`);
  }
}
