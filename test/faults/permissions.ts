/** The operator of a campaign has the permissions that manifests/operator gives it, and no others: what it does after a fault must be among them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { type Api, applyPatch } from './api.ts';

const folder = join(import.meta.dirname, '../../manifests/operator');
const rbac = '/apis/rbac.authorization.k8s.io/v1';

/** Whom the API server takes the operator for. */
export const operatorUser = 'system:serviceaccount:modelwright-system:modelwright';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** The roles for the whole cluster. */
export async function permitCluster(api: Api): Promise<void> {
  const plurals: Readonly<Record<string, string>> = { ClusterRole: 'clusterroles', ClusterRoleBinding: 'clusterrolebindings' };
  for (const manifest of read('cluster-role.yaml')) {
    const plural = plurals[manifest.kind];
    if (plural !== undefined) await put(api, `${rbac}/${plural}/${manifest.metadata.name}`, manifest);
  }
}

/** Those that it has in its own namespace, in one where it runs in its place: its lease is there. */
export async function permitIn(api: Api, namespace: string): Promise<void> {
  const plurals: Readonly<Record<string, string>> = { Role: 'roles', RoleBinding: 'rolebindings' };
  for (const manifest of ['leader-election.yaml', 'repositories.yaml'].flatMap(read)) {
    const { name } = manifest.metadata;
    const here = { ...manifest, metadata: { ...manifest.metadata, namespace } };
    await put(api, `${rbac}/namespaces/${namespace}/${plurals[manifest.kind]}/${name}`, here);
  }
  await untilPermitted(api, namespace);
}

/** The API server learns of roles by a watch of its own. */
async function untilPermitted(api: Api, namespace: string): Promise<void> {
  const attributes = { namespace, verb: 'update', group: 'coordination.k8s.io', resource: 'leases', name: 'modelwright-operator' };
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: operatorUser, resourceAttributes: attributes },
  };
  for (let left = 300; left > 0; left -= 1) {
    const { status } = await api.must('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
    if (status.allowed === true) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`the operator has no right to its lease in ${namespace}`);
}

function read(file: string): Manifest[] {
  return (loadAll(readFileSync(join(folder, file), 'utf8')) as (Manifest | null)[]).filter((manifest) => manifest !== null);
}

async function put(api: Api, path: string, manifest: Manifest): Promise<void> {
  await api.must('PATCH', `${path}?fieldManager=campaign&force=true`, manifest, { contentType: applyPatch });
}
