/**
 * Keeps the chart and the program of a commit for the tests of upgrades, until there are releases to take them from:
 *
 *   node test/support/earlier/make.ts COMMIT
 *
 * The program is `src/` of that commit in one file, without the packages that it uses.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../../..');
const run = (command: string, args: readonly string[], input?: Buffer) =>
  execFileSync(command, args, { cwd: root, maxBuffer: 256 << 20, ...(input && { input }) });

const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('give the commit');
const [commit = '', date = '', subject = ''] = run('git', ['log', '-1', '--format=%H%n%cI%n%s', given]).toString().split('\n');
const folder = mkdtempSync(join(tmpdir(), 'modelwright-earlier-'));
try {
  run('tar', ['-x', '-C', folder], run('git', ['archive', '--format=tar', commit, 'charts/modelwright', 'src', 'package.json']));
  const sorted = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  const chart = run('tar', ['-c', ...sorted, '-C', join(folder, 'charts'), 'modelwright']);
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'src/cli/main.ts')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    write: false,
    define: { 'process.env.MODELWRIGHT_VERSION': JSON.stringify(`earlier-${commit.slice(0, 7)}`) },
  });
  const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(import.meta.dirname, name), bytes);
  write('chart.tar.gz', gzipSync(chart, { level: 9 }));
  write('program.mjs.gz', gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }));
  write('origin.json', `${JSON.stringify({ commit, date, subject }, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
