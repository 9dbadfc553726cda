import type { EventObject } from './observation.ts';

/** The event that happened last, whatever order they came in. */
export function latestEvent(events: readonly EventObject[]): EventObject | undefined {
  const time = ({ lastTimestamp, eventTime, metadata }: EventObject) => lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
  return events.toSorted((a, b) => (time(a) < time(b) ? -1 : 1)).at(-1);
}
