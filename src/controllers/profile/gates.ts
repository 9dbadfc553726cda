/** What a run waits for once its target is ready, before it takes its turn. */
import { idleGate } from './idle/gate.ts';
import type { Observed } from './observed.ts';

export type Gate =
  | { readonly kind: 'Open' }
  | { readonly kind: 'Wait'; readonly reason: string; readonly message: string; readonly lookAgainMilliseconds?: number }
  | { readonly kind: 'GiveUp'; readonly reason: string; readonly message: string };

/** The gates, in order: the first that is not open decides. */
const gates: readonly ((observed: Observed) => Gate)[] = [idleGate];

export function gateOf(observed: Observed): Gate {
  for (const gate of gates) {
    const verdict = gate(observed);
    if (verdict.kind !== 'Open') return verdict;
  }
  return { kind: 'Open' };
}
