/** Whether who asks for a change of a ModelDeployment may. Pure. */
import type { ApplicationStatus } from '../../../api/model-profile/apply.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { Cached } from '../../../kube/store.ts';
import { consentAnnotation, consents } from './consent.ts';
import type { Applying, Verdict } from './finding.ts';
import type { Step } from './step.ts';

export type Authority = { readonly kind: 'Given' } | { readonly kind: 'Denied' } | { readonly kind: 'Pending'; readonly step: Step };

/**
 * Who may write a ModelProfile need not be allowed to write the ModelDeployment. Where a policy of the cluster refuses such a profile to those who may
 * not, the profile is enough; elsewhere the ModelDeployment has to name it.
 */
export function authorityOf({ profile, recommending, attempt }: Applying, { judged }: ApplicationStatus): Authority {
  if (recommending?.deployment !== undefined && consents(recommending.deployment, profile.metadata.name)) return { kind: 'Given' };
  const generation = profile.metadata.generation ?? 0;
  // A policy that came later has not judged who wrote this.
  if (judged?.generation === generation) return { kind: judged.admitted ? 'Given' : 'Denied' };
  const key = judgeKey(profile);
  return attempt?.key === key ? { kind: 'Denied' } : { kind: 'Pending', step: { kind: 'Judge', key } };
}

export function denied({ kind }: Authority, { metadata, spec }: Cached<ModelProfile>): Verdict | undefined {
  if (kind !== 'Denied') return undefined;
  const name = spec.target.modelDeployment;
  const message = `No admission policy has judged whether the author of this profile may update ModelDeployment ${name}. Whoever may can allow it: kubectl annotate modeldeployment ${name} ${consentAnnotation}=${metadata.name}. Or install manifests/admission, and write the profile again`;
  return { status: 'False', reason: 'NotAuthorized', message };
}

/** What admission has said of the latest generation of the profile, once it was asked. */
export function judgedOf({ profile, attempt }: Applying): ApplicationStatus['judged'] {
  const before = profile.status?.application?.judged;
  const generation = profile.metadata.generation ?? 0;
  if (before?.generation === generation || attempt?.key !== judgeKey(profile) || attempt.outcome.kind !== 'Judged') return before;
  return { generation, admitted: attempt.outcome.admitted };
}

/** Of another profile of the same name nothing was asked. */
function judgeKey({ metadata }: Cached<ModelProfile>): string {
  return `judge/${metadata.uid}/${metadata.generation ?? 0}`;
}
