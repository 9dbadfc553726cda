/**
 * What can run in a control plane: versions, how each binary is found, and how it is built from its Go module.
 * The modules in `modules/COMPONENT/` pin every dependency; a version changes here and there together.
 */

import { KSERVE_MODULE, KSERVE_RELEASES, type KServeVersion } from './kserve-releases.ts';

/** One program of a component. */
export interface BinarySource {
  /** Go import path, or a folder of the wrapper module (`./controller`). */
  readonly package: string;
  /** Whether a program of this name on PATH, or in KUBEBUILDER_ASSETS, can be ours. */
  readonly outside?: {
    /** Prints the version. */
    readonly args: readonly string[];
    /** The versions on PATH that are taken; a person who sets KUBEBUILDER_ASSETS has chosen already. */
    readonly accepts: RegExp;
  };
}

/** YAML that a component's Go modules carry and a control plane applies. */
export interface ModuleFiles {
  readonly module: string;
  /** Files and folders in the module; a folder is copied with all below it. */
  readonly paths: readonly string[];
}

export interface Component {
  readonly name: string;
  readonly version: string;
  /** Folder below `modules/`. */
  readonly module: string;
  readonly binaries: Readonly<Record<string, BinarySource>>;
  readonly ldflags?: string;
  readonly files?: readonly ModuleFiles[];
  /** Folders with Go source of ours: a change there makes another cache entry. */
  readonly sources?: readonly string[];
}

export const KUBERNETES_VERSION = '1.34.4';

const [major, minor] = KUBERNETES_VERSION.split('.');
const stamp = [
  `k8s.io/component-base/version.gitVersion=v${KUBERNETES_VERSION}`,
  `k8s.io/component-base/version.gitMajor=${major}`,
  `k8s.io/component-base/version.gitMinor=${minor}`,
  `k8s.io/client-go/pkg/version.gitVersion=v${KUBERNETES_VERSION}`,
];

export const ETCD = {
  name: 'etcd',
  version: '3.6.14',
  module: 'etcd',
  binaries: { etcd: { package: 'go.etcd.io/etcd/server/v3', outside: { args: ['--version'], accepts: /etcd Version: 3\.[56]\./ } } },
} as const satisfies Component;

export const KUBERNETES = {
  name: 'kubernetes',
  version: KUBERNETES_VERSION,
  module: 'kubernetes',
  // Without the stamp the API server calls itself v0.0.0, and Knative refuses to start on it.
  ldflags: stamp.map((value) => `-X ${value}`).join(' '),
  binaries: {
    'kube-apiserver': { package: 'k8s.io/kubernetes/cmd/kube-apiserver', outside: { args: ['--version'], accepts: /v1\.34\./ } },
    // kubectl may be one minor version away from the server.
    kubectl: {
      package: 'k8s.io/kubernetes/cmd/kubectl',
      outside: { args: ['version', '--client'], accepts: /Client Version: v1\.3[345]\./ },
    },
    'kube-controller-manager': {
      package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
      outside: { args: ['--version'], accepts: /v1\.34\./ },
    },
    'kube-scheduler': { package: 'k8s.io/kubernetes/cmd/kube-scheduler', outside: { args: ['--version'], accepts: /v1\.34\./ } },
    kubelet: { package: 'k8s.io/kubernetes/cmd/kubelet', outside: { args: ['--version'], accepts: /v1\.34\./ } },
    'kube-proxy': { package: 'k8s.io/kubernetes/cmd/kube-proxy', outside: { args: ['--version'], accepts: /v1\.34\./ } },
  },
} as const satisfies Component;

export const KWOK = {
  name: 'kwok',
  version: '0.7.0',
  module: 'kwok',
  binaries: { kwok: { package: 'sigs.k8s.io/kwok/cmd/kwok', outside: { args: ['--version'], accepts: /v0\.7\./ } } },
} as const satisfies Component;

