import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { knativeNamespace } from './facts.ts';
import { blocking, type Problem } from './problem.ts';

interface GuardedField {
  readonly field: string;
  readonly flag: string;
  readonly isUsed: (spec: ModelDeployment['spec']) => boolean;
}

/** Pod fields that Knative's webhook refuses while a feature flag is off (pkg/apis/serving/fieldmask.go); all of them are off by default. */
const guardedFields: readonly GuardedField[] = [
  {
    field: 'spec.scheduling.nodeSelector',
    flag: 'kubernetes.podspec-nodeselector',
    isUsed: ({ scheduling }) => Object.keys(scheduling?.nodeSelector ?? {}).length > 0,
  },
  { field: 'spec.gpu.product', flag: 'kubernetes.podspec-nodeselector', isUsed: ({ gpu }) => gpu?.product !== undefined },
  {
    field: 'spec.scheduling.tolerations',
    flag: 'kubernetes.podspec-tolerations',
    isUsed: ({ scheduling }) => (scheduling?.tolerations ?? []).length > 0,
  },
  {
    field: 'spec.scheduling.affinity',
    flag: 'kubernetes.podspec-affinity',
    isUsed: ({ scheduling }) => scheduling?.affinity !== undefined,
  },
  {
    field: 'spec.source.storageUri',
    flag: 'kubernetes.podspec-persistent-volume-claim',
    isUsed: ({ source }) => source.storageUri?.startsWith('pvc://') === true,
  },
];

/**
 * Fields that this Knative will refuse, each with the flag to set.
 *
 * @param features `data` of ConfigMap `config-features`; undefined where it could not be read: then nothing is said.
 */
export function judgeKnativeFlags({ spec }: ModelDeployment, features: Readonly<Record<string, string>> | undefined): Problem[] {
  if (features === undefined) return [];
  return guardedFields
    .filter(({ flag, isUsed }) => isUsed(spec) && !isOn(features[flag]))
    .map(({ field, flag }) =>
      blocking(
        'Platform',
        'KnativeFeatureDisabled',
        `${field}: Knative refuses it while its feature flag ${flag} is off; set "${flag}": "enabled" in ConfigMap ${knativeNamespace}/config-features, leave the field out, or use spec.deploymentMode: Standard in a new ModelDeployment`,
      ),
    );
}

function isOn(value: string | undefined): boolean {
  return ['enabled', 'allowed'].includes(value?.toLowerCase() ?? '');
}
