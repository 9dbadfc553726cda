import type { InvalidReason } from '../../../load/validity.ts';
import type { DisturbanceReason } from '../plan/missing.ts';

/** Why a point is not ranked, in a sentence; the figures of the rule stand in the log of its load pod. */
const meanings: Readonly<Record<InvalidReason | DisturbanceReason, string>> = {
  Interrupted: 'the measurement was stopped before it was complete',
  TooFewRequests: 'too few requests to bound the highest percentile asked for; raise spec.load.durationSeconds',
  TooShort: 'measured for a shorter time than asked for',
  Unstable: 'throughput or latency differed between three windows by more than chance explains',
  RateNotReached: 'the client could not send the requests when they were due',
  SendLag: 'requests left later than they were due',
  Throttled: 'the kernel throttled the load pod, which needs whole CPUs',
  EventLoopDelay: 'the load pod was late to act; it needs a CPU of its own',
  ClientBusy: 'the load pod used up its CPU, so that the figures may be its limit rather than that of the server',
  Errors: 'more requests failed than spec.objective.maxErrorsPerMillion allows',
  LittlesLaw: 'throughput × latency does not give the number of requests in flight, so that the client was the limit',
  Saturated: 'requests piled up: the server cannot keep up with this rate',
  NothingSucceeded: 'no request succeeded',
  ScenarioInvalid: "a rule of the scenario was not met; the result's scenario says which",
  ServerRestarted: 'the model server was restarted meanwhile',
  TargetRestarted: 'a container of the target was restarted meanwhile',
  TargetRescaled: 'the target got other pods meanwhile',
  TargetImageChanged: 'the target came to another image meanwhile',
  TargetNotReady: 'the target was not ready meanwhile',
  NodePressure: 'a node of the target was under pressure meanwhile',
  OtherGpuTenant: 'another Pod had a GPU of the target meanwhile',
};

/** The sentence for a reason; the reason itself where this version does not know it. */
export function meaningOf(reason: string): string {
  const meaning = (meanings as Readonly<Record<string, string>>)[reason];
  return meaning === undefined ? reason : `${reason}: ${meaning}`;
}
