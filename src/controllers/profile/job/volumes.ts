import { dirname } from 'node:path/posix';
import type { ModelProfileSpec } from '../../../api/model-profile/index.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import { payloadAnnotation } from '../labels.ts';
import { payloadFile, signatureFolder, tokenFile } from './arguments.ts';

/**
 * The files of a load pod: the payload, from the pod's own annotation or a ConfigMap; the token, from its Secret; and where the full report is uploaded,
 * signatures for that, and room for the archive while it is made.
 * @param uploadSecret Secret with the signatures
 */
export function volumesOf(
  { payload, target }: DeepReadonly<ModelProfileSpec>,
  uploadSecret?: string,
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
    // The group of the pod may read it, nobody else.
    mount('token', tokenFile, { secret: { secretName: name, defaultMode: 0o440, items: [{ key, path: 'token' }] } });
  }
  if (uploadSecret !== undefined) {
    mount('report', `${signatureFolder}/0`, { secret: { secretName: uploadSecret, defaultMode: 0o440 } });
    volumes.push({ name: 'tmp', emptyDir: { sizeLimit: '1Gi' } });
    mounts.push({ name: 'tmp', mountPath: '/tmp' });
  }
  return { volumes, mounts };
}
