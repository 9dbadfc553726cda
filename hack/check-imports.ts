/**
 * Checks that imports only go downwards: cli → controllers → {kserve, packaging, load, registry} → {models, kube} → {api, telemetry}.
 * Folders of one level do not import each other. Prints each violation and exits 1.
 */
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';

/** What a folder of `src/` may import besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  api: [],
  telemetry: [],
  models: ['api'],
  kube: ['telemetry'],
  kserve: ['models', 'kube', 'api', 'telemetry'],
  packaging: ['models', 'api', 'telemetry'],
  load: ['models', 'telemetry'],
  registry: ['models', 'kube', 'api', 'telemetry'],
  controllers: ['kserve', 'packaging', 'load', 'registry', 'models', 'kube', 'api', 'telemetry'],
  cli: ['controllers', 'kserve', 'packaging', 'load', 'registry', 'models', 'kube', 'api', 'telemetry'],
};

const specifiers =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;

async function violations(): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob('src/**/*.ts')) {
    const from = file.split(sep)[1] ?? '';
    const may = allowed[from];
    if (may === undefined) {
      found.push(`${file}: src/${from} is not a known folder; add it to hack/check-imports.ts`);
      continue;
    }
    for (const match of readFileSync(file, 'utf8').matchAll(specifiers)) {
      const specifier = match[1] ?? match[2] ?? match[3] ?? '';
      if (!specifier.startsWith('.')) continue;
      const target = normalize(join(dirname(file), specifier)).split(sep);
      if (target[0] !== 'src') {
        if (!file.endsWith('.test.ts')) found.push(`${file}: imports ${specifier}, which lies outside src/`);
      } else if (target[1] !== from && !may.includes(target[1] ?? '')) {
        found.push(`${file}: ${from} must not import ${target[1]} (${specifier})`);
      }
    }
  }
  return found;
}

const found = await violations();
for (const line of found) console.error(line);
console.log(found.length === 0 ? 'imports: all go downwards' : `imports: ${found.length} violation(s)`);
process.exitCode = found.length === 0 ? 0 : 1;