/** With a main program of our own that has the few plugins a local node needs. */
export const COREDNS = {
  name: 'coredns',
  version: '1.12.4',
  module: 'coredns',
  sources: ['server'],
  binaries: { coredns: { package: './server' } },
} as const satisfies Component;

export const KNATIVE = {
  name: 'knative',
  // Knative 1.23.
  version: '0.50.0',
  module: 'knative',
  sources: ['controller', 'autoscaler'],
  binaries: {
    'knative-controller': { package: './controller' },
    'knative-webhook': { package: 'knative.dev/serving/cmd/webhook' },
    'knative-autoscaler': { package: './autoscaler' },
  },
  files: [
    { module: 'knative.dev/serving', paths: ['config/core/300-resources', 'config/core/configmaps', 'config/core/webhooks'] },
    {
      module: 'knative.dev/networking',
      paths: [
        'config/certificate.yaml',
        'config/domain-claim.yaml',
        'config/ingress.yaml',
        'config/serverlessservice.yaml',
        'config/config-network.yaml',
      ],
    },
    { module: 'knative.dev/caching', paths: ['config/image.yaml'] },
  ],
} as const satisfies Component;

/** Not part of a control plane: the tests of the chart run it. The releases of both lines, each from a module of its own. */
export const HELM = {
  name: 'helm',
  version: '4.3.1',
  module: 'helm',
  ldflags: '-X helm.sh/helm/v4/internal/version.version=v4.3.1',
  binaries: { helm: { package: 'helm.sh/helm/v4/cmd/helm', outside: { args: ['version', '--short'], accepts: /^v4\./ } } },
} as const satisfies Component;

export const HELM_3 = {
  name: 'helm-3',
  version: '3.22.0',
  module: 'helm-3',
  ldflags: '-X helm.sh/helm/v3/internal/version.version=v3.22.0',
  binaries: { helm: { package: 'helm.sh/helm/v3/cmd/helm', outside: { args: ['version', '--short'], accepts: /^v3\./ } } },
} as const satisfies Component;

/** Not part of a control plane: judges by the code of Argo CD's Lua, Flux and Prometheus what we ship for them. */
export const JUDGES = {
  name: 'judges',
  version: '1',
  module: 'judges',
  sources: ['judge'],
  binaries: { judge: { package: './judge' } },
} as const satisfies Component;

/** Not part of a control plane: the kinds of the Prometheus operator, for tests that install the chart with them. */
export const PROMETHEUS_OPERATOR = {
  name: 'prometheus-operator',
  version: '0.85.0',
  module: 'prometheus-operator',
  binaries: {},
  files: [
    {
      module: 'github.com/prometheus-operator/prometheus-operator',
      paths: ['servicemonitors', 'prometheusrules'].map((plural) => `example/prometheus-operator-crd/monitoring.coreos.com_${plural}.yaml`),
    },
  ],
} as const satisfies Component;

/** Not part of a control plane: programs of KServe in Python that are in none of its packages on PyPI. */
export const KSERVE_PYTHON = {
  name: 'kserve',
  version: '0.20.0',
  module: 'kserve-0.20.0',
  binaries: {},
  files: [
    {
      module: KSERVE_MODULE,
      paths: [
        ...['__init__', '__main__', 'model', 'sklearn_model_repository'].map((file) => `python/sklearnserver/sklearnserver/${file}.py`),
        'python/storage-initializer/scripts/initializer-entrypoint',
      ],
    },
  ],
} as const satisfies Component;

/** KServe of one release; each has a wrapper module of its own. */
export function kserve(version: KServeVersion): Component {
  return {
    name: 'kserve',
    version,
    module: `kserve-${version}`,
    binaries: { [managerOf(version)]: { package: 'github.com/kserve/kserve/cmd/manager' } },
    files: [{ module: KSERVE_MODULE, paths: KSERVE_RELEASES[version].folders }],
  };
}

/** The name of a KServe manager's program: those of several releases lie side by side in the cache. */
export function managerOf(version: KServeVersion): string {
  return `kserve-manager-${version}`;
}
