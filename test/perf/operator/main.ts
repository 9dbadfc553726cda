/**
 * The operator's own figures: memory, start, throughput, failover, rest. The program is the bundle that the image carries, started as the image starts it,
 * against a real API server on the same machine.
 *
 *   npm run bench -- operator [--objects 5000] [--large] [--created 1000] [--runs 3] [--only idle,work,failover,scale]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { oneModule } from '../../../hack/bundle.ts';
import type { Figure } from '../figure.ts';
import { startCluster } from './cluster.ts';
import { failoverFigures } from './failover.ts';
import { idleFigure, scaleFigures } from './scale.ts';
import { createdAtOnce, twoWrites } from './throughput.ts';

const root = resolve(import.meta.dirname, '../../..');
const say = (line: string) => console.error(`  ${line}`);

export async function bench(args: readonly string[]): Promise<readonly Figure[]> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      objects: { type: 'string', default: '5000' },
      created: { type: 'string', default: '1000' },
      large: { type: 'boolean', default: false },
      runs: { type: 'string', default: '3' },
      only: { type: 'string', default: 'idle,work,failover,scale' },
    },
  });
  const runs = Number(values.runs);
  const parts = new Set(values.only.split(','));
  await using cluster = await startCluster(say);
  // Not into dist/, which others may be running.
  const folder = join(cluster.plane.dir, 'bench');
  const program = join(folder, 'dist/modelwright.js');
  execFileSync(process.execPath, ['hack/build.ts', dirname(program)], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const figures: Figure[] = [];
  const add = (...more: Figure[]) => {
    figures.push(...more);
    for (const { name, unit, median, spread, goal, met } of more) {
      say(`${name}: ${median} ${unit} (${spread.join(' to ')})${goal ? `, goal ${JSON.stringify(goal)}: ${met ? 'met' : 'MISSED'}` : ''}`);
    }
  };
  if (parts.has('idle')) add(await idleFigure({ cluster, program, runs }));
  const work = { cluster, program, runs, objects: Number(values.created), say };
  if (parts.has('work')) add(await createdAtOnce(work), await twoWrites(work));
  if (parts.has('failover')) add(...(await failoverFigures({ cluster, program, graceful: 5, killed: 3, say })));
  if (parts.has('scale')) {
    const bareProgram = await bundleBareList(folder);
    const counts = [Number(values.objects), ...(values.large ? [10_000] : [])];
    for (const objects of counts) add(...(await scaleFigures({ cluster, program, bareProgram, objects, runs, restSeconds: 90, say })));
  }
  return figures;
}

/** In one file, as the operator is, so that loading modules weighs the same. */
async function bundleBareList(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, 'bare-list.js');
  await build({
    ...oneModule,
    entryPoints: [join(import.meta.dirname, 'bare-list.ts')],
    outfile,
  });
  return outfile;
}
