/**
 * A mimic of OpenShift's SecurityContextConstraints `restricted-v2`, as a ValidatingAdmissionPolicy: it refuses what that constraint refuses to a pod whose
 * service account has no other. It is not OpenShift, and it assigns nothing: where OpenShift writes a user of the namespace's range into a pod that names
 * none, the pod stays as it is.
 *
 * Written after https://docs.redhat.com/en/documentation/openshift_container_platform/4.16/html/authentication_and_authorization/managing-pod-security-policies
 */

/** What OpenShift writes on each namespace: its first user, and how many it has. */
export const uidRange = {
  'openshift.io/sa.scc.uid-range': '1000680000/10000',
  'openshift.io/sa.scc.supplemental-groups': '1000680000/10000',
};
/** A user of that range. */
export const uidInRange = 1_000_680_005;

const volumeKinds = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];
const isInRange = (number: string) => `(${number} >= variables.first && ${number} < variables.first + variables.count)`;
const context = (path: string, field: string) => `has(${path}.securityContext) && has(${path}.securityContext.${field})`;
const ofEach = (field: string, rule: string) => `variables.containers.all(c, !(${context('c', field)}) || ${rule})`;
const ofPod = (field: string, rule: string) => `(!(${context('object.spec', field)}) || ${rule})`;
const range = 'must be in the ranges: [1000680000, 1000689999]';

export const restrictedV2: readonly object[] = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'mimic-of-restricted-v2' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] },
      variables: [
        {
          name: 'range',
          expression: `has(namespaceObject.metadata.annotations) && 'openshift.io/sa.scc.uid-range' in namespaceObject.metadata.annotations
            ? namespaceObject.metadata.annotations['openshift.io/sa.scc.uid-range'] : ''`,
        },
        { name: 'isElsewhere', expression: "variables.range == ''" },
        { name: 'first', expression: "variables.isElsewhere ? 0 : int(variables.range.split('/')[0])" },
        { name: 'count', expression: "variables.isElsewhere ? 0 : int(variables.range.split('/')[1])" },
        { name: 'containers', expression: 'object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])' },
      ],
      validations: [
        [
          `${ofPod('runAsUser', isInRange('object.spec.securityContext.runAsUser'))} && ${ofEach('runAsUser', isInRange('c.securityContext.runAsUser'))}`,
          `runAsUser: ${range}`,
        ],
        [ofPod('fsGroup', isInRange('object.spec.securityContext.fsGroup')), `fsGroup: ${range}`],
        [ofEach('privileged', '!c.securityContext.privileged'), 'privileged: Privileged containers are not allowed'],
        [
          ofEach('allowPrivilegeEscalation', '!c.securityContext.allowPrivilegeEscalation'),
          'allowPrivilegeEscalation: Allowing privilege escalation for containers is not allowed',
        ],
        [
          ofEach(
            'capabilities',
            "!has(c.securityContext.capabilities.add) || c.securityContext.capabilities.add.all(one, one == 'NET_BIND_SERVICE')",
          ),
          'capabilities.add: capability may not be added',
        ],
        [
          `${ofPod('seccompProfile', "object.spec.securityContext.seccompProfile.type == 'RuntimeDefault'")}
            && ${ofEach('seccompProfile', "c.securityContext.seccompProfile.type == 'RuntimeDefault'")}`,
          'seccomp: must be runtime/default',
        ],
        [
          '!(has(object.spec.hostNetwork) && object.spec.hostNetwork || has(object.spec.hostPID) && object.spec.hostPID || has(object.spec.hostIPC) && object.spec.hostIPC)',
          'Host network, process and IPC namespaces are not allowed',
        ],
        [
          `!has(object.spec.volumes) || object.spec.volumes.all(v, ${volumeKinds.map((kind) => `has(v.${kind})`).join(' || ')})`,
          'spec.volumes: a volume of this kind is not allowed to be used',
        ],
      ].map(([rule, message]) => ({ expression: `variables.isElsewhere || (${rule})`, message, reason: 'Forbidden' })),
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'mimic-of-restricted-v2' },
    spec: { policyName: 'mimic-of-restricted-v2', validationActions: ['Deny'] },
  },
];
