/** What is asked of container registries, and what comes back. */

import type { ServingPlatformStatus } from '../../api/serving-platform/index.ts';
import type { RegistryCause } from '../../api/serving-platform/registry-cause.ts';

export type Resolution = NonNullable<ServingPlatformStatus['resolutions']>[number];
export type ResolvedVersion = Resolution['version'];

export type ImageQuery =
  /** Which tag and digest a declaration of a runtime stands for. */
  | {
      readonly kind: 'Resolve';
      readonly key: string;
      /** Registry and repository. */
      readonly image: string;
      /** Tag, digest or range. */
      readonly version: string;
      readonly gpuVersion?: string;
      /** Of a range that names none: `-py3`; and for models with a GPU. */
      readonly variant: string;
      readonly gpuVariant: string;
      readonly pinDigests: boolean;
      /** Without a `gpuVersion`: pin the tag with `-gpu` for models with a GPU, where there is one. */
      readonly derivesGpuTag: boolean;
      readonly platform?: string;
    }
  /** Whether an image that Knative could not resolve is there, and if not, why. */
  | { readonly kind: 'Probe'; readonly key: string; readonly image: string };

export type ImageAnswer =
  | {
      readonly kind: 'Resolved';
      readonly version: ResolvedVersion;
      readonly gpuVersion?: ResolvedVersion;
      readonly platforms: readonly string[];
      /** RFC 3339. */
      readonly resolvedTime: string;
    }
  | { readonly kind: 'Found' }
  | ImageFailure;

export interface ImageFailure {
  readonly kind: 'Failed';
  readonly cause: RegistryCause;
  /** A clause that names the registry. */
  readonly message: string;
  readonly retryAfterMilliseconds?: number;
}
