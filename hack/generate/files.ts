/** The generated files: path from the repository's root, and content. */
import type { KindDefinition } from '../../src/api/kind.ts';
import { modelDeployment } from '../../src/api/model-deployment/index.ts';
import { modelProfile } from '../../src/api/model-profile/index.ts';
import { servingPlatform } from '../../src/api/serving-platform/index.ts';
import { accuracySampleSchema } from '../../src/load/accuracy/schema.ts';
import { benchReportSchema } from '../../src/load/report/schema.ts';
import { chartFiles } from './chart/files.ts';
import { customResourceDefinition } from './crd.ts';
import { lintPage } from './lint-page.ts';
import { referencePage } from './reference.ts';
import { troubleshootingPage } from './troubleshooting/page.ts';
import { toYaml } from './yaml.ts';

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...filesOf(modelDeployment),
    ...filesOf(modelProfile),
    ...filesOf(servingPlatform),
    ...chartFiles([modelDeployment, modelProfile, servingPlatform]),
    ['docs/reference/lint.md', lintPage()],
    ['docs/troubleshooting.md', troubleshootingPage()],
    ['schemas/accuracy-sample.schema.json', `${JSON.stringify(accuracySampleSchema, null, 2)}\n`],
    ['schemas/bench-report.schema.json', `${JSON.stringify(benchReportSchema, null, 2)}\n`],
  ]);
}

function filesOf<T>(definition: KindDefinition<T>): [path: string, content: string][] {
  const header = '# Generated from src/api by "npm run generate"; do not edit.\n';
  return [
    [`crds/${definition.group}_${definition.plural}.yaml`, `${header}${toYaml(customResourceDefinition(definition))}`],
    [`docs/reference/${definition.singular}.md`, referencePage(definition)],
  ];
}
