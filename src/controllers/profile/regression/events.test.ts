import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import { verdictEvents } from './events.ts';

type Status = 'True' | 'False' | 'Unknown';
const run = (id: string, state: 'Running' | 'Complete' = 'Complete'): NonNullable<ModelProfileStatus['run']> => ({
  id,
  state,
  specHash: 'aa',
  queuedTime: '2026-05-04T09:00:00Z',
});
const conditions = (verdicts: Readonly<Record<string, Status>>) =>
  Object.entries(verdicts).map(([type, status]) => ({ type, status, reason: 'Why', message: 'Because.' }));
const before = (
  id: string,
  verdicts: Readonly<Record<string, Status>>,
  state: 'Running' | 'Complete' = 'Complete',
): ModelProfileStatus => ({
  run: run(id, state),
  conditions: conditions(verdicts).map((condition) => ({ ...condition, lastTransitionTime: '2026-05-04T10:00:00Z' })),
});
const after = (id: string, verdicts: Readonly<Record<string, Status>>) => ({ run: run(id), conditions: conditions(verdicts) });

describe('events of verdicts', () => {
  const cases: readonly [
    what: string,
    before: ModelProfileStatus | undefined,
    after: ReturnType<typeof after>,
    reasons: readonly string[],
  ][] = [
    ['a first regression', undefined, after('r1', { Regressed: 'True' }), ['Regressed']],
    ['a verdict that turned', before('r1', { Regressed: 'False' }), after('r2', { Regressed: 'True' }), ['Regressed']],
    ['another run that is worse still', before('r2', { Regressed: 'True' }, 'Running'), after('r2', { Regressed: 'True' }), ['Regressed']],
    ['the same verdict, looked at again', before('r2', { Regressed: 'True' }), after('r2', { Regressed: 'True' }), []],
    ['a regression that is over', before('r1', { Regressed: 'True' }), after('r2', { Regressed: 'False' }), ['RegressionOver']],
    ['a regression that cannot be told', before('r1', { Regressed: 'True' }), after('r2', { Regressed: 'Unknown' }), []],
    ['no regression', undefined, after('r1', { Regressed: 'False', Stale: 'False' }), []],
    ['results that became stale', before('r1', { Stale: 'False' }), after('r1', { Stale: 'True' }), ['Stale']],
    ['results that are stale still', before('r1', { Stale: 'True' }), after('r1', { Stale: 'True' }), []],
  ];
  for (const [what, was, is, reasons] of cases) {
    it(what, () =>
      assert.deepEqual(
        verdictEvents(was, is).map(({ reason }) => reason),
        reasons,
      ),
    );
  }
});
