/** A recommendation as a file for a repository. Pure. */
import { dump } from 'js-yaml';
import { apiVersion } from '../../../api/kind.ts';

/** What the file is called in its ConfigMap, and in a repository. */
export const patchKey = 'patch.yaml';

/**
 * The patch as YAML: a merge patch that kustomize takes (`patches: [{path: patch.yaml, target: {kind: ModelDeployment, name: iris}}]`: with a target it is of no
 * matter whether the manifest has a namespace), and `kubectl patch --patch-file`.
 *
 * @param patch JSON merge patch of the ModelDeployment, as status.recommendation has it
 */
export function patchFile(modelDeployment: string, patch: string): string {
  const changes = JSON.parse(patch) as object;
  return dump({ apiVersion, kind: 'ModelDeployment', metadata: { name: modelDeployment }, ...changes }, { lineWidth: -1, noRefs: true });
}
