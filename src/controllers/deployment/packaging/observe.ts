import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Dialect } from '../../../kserve/dialect.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import type { DeploymentStores } from '../stores.ts';
import type { PackagingObserved } from './decide.ts';
import type { PackageStatus } from './outcome.ts';
import type { NamespaceIdentity } from './repository.ts';
import type { PackagingSettings } from './settings.ts';
import { type PackagingStores, packagingIndex } from './stores.ts';

export interface ObservePackagingPorts {
  readonly stores: Pick<DeploymentStores, 'modelDeployments' | 'packaging'>;
  readonly dialect: Dialect;
  readonly settings: PackagingSettings | undefined;
  readonly sourceHosts: readonly string[];
  readonly serviceAccounts: readonly string[];
  /** The operator's own. */
  readonly image: string | undefined;
  readonly now: number;
}

/** Everything about the packaging of one deployment, from the caches. */
export function observePackaging(
  deployment: Cached<ModelDeployment>,
  { stores, dialect, settings, sourceHosts, serviceAccounts, image, now }: ObservePackagingPorts,
): PackagingObserved {
  const { namespace = '', name, uid } = deployment.metadata;
  const { jobs, pods } = stores.packaging;
  const id = `${namespace}/${name}`;
  return {
    deployment,
    dialect,
    settings,
    sourceHosts,
    serviceAccounts,
    namespace: namespaceOf(namespace, stores.packaging),
    image: settings?.jobs.image ?? image,
    // One that was made for an earlier deployment of this name is about to be collected.
    jobs: jobs.byIndex(packagingIndex, id).filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid)),
    pods: pods.byIndex(packagingIndex, id),
    // Looked up when a package is about to be made, and not for each of thousands of deployments that need none.
    get siblings() {
      return packagesOfOthers(deployment, stores.modelDeployments);
    },
    now,
  };
}

function packagesOfOthers({ metadata: { namespace, uid } }: Cached<ModelDeployment>, store: Store<ModelDeployment>): PackageStatus[] {
  return store
    .list(namespace)
    .flatMap(({ metadata, status }) => (metadata.uid === uid || status?.package === undefined ? [] : [status.package as PackageStatus]));
}

function namespaceOf(name: string, { namespaces }: PackagingStores): NamespaceIdentity | undefined {
  const found = namespaces.get({ name });
  return found === undefined ? undefined : { name, uid: found.metadata.uid, labels: found.metadata.labels ?? {} };
}
