/** Where a command finds a ModelProfile: in the cluster, or in a file that an earlier command wrote. */
import { load } from 'js-yaml';
import { type ModelProfile, modelProfile } from '../../api/model-profile/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound, isResourceAbsent } from '../../kube/errors.ts';
import type { Stored } from '../../kube/object.ts';
import { readFile } from '../bench/flags.ts';
import { type ConnectionOptions, withClient } from '../connection.ts';
import { Failure } from '../failure.ts';
import { kubectlYaml } from '../lint/kubectl-yaml.ts';

export interface NamespaceOptions extends ConnectionOptions {
  readonly namespace?: string;
}

/** Reads it from the cluster; undefined where there is none of that name. */
export async function findProfile(client: KubeClient, name: string, namespace?: string): Promise<Stored<ModelProfile> | undefined> {
  try {
    return await client.get(modelProfile, { name, namespace: namespace ?? client.namespace });
  } catch (error) {
    if (isResourceAbsent(error))
      throw new Failure('this cluster does not know ModelProfiles; install the CRDs of Modelwright, or choose another context');
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export async function readProfile(client: KubeClient, name: string, namespace?: string): Promise<Stored<ModelProfile>> {
  const found = await findProfile(client, name, namespace);
  if (found === undefined) throw absent(name, namespace ?? client.namespace);
  return found;
}

/** A name in the cluster, or a file ending in .json, .yaml or .yml; a file needs no cluster. */
export async function readAnywhere(reference: string, options: NamespaceOptions): Promise<ModelProfile> {
  if (isFile(reference)) return profileIn(reference);
  return withClient(options, (client) => readProfile(client, reference, options.namespace));
}

export function isFile(reference: string): boolean {
  return /\.(json|ya?ml)$/.test(reference);
}

function profileIn(file: string): ModelProfile {
  const text = readFile(file, 'the file').toString();
  let value: unknown;
  try {
    // Every JSON document is YAML too.
    value = load(text, { schema: kubectlYaml });
  } catch (error) {
    throw new Failure(`${file} is neither JSON nor YAML: ${(error as Error).message}`);
  }
  const object = value as Partial<ModelProfile> | null;
  if (object?.kind !== 'ModelProfile' || object.spec?.target === undefined || object.metadata?.name === undefined)
    throw new Failure(`${file} holds no ModelProfile; write one with: modelwright profile export NAME --json ${file}`);
  return object as ModelProfile;
}

function absent(name: string, namespace: string): Failure {
  return new Failure(
    `there is no ModelProfile ${name} in namespace ${namespace}; make one with: modelwright profile run ${name} -n ${namespace}`,
  );
}

/** As it is shown and exported: without what only the API server needs. */
export function presentable(profile: ModelProfile): ModelProfile {
  const { name, namespace, creationTimestamp, generation, labels, annotations = {} } = profile.metadata;
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...kept } = annotations;
  return {
    apiVersion: profile.apiVersion,
    kind: profile.kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
      ...(generation !== undefined && { generation }),
      ...(labels !== undefined && { labels }),
      ...(Object.keys(kept).length > 0 && { annotations: kept }),
    },
    spec: profile.spec,
    ...(profile.status !== undefined && { status: profile.status }),
  };
}
