/** Bundles the CLI and operator into dist/modelwright.js: one ESM file that needs no node_modules (the image carries only this). */
import { chmod, readFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const outfile = 'dist/modelwright.js';
await build({
  entryPoints: ['src/cli/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  sourcemap: 'external',
  legalComments: 'external',
  define: { 'process.env.MODELWRIGHT_VERSION': JSON.stringify(version) },
  banner: {
    js: "#!/usr/bin/env -S node --max-semi-space-size=4\nimport { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
await chmod(outfile, 0o755);
console.log(`built ${outfile} (${version})`);
