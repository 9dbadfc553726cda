/** What only several manifests together show: the same object twice, or the same model under two names. */
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import { describeIdentity, identityOf } from '../../controllers/deployment/identity.ts';
import type { Finding } from '../../models/finding.ts';

export interface RepetitionJudge {
  /** Any object of ours. Applied together, the later of two would replace the earlier. */
  object(object: Readonly<Record<string, unknown>>, file: string): Finding[];
  /** A deployment that keeps its schema. The operator accepts both and says so in the condition IdentityUnique. */
  model(deployment: ModelDeployment, file: string): Finding[];
}

/** A judge that remembers what it was asked before; the later of two is the one that is found. */
export function repetitionJudge(): RepetitionJudge {
  const objects = new Map<string, string>();
  const models = new Map<string, string>();
  return {
    object: (object, file) => repeatedObject(object, file, objects),
    model: (deployment, file) => repeatedModel(deployment, file, models),
  };
}

function repeatedObject(object: Readonly<Record<string, unknown>>, file: string, seen: Map<string, string>): Finding[] {
  const { name, namespace } = metadataOf(object);
  if (name === undefined) return [];
  const earlier = remember(seen, [object['kind'], namespace, name], file);
  if (earlier === undefined) return [];
  return [
    {
      code: 'MW-L2010',
      severity: 'error',
      path: 'metadata.name',
      sentence: `${object['kind']} ${name} stands in ${earlier} already; applied together, the later one replaces the earlier.`,
      fix: 'Rename one of the two, or give them different namespaces.',
    },
  ];
}

function repeatedModel(deployment: ModelDeployment, file: string, seen: Map<string, string>): Finding[] {
  const { name, namespace = '' } = deployment.metadata;
  const identity = identityOf(deployment);
  if (identity === undefined) return [];
  const earlier = remember(seen, [namespace, identity], `${name} in ${file}`);
  if (earlier === undefined || earlier.startsWith(`${name} in `)) return [];
  return [
    {
      code: 'MW-L2012',
      severity: 'warning',
      path: 'spec.model',
      sentence: `ModelDeployment ${earlier} describes the same model: ${describeIdentity(deployment)}.`,
      fix: 'Give spec.model.version, or whatever else tells the two apart.',
    },
  ];
}

function remember(seen: Map<string, string>, key: readonly unknown[], place: string): string | undefined {
  const text = JSON.stringify(key);
  const earlier = seen.get(text);
  if (earlier === undefined) seen.set(text, place);
  return earlier;
}

function metadataOf(object: Readonly<Record<string, unknown>>): { name: string | undefined; namespace: string } {
  const metadata = object['metadata'] as { name?: unknown; namespace?: unknown } | null | undefined;
  return {
    name: typeof metadata?.name === 'string' ? metadata.name : undefined,
    namespace: typeof metadata?.namespace === 'string' ? metadata.namespace : '',
  };
}
