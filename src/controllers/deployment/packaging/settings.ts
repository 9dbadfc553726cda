import type { ModelRepository, ServingPlatformSpec } from '../../../api/serving-platform/index.ts';

/** What the ServingPlatform says about packaging. */
export interface PackagingSettings {
  readonly repositories: readonly ModelRepository[];
  readonly jobs: NonNullable<ServingPlatformSpec['packaging']>;
}

/** Caps on archives as `modelwright` takes them: `size=200Gi`. */
export function limitWords(limits: PackagingSettings['jobs']['limits'] = {}): string[] {
  return Object.entries(limits).map(([name, value]) => `${name}=${value}`);
}
