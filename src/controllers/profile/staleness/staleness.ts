/** Whether results still speak of what runs now. */
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';

export type Provenance = NonNullable<ModelProfileStatus['provenance']>;

export interface Staleness {
  readonly status: 'True' | 'False';
  readonly reason:
    | 'UpToDate'
    | 'SpecChanged'
    | 'TargetReplaced'
    | 'ModelChanged'
    | 'ImageChanged'
    | 'KServeChanged'
    | 'HardwareChanged'
    | 'ToolChanged';
  readonly message: string;
}

/** What was measured, and the same read now. A target that cannot be read at present (gone, not ready) says little of itself, and what it does not say has not changed. */
export interface Subject {
  readonly specHash: string;
  readonly provenance: Provenance;
}

interface Trait {
  readonly reason: Staleness['reason'];
  readonly name: string;
  readonly of: (subject: Subject) => string | readonly string[] | undefined;
  /** The words that say the change, where the values themselves say nothing to a reader. */
  readonly silent?: string;
}

/** In the order of their weight: the first that changed gives the reason. */
const traits: readonly Trait[] = [
  { reason: 'SpecChanged', name: 'spec', of: ({ specHash }) => specHash, silent: 'the spec asks for another measurement' },
  { reason: 'TargetReplaced', name: 'target', of: ({ provenance }) => provenance.target },
  {
    reason: 'TargetReplaced',
    name: 'target',
    of: ({ provenance }) => provenance.targetUid,
    silent: 'the target was deleted and made anew',
  },
  { reason: 'ModelChanged', name: 'model SHA-256', of: ({ provenance }) => provenance.modelSha256 },
  { reason: 'ModelChanged', name: 'storageUri', of: ({ provenance }) => provenance.storageUri },
  { reason: 'ImageChanged', name: 'image digest', of: ({ provenance }) => provenance.imageDigest },
  { reason: 'ImageChanged', name: 'image', of: ({ provenance }) => provenance.image },
  { reason: 'KServeChanged', name: 'KServe', of: ({ provenance }) => provenance.kserve },
  { reason: 'KServeChanged', name: 'deployment mode', of: ({ provenance }) => provenance.deploymentMode },
  { reason: 'HardwareChanged', name: 'GPU product', of: ({ provenance }) => provenance.gpuProduct },
  { reason: 'HardwareChanged', name: 'GPU driver', of: ({ provenance }) => provenance.gpuDriver },
  { reason: 'HardwareChanged', name: 'node', of: ({ provenance }) => provenance.nodes },
  { reason: 'HardwareChanged', name: 'GPU', of: ({ provenance }) => provenance.gpuUuids },
  { reason: 'ToolChanged', name: 'Modelwright', of: ({ provenance }) => provenance.tool },
];

/**
 * Condition Stale. A trait that is not known on either side has not changed; nor has a list (nodes, GPUs) of which only some are in use
 * now: what serves there was measured there. A digest that is the same outweighs its tag or address having another name.
 */
export function judgeStaleness(measured: Subject, now: Subject): Staleness {
  const changes = traits.flatMap((trait) => {
    const text = changeOf(trait, measured, now);
    return text === undefined || outweighed(trait, measured, now) ? [] : [{ reason: trait.reason, text }];
  });
  const [first] = changes;
  if (first === undefined) return { status: 'False', reason: 'UpToDate', message: 'The results are of what runs now.' };
  return {
    status: 'True',
    reason: first.reason,
    message: `Since the results were measured, ${changes.map(({ text }) => text).join('; ')}. Change spec.runId to measure again.`,
  };
}

function changeOf({ name, of, silent }: Trait, measured: Subject, now: Subject): string | undefined {
  const [before, after] = [of(measured), of(now)];
  if (before === undefined || after === undefined) return undefined;
  if (typeof before === 'string' || typeof after === 'string') {
    return before === after ? undefined : (silent ?? `${name} ${short(String(before))} became ${short(String(after))}`);
  }
  const foreign = after.filter((one) => !before.includes(one));
  if (before.length === 0 || foreign.length === 0) return undefined;
  return `the model came to ${name} ${some(foreign)}, which was not measured (measured: ${some(before)})`;
}

/** The same bytes under another name are the same. */
function outweighed({ name }: Trait, measured: Subject, now: Subject): boolean {
  const [before, after] = [measured.provenance, now.provenance];
  if (name === 'storageUri') return before.modelSha256 !== undefined && before.modelSha256 === after.modelSha256;
  if (name === 'image') return before.imageDigest !== undefined && before.imageDigest === after.imageDigest;
  return false;
}

/** The first twelve characters of a digest tell it apart. */
function short(text: string): string {
  return text.replace(/(?<=^|:|@)([0-9a-f]{12})[0-9a-f]{52}$/, '$1…').slice(0, 300);
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
