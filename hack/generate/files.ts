/** The generated files, as path (from the repository's root) and content. */
import type { KindDefinition } from '../../src/api/kind.ts';
import { modelDeployment } from '../../src/api/model-deployment/index.ts';
import { crdName, customResourceDefinition } from './crd.ts';
import { toYaml } from './yaml.ts';

export const kinds = [modelDeployment] as const;

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map(kinds.flatMap((kind) => filesOf(kind)));
}

function filesOf<T>(definition: KindDefinition<T>): [string, string][] {
  const [plural, ...group] = crdName(definition).split('.');
  return [
    [
      `crds/${group.join('.')}_${plural}.yaml`,
      `# Generated from src/api by "npm run generate"; do not edit.\n${toYaml(customResourceDefinition(definition))}`,
    ],
  ];
}
