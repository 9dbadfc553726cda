import type { RuntimeDeclaration, ServingPlatformSpec } from '../../api/serving-platform/index.ts';
import { isAtLeast, type KServeVersion } from '../../models/kserve-version.ts';
import { type Dialect, describeDialect } from '../dialect.ts';
import { allowsRuntimeImage } from '../policy.ts';
import { blocking, type Problem } from '../problem.ts';
import { limitsOfConfigMap } from './predictors.ts';

/** KServe's minor version whose ClusterServingRuntime CRD first has `imagePullSecrets` (absent in that of 0.9.0, there in that of 0.11.2). */
export const firstWithPullSecrets = 11;

export function hasPullSecrets(version: KServeVersion): boolean {
  return version !== 'kfserving-0.6' && isAtLeast(version, 0, firstWithPullSecrets);
}

/** Why runtimes of this KServe cannot have the pull secrets of these types, and the remedy. */
export function withoutPullSecrets(types: readonly string[], dialect: Dialect): string {
  return `spec.runtimes[${types.join(', ')}].imagePullSecrets: the runtimes of ${describeDialect(dialect)} have no pull secrets; add them to the service accounts of the models and leave the field out, or install KServe 0.${firstWithPullSecrets} or newer`;
}

export function imageNotAllowed({ type }: RuntimeDeclaration, image: string): string {
  return `spec.runtimes[${type}]: spec.policy.runtimeRegistries does not allow images of ${image}; name an allowed one in image, or add its registry to the policy`;
}

/** What a ServingPlatform asks for and this KServe cannot give. What depends on the cluster's own objects is said in its status. */
export function judgePlatform({ runtimes = [], policy }: ServingPlatformSpec, dialect: Dialect): Problem[] {
  return runtimes.flatMap((runtime) => {
    const { type, image, imagePullSecrets = [] } = runtime;
    const limit = dialect.features.predictorModel ? undefined : limitsOfConfigMap(runtime);
    return [
      ...(limit === undefined ? [] : [blocking('Validation', limit.reason, limit.message)]),
      ...(image === undefined || allowsRuntimeImage({ runtimeRegistries: policy?.runtimeRegistries ?? [] }, image)
        ? []
        : [blocking('Validation', 'ImageNotAllowed', imageNotAllowed(runtime, image))]),
      ...(imagePullSecrets.length > 0 && !hasPullSecrets(dialect.version)
        ? [blocking('Validation', 'PullSecretsNotPossible', withoutPullSecrets([type], dialect))]
        : []),
    ];
  });
}
