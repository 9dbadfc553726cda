/** How the KServe releases that run here differ from each other. */

export const KSERVE_MODULE = 'github.com/kserve/kserve';

/** Newest first. */
export const KSERVE_VERSIONS = ['0.20.0', '0.15.2', '0.11.2', '0.9.0', '0.7.0'] as const;
export type KServeVersion = (typeof KSERVE_VERSIONS)[number];

export interface KServeRelease {
  /** Folders of the module that are kept beside the binary; the first has the CRDs. */
  readonly folders: readonly [string, ...string[]];
  /** Folders with a kustomization to apply after the webhooks serve. */
  readonly kustomizations: readonly string[];
  /** Which of its ports can be set; the webhook's is 9443 where it cannot. */
  readonly flags: readonly ('health-probe-addr' | 'webhook-port')[];
  /** 0.7's webhook library answers reviews in v1beta1 only, whatever it is sent. */
  readonly reviewVersion: 'v1' | 'v1beta1';
  /** KServe renamed the mode in 0.16. */
  readonly defaultDeploymentMode: 'Standard' | 'RawDeployment';
}

/** The webhook's port where a release has no flag for it. */
export const FIXED_WEBHOOK_PORT = 9443;

export const KSERVE_RELEASES: Readonly<Record<KServeVersion, KServeRelease>> = {
  '0.20.0': {
    folders: ['config/crd/full', 'config/configmap', 'config/webhook', 'config/runtimes', 'config/storagecontainers'],
    kustomizations: ['config/runtimes', 'config/storagecontainers'],
    flags: ['health-probe-addr', 'webhook-port'],
    reviewVersion: 'v1',
    defaultDeploymentMode: 'Standard',
  },
  '0.15.2': {
    folders: ['config/crd/full', 'config/configmap', 'config/webhook', 'config/runtimes', 'config/storagecontainers'],
    kustomizations: ['config/runtimes', 'config/storagecontainers'],
    flags: ['health-probe-addr', 'webhook-port'],
    reviewVersion: 'v1',
    defaultDeploymentMode: 'RawDeployment',
  },
  '0.11.2': {
    folders: ['config/crd', 'config/configmap', 'config/webhook', 'config/runtimes'],
    kustomizations: ['config/runtimes'],
    flags: ['webhook-port'],
    reviewVersion: 'v1',
    defaultDeploymentMode: 'RawDeployment',
  },
  '0.9.0': {
    folders: ['config/crd', 'config/configmap', 'config/webhook', 'config/runtimes'],
    kustomizations: ['config/runtimes'],
    flags: [],
    reviewVersion: 'v1',
    defaultDeploymentMode: 'RawDeployment',
  },
  '0.7.0': {
    folders: ['config/crd', 'config/configmap', 'config/webhook'],
    kustomizations: [],
    flags: [],
    reviewVersion: 'v1beta1',
    defaultDeploymentMode: 'RawDeployment',
  },
};
