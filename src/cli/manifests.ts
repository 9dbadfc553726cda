import { loadAll } from 'js-yaml';
import { group } from '../api/kind.ts';
import { type ModelDeployment, modelDeployment } from '../api/model-deployment/index.ts';
import { Failure } from './failure.ts';
import { judgeManifests } from './lint/judge-manifests.ts';
import { kubectlYaml } from './lint/kubectl-yaml.ts';
import { printFinding } from './lint/manifest-finding.ts';
import { readFiles } from './lint/read-files.ts';

/**
 * Reads the ModelDeployments of files, folders or standard input (`-`). Other kinds are somebody else's.
 *
 * @throws Failure when there is none, or with a line for everything that the API server would refuse.
 */
export async function readModelDeployments(paths: readonly string[]): Promise<ModelDeployment[]> {
  const files = await readFiles(paths);
  const errors = judgeManifests(files).findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Failure(`these manifests are not valid:\n${errors.map(printFinding).join('\n')}`);
  const found = files.flatMap(({ text }) => loadAll(text, { schema: kubectlYaml }).flatMap(objectsOf));
  if (found.length === 0) throw new Failure(`no ModelDeployment in ${paths.join(', ')}`);
  return found;
}

function objectsOf(document: unknown): ModelDeployment[] {
  const { kind, apiVersion, items } = (document ?? {}) as { kind?: unknown; apiVersion?: unknown; items?: unknown };
  if (Array.isArray(items)) return (items as unknown[]).flatMap(objectsOf);
  return kind === modelDeployment.kind && String(apiVersion).startsWith(`${group}/`) ? [document as ModelDeployment] : [];
}
