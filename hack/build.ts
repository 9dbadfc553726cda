/**
 * Bundles the CLI and the operator into dist/: ESM that needs no node_modules (the image carries only this). `modelwright.js` is the program,
 * `load-worker.js` its sending thread; what only some commands need lies in chunks of its own, so that the operator does not hold it in memory.
 */
import { chmod, readFile, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const outdir = 'dist';
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { modelwright: 'src/cli/main.ts', 'load-worker': 'src/load/engine/worker.ts' },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  // Comments with one character beyond Latin-1 would make V8 keep the whole text in two bytes a character.
  minifyWhitespace: true,
  sourcemap: 'external',
  legalComments: 'external',
  define: { 'process.env.MODELWRIGHT_VERSION': JSON.stringify(version) },
  banner: {
    js: "#!/usr/bin/env -S node --max-semi-space-size=4\nimport { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
await chmod(`${outdir}/modelwright.js`, 0o755);
console.log(`built ${outdir}/modelwright.js (${version})`);
