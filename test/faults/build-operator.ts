/** Makes the program under test: `src/` and the campaign's ear in one file, as it is or with one defect sewn in. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { oneModule } from '../../hack/bundle.ts';

const root = resolve(import.meta.dirname, '../..');

/** One change to one file. `find` must occur there exactly once: a defect that no longer fits the source is an error, not a pass. */
export interface Replacement {
  /** Below `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Builds into `folder` and returns the program's path. */
export async function buildOperator(folder: string, replacements: readonly Replacement[] = []): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'test/faults'), { recursive: true });
  cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  cpSync(join(import.meta.dirname, 'instrumented.ts'), join(folder, 'test/faults/instrumented.ts'));
  for (const { file, find, replace } of replacements) {
    const path = join(folder, 'src', file);
    const text = readFileSync(path, 'utf8');
    const count = text.split(find).length - 1;
    if (count !== 1)
      throw new Error(`src/${file} has ${count} places that read:\n${find}\nA defect must fit exactly one; adapt it to the source.`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  const outfile = join(folder, 'operator.js');
  await build({
    ...oneModule,
    entryPoints: [join(folder, 'test/faults/instrumented.ts')],
    outfile,
    keepNames: true,
    define: { 'process.env.MODELWRIGHT_VERSION': '"fault-campaign"' },
    nodePaths: [join(root, 'node_modules')],
  });
  return outfile;
}
