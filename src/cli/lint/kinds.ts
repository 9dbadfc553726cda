/** The kinds that lint knows. */
import type { KindDefinition } from '../../api/kind.ts';
import { type ModelDeployment, modelDeployment } from '../../api/model-deployment/index.ts';
import { type ModelProfile, modelProfile } from '../../api/model-profile/index.ts';
import { type ServingPlatform, servingPlatform } from '../../api/serving-platform/index.ts';

/** A kind of any type; what is given to its rules must have passed its schema. */
export type AnyKind = Omit<KindDefinition<never>, 'object'>;

export const kinds: readonly AnyKind[] = [modelDeployment, modelProfile, servingPlatform];

/** To be asked of an object that keeps the schema of `kind`. */
export function isModelDeployment(_object: unknown, kind: AnyKind): _object is ModelDeployment {
  return kind.kind === modelDeployment.kind;
}

/** To be asked of an object that keeps the schema of `kind`. */
export function isServingPlatform(_object: unknown, kind: AnyKind): _object is ServingPlatform {
  return kind.kind === servingPlatform.kind;
}

/** To be asked of an object that keeps the schema of `kind`. */
export function isModelProfile(_object: unknown, kind: AnyKind): _object is ModelProfile {
  return kind.kind === modelProfile.kind;
}
