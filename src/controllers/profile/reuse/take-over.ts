/** Reuse as a step of a run: instead of measuring, where the very same has been measured. */
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { Progress, Run } from '../decision.ts';
import { type Observed, tasksOfObserved } from '../observed.ts';
import type { TargetProvenance } from '../target/target.ts';
import { podsState } from '../target/target-pods.ts';
import { rfc3339 } from '../times.ts';
import { findIdentical, type Reused } from './reuse.ts';

/** An earlier run that measured the very same; only where one service is measured, which copies are not. */
export function reusable({ profile, legs, sameTarget, version }: Observed, run: Run, provenance: TargetProvenance): Reused | undefined {
  if (legs.length !== 1 || legs[0]?.hardware !== undefined || profile.spec.sweep.search !== undefined) return undefined;
  const wanted = {
    spec: profile.spec,
    specHash: run.specHash,
    provenance: { ...provenance, tool: version },
    targetState: podsState(legs[0]?.pods ?? []),
    points: tasksOfObserved({ profile, legs }).map(({ id }) => id),
    asked: run.trigger === 'Requested' || run.trigger === 'Scheduled',
  };
  const donors = sameTarget.map(({ metadata, status }) => ({
    name: metadata.name,
    ...(status !== undefined && { status: status as ModelProfileStatus }),
  }));
  return findIdentical(wanted, donors);
}

/** The run with another's results, as if it had measured them; they say themselves when that was. */
export function takenOver({ now }: Observed, run: Run, { from, status }: Reused): Progress {
  return {
    run: { ...run, state: 'Complete', reusedFrom: from, completionTime: rfc3339(now) },
    results: status.results,
    provenance: status.provenance,
    account: { kind: 'Ended' },
    actions: [],
  };
}
