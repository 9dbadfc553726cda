import { errorClasses } from '../point.ts';
import { chosenRequests, type RawPoint } from './raw-point.ts';

/** Most requests of a run that are written out; of more, every so many-th of each point. */
export const mostSamples = 1_000_000;

export interface SamplesFile {
  readonly text: string;
  readonly kept: number;
  readonly of: number;
}

/**
 * The requests behind the figures as CSV, one line each, in the order of their ends: point, when it was due in microseconds after the
 * window began (before it for what was under way then), its latency from that moment, how much later than due it left, and how it failed.
 */
export function samplesCsv(raw: readonly RawPoint[], most = mostSamples): SamplesFile {
  const of = raw.reduce((sum, { trace }) => sum + trace.length, 0);
  const share = Math.min(1, most / Math.max(1, of));
  const lines = ['measurement,point,due_us,latency_us,send_lag_us,error\r\n'];
  for (const [index, one] of raw.entries()) {
    const { trace, window, point } = one;
    for (const at of chosenRequests(one, Math.floor(trace.length * share))) {
      const latency = trace.latency[at] as number;
      const due = (trace.done[at] as number) - latency - window.from;
      const error = errorClasses[(trace.error[at] as number) - 1] ?? '';
      lines.push(`${index},${point.id},${due.toFixed(1)},${latency.toFixed(1)},${(trace.lag[at] as number).toFixed(1)},${error}\r\n`);
    }
  }
  return { text: lines.join(''), kept: lines.length - 1, of };
}
