/** Whether a ModelDeployment comes from a repository: then what a profile would write is undone by the next sync, or is drift. Pure. */
import type { ObjectMeta } from '../../../kube/object.ts';
import { type ManagedFields, ownsSpec } from './ownership.ts';

/** A tool that holds the object to what a repository or a release says, and how that was seen. */
export interface GitOps {
  readonly tool: 'Argo CD' | 'Flux' | 'Helm';
  readonly by: string;
}

/** What the tools write on the objects that they track, as their documentation has it. */
const marks: readonly (readonly [tool: GitOps['tool'], where: 'annotations' | 'labels', key: string, value?: string])[] = [
  ['Argo CD', 'annotations', 'argocd.argoproj.io/tracking-id'],
  ['Argo CD', 'labels', 'argocd.argoproj.io/instance'],
  ['Flux', 'labels', 'kustomize.toolkit.fluxcd.io/name'],
  ['Flux', 'labels', 'helm.toolkit.fluxcd.io/name'],
  ['Helm', 'annotations', 'meta.helm.sh/release-name'],
  ['Helm', 'labels', 'app.kubernetes.io/managed-by', 'Helm'],
];

/** Their field managers. `app.kubernetes.io/instance`, by which Argo CD before 3.0 tracked, is a label of many others: there its managers tell. */
const managers: Readonly<Record<string, GitOps['tool']>> = {
  'argocd-controller': 'Argo CD',
  'argocd-application-controller': 'Argo CD',
  'kustomize-controller': 'Flux',
  'helm-controller': 'Flux',
  helm: 'Helm',
};

/** By labels and annotations alone, which caches keep. */
export function markedBy(metadata: Pick<ObjectMeta, 'labels' | 'annotations'>): GitOps | undefined {
  const found = marks.find(([, where, key, value]) => {
    const is = metadata[where]?.[key];
    return is !== undefined && (value === undefined || is === value);
  });
  if (found === undefined) return undefined;
  const [tool, where, key] = found;
  return { tool, by: `${where === 'labels' ? 'label' : 'annotation'} ${key}` };
}

export function gitOpsOf(metadata: ObjectMeta & { readonly managedFields?: readonly ManagedFields[] }): GitOps | undefined {
  const marked = markedBy(metadata);
  if (marked !== undefined) return marked;
  const owner = metadata.managedFields?.find((entry) => managers[entry.manager ?? ''] !== undefined && ownsSpec(entry));
  const tool = managers[owner?.manager ?? ''];
  return tool === undefined || owner?.manager === undefined ? undefined : { tool, by: `field manager ${owner.manager}` };
}
