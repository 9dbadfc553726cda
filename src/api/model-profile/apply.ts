/** What a profile writes to the ModelDeployment that it measures, and how that is undone. */
import type { Static } from 'typebox';
import { boolean, integer, list, object, oneOf, Type, text, time } from '../schema.ts';

const decimal = (description: string) => text(description, 32, { pattern: '^[0-9]{1,15}(\\.[0-9]{1,6})?$' });
const microseconds = (description: string) => integer(description, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const rollbackSchema = text(
  'Id of a run in status.applied: the ModelDeployment is set back to what it was before that run, and nothing is applied, whatever later runs find, until this field is removed.',
  32,
  { pattern: '^[a-z0-9-]{8,32}$' },
);

/** Most fields of one application, and the longest value of one, as JSON. What is longer is not applied: it could not be restored. */
export const maximumChanges = 32;
export const longestValue = 4096;
/** Most applications that are remembered. */
export const maximumApplied = 10;

const change = object('A field that was changed.', {
  field: text('Its path in the ModelDeployment.', 128),
  before: Type.Optional(text('Its value before, as JSON; absent where it was not set.', longestValue)),
  after: Type.Optional(text('The value that was written, as JSON; absent where it was removed.', longestValue)),
});

export const appliedStates = ['Applying', 'Applied', 'RolledBack'] as const;

const application = object('What one run has written.', {
  run: text('The run.', 32),
  state: oneOf(
    'Applying: about to be written. Applied: written. RolledBack: undone, since spec.rollback names this run or one before it.',
    appliedStates,
  ),
  time: time('When it was written; of one that is Applying, when that was decided.'),
  rolledBackTime: Type.Optional(time('When it was undone.')),
  modelDeploymentUid: text('UID of the ModelDeployment: another one of the same name is not set back.', 64),
  point: text('The best setting of the run.', 128),
  samplesPerSecond: decimal('Its throughput.'),
  samplesPerSecondLow: Type.Optional(decimal('Lower end of its 95 % interval.')),
  samplesPerSecondHigh: Type.Optional(decimal('Upper end of its 95 % interval.')),
  p99Microseconds: microseconds('Its p99.'),
  p99LowMicroseconds: Type.Optional(microseconds('Lower end of its 95 % interval.')),
  p99HighMicroseconds: Type.Optional(microseconds('Upper end of its 95 % interval.')),
  changes: list('What was changed.', change, maximumChanges),
});

export const appliedSchema = list(
  'What was written to the ModelDeployment (spec.apply: Apply), the latest first. spec.rollback undoes it.',
  application,
  maximumApplied,
);

export const applicationSchema = object('How far the best setting of the latest run is on its way to the ModelDeployment.', {
  run: Type.Optional(text('The run.', 32)),
  basis: Type.Optional(
    text('Hash of the ModelDeployment as the best setting would have it, when the run ended: what differs since was not measured.', 64),
  ),
  judged: Type.Optional(
    object('Whether admission judges who asks for it.', {
      generation: integer('The generation of this profile that was judged.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      admitted: boolean(
        'Whether a policy of the cluster lets only those write such a profile who may update the ModelDeployment themselves.',
      ),
    }),
  ),
  configMap: Type.Optional(text('ConfigMap with the patch for a repository, where the ModelDeployment comes from one.', 253)),
});

export type Applied = Static<typeof application>;
export type AppliedChange = Static<typeof change>;
export type ApplicationStatus = Static<typeof applicationSchema>;
