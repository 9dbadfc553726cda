/** The steps by which the best setting reaches the ModelDeployment, and what can come of each. */
import type { Applied, AppliedChange } from '../../../api/model-profile/apply.ts';
import type { SpecPatch } from './changes.ts';
import type { GitOps } from './gitops.ts';
import type { FieldConflict } from './ownership.ts';

/** What is to be asked of the API server next. The key names what is asked, so that an answer is taken for nothing else. */
export type Step =
  /** Whether admission judges who asks for it. */
  | { readonly kind: 'Judge'; readonly key: string }
  /** A dry run; where the ModelDeployment comes from a repository, the file for that instead. */
  | { readonly kind: 'Try'; readonly key: string; readonly patch: SpecPatch; readonly file?: string }
  /** The write of what the status holds as `Applying`. `mayWrite: false`: only finds out whether it was written. */
  | { readonly kind: 'Write'; readonly key: string; readonly application: Applied; readonly mayWrite: boolean }
  /** Dry run and write of the way back. */
  | { readonly kind: 'RollBack'; readonly key: string; readonly patch: SpecPatch };

/** @param mayWrite false: only finds out whether it was written */
export function writeOf(application: Applied, mayWrite: boolean): Extract<Step, { kind: 'Write' }> {
  return { kind: 'Write', key: `write/${application.run}/${application.time}`, application, mayWrite };
}

export type Outcome =
  | { readonly kind: 'Judged'; readonly admitted: boolean }
  /** The dry run went through and would change this. */
  | { readonly kind: 'Accepted'; readonly changes: readonly AppliedChange[] }
  | { readonly kind: 'Managed'; readonly gitOps: GitOps; readonly configMap?: string; readonly refused?: string }
  | { readonly kind: 'Conflict'; readonly conflicts: readonly FieldConflict[] }
  | { readonly kind: 'Refused'; readonly message: string }
  | { readonly kind: 'Written' }
  /** It was not written: the object is another than it was, or it may not be written any more. */
  | { readonly kind: 'NotWritten' };

/** The last step that was taken, and what came of it. Losing it (a restart) costs that it is taken again. */
export interface Attempt {
  readonly key: string;
  readonly outcome: Outcome;
  /** When, as the status writes times. */
  readonly time: string;
  /** The same is to be asked again: what was refused may be let through by now. */
  readonly isDue?: boolean;
}
