import type { ModelRepository, ServingPlatformSpec } from '../../../api/serving-platform/index.ts';

/** What the ServingPlatform says about packaging. */
export interface PackagingSettings {
  readonly repositories: readonly ModelRepository[];
  readonly jobs: NonNullable<ServingPlatformSpec['packaging']>;
}
