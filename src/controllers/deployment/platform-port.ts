import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import type { PodSecurity } from '../../api/pod-security.ts';
import type { ClusterFacts } from '../../kserve/facts.ts';
import type { PlatformRuntimes } from '../../kserve/platform/assignment.ts';
import type { Policy } from '../../kserve/policy.ts';
import type { Watch } from '../../kube/controller.ts';
import type { ObjectKey } from '../../kube/object.ts';
import type { DeclaredNamespace } from './facts-watch.ts';
import type { PackagingSettings } from './packaging/settings.ts';

/** What the ServingPlatform says about one deployment; absent fields leave the operator's flags in force. */
export interface PlatformSettings {
  readonly policy?: Policy;
  readonly defaultMode?: DeploymentMode;
  readonly platformRuntimes?: PlatformRuntimes;
  readonly packaging?: PackagingSettings;
  /** KServe is to download packages by our program, where it can. */
  readonly storageContainer?: boolean;
  readonly podSecurity?: PodSecurity;
}

/** Where the settings of the ServingPlatform come from. */
export interface PlatformPort {
  settingsFor(key: ObjectKey, facts: ClusterFacts): PlatformSettings;
  /** Name the deployments that have to look again when the settings change. */
  readonly watches: readonly Watch[];
  readonly kserveNamespace: DeclaredNamespace;
}
