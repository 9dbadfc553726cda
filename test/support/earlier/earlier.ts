/** What is upgraded from: the chart and the program of the commit in origin.json, kept by make.ts. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { oneModule } from '../../../hack/bundle.ts';

const root = resolve(import.meta.dirname, '../../..');

/** The chart, as Helm takes it. */
export const earlierChart = join(import.meta.dirname, 'chart.tar.gz');

/** Writes the program into `folder`, with the packages of this checkout; gives its file, `modelwright.js`. */
export async function earlierProgram(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, 'modelwright.js');
  await build({
    ...oneModule,
    stdin: { contents: gunzipSync(readFileSync(join(import.meta.dirname, 'program.mjs.gz'))).toString(), resolveDir: root, loader: 'js' },
    outfile,
  });
  return outfile;
}
