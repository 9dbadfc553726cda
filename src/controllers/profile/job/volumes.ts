import { dirname } from 'node:path/posix';
import type { ModelProfileSpec } from '../../../api/model-profile/index.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import { secretFileMode } from '../../../kube/pod-security.ts';
import { payloadAnnotation } from '../labels.ts';
import { datasetFile, type Places, payloadFile, signatureFolder, tokenFile } from './arguments.ts';

/**
 * The files of a load pod: the payload, from the pod's own annotation or a ConfigMap; the token, from its Secret; labelled samples
 * from a ConfigMap; signatures for the model repository, and room for the archive of a full report while it is made.
 * @param access Secret with the signatures
 */
export function volumesOf(
  { payload, target, accuracy }: DeepReadonly<ModelProfileSpec>,
  access?: string,
  { upload }: Places = {},
): { readonly volumes: object[]; readonly mounts: object[] } {
  const volumes: object[] = [];
  const mounts: object[] = [];
  const mount = (name: string, file: string, source: object) => {
    volumes.push({ name, ...source });
    mounts.push({ name, mountPath: dirname(file), readOnly: true });
  };
  if (payload?.json !== undefined) {
    const item = { path: 'payload.json', fieldRef: { fieldPath: `metadata.annotations['${payloadAnnotation}']` } };
    mount('payload', payloadFile, { downwardAPI: { items: [item] } });
  }
  if (payload?.configMapKeyRef !== undefined) {
    const { name, key } = payload.configMapKeyRef;
    mount('payload', payloadFile, { configMap: { name, items: [{ key, path: 'payload.json' }] } });
  }
  if (target.tokenSecretRef !== undefined) {
    const { name, key } = target.tokenSecretRef;
    mount('token', tokenFile, { secret: { secretName: name, defaultMode: secretFileMode, items: [{ key, path: 'token' }] } });
  }
  const samples = accuracy?.dataset.configMapKeyRef;
  if (samples !== undefined) {
    const items = [{ key: samples.key, path: 'dataset.jsonl' }];
    mount('dataset', datasetFile, { configMap: { name: samples.name, items } });
  }
  if (access !== undefined) mount('access', `${signatureFolder}/0`, { secret: { secretName: access, defaultMode: secretFileMode } });
  if (upload !== undefined) {
    volumes.push({ name: 'tmp', emptyDir: { sizeLimit: '1Gi' } });
    mounts.push({ name: 'tmp', mountPath: '/tmp' });
  }
  return { volumes, mounts };
}
