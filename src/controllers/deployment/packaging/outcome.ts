import type { ModelDeploymentStatus } from '../../../api/model-deployment/index.ts';
import type { ModelLocation } from '../../../kserve/model-location.ts';
import type { Block } from '../block.ts';

export type PackageStatus = NonNullable<ModelDeploymentStatus['package']>;

/** What packaging has come to, for the decision over the InferenceService and for the status. */
export type Outcome =
  /** The source is given to KServe as it is. */
  | { readonly kind: 'NotAsked' }
  | { readonly kind: 'Packaged'; readonly package: PackageStatus; readonly location: ModelLocation; readonly message: string }
  /** `package`: an earlier one, which goes on serving. */
  | { readonly kind: 'Working'; readonly reason: string; readonly message: string; readonly package?: PackageStatus }
  | { readonly kind: 'Failed'; readonly block: Block; readonly package?: PackageStatus };

export const notAsked: Outcome = { kind: 'NotAsked' };

export function failed(reason: string, message: string, earlier?: PackageStatus): Outcome {
  return { kind: 'Failed', block: { stage: 'Packaging', reason, message }, ...(earlier !== undefined && { package: earlier }) };
}

export function working(reason: string, message: string, earlier?: PackageStatus): Outcome {
  return { kind: 'Working', reason, message, ...(earlier !== undefined && { package: earlier }) };
}
