/** What results are compared with, so that a regression is found by itself; and when earlier results serve again. */
import { integer, object, oneOf, Type, text } from '../schema.ts';

const decimalPattern = '^[0-9]{1,15}(\\.[0-9]{1,6})?$';

export const baselineSchema = object(
  'What each run is compared with. Condition Regressed is True when it is worse by more than the tolerance, and the 95 % intervals do not overlap.',
  {
    run: Type.Optional(text('Last: the run before. Or the id of a run in status.history.', 32, { pattern: '^(Last|[a-z0-9-]{8,32})$' })),
    profile: Type.Optional(
      text('Name of another ModelProfile in this namespace: its best setting.', 253, {
        minLength: 1,
        pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      }),
    ),
    fixed: Type.Optional(
      object('Figures that the best setting has to keep.', {
        p99Milliseconds: Type.Optional(text('The p99 latency.', 32, { pattern: decimalPattern })),
        samplesPerSecond: Type.Optional(text('Throughput.', 32, { pattern: decimalPattern })),
      }),
    ),
    tolerancePercent: Type.Optional(
      integer('How much worse is still no regression. Two runs of the same server differ by a few percent.', {
        minimum: 0,
        maximum: 100,
        default: 5,
      }),
    ),
  },
);

export const reuses = ['Identical', 'Never'] as const;

export const reuseSchema = oneOf(
  'Identical: where an earlier run in this namespace measured the very same (spec, model, image, KServe, hardware, version of Modelwright), its results are taken over. Never: always measure. Runs of a schedule, of spec.baseline and of a changed spec.runId always measure.',
  reuses,
  { default: 'Identical' },
);
