/** Bundles the CLI and the operator into dist/, which is all that the image carries of them; or into the folder that is given. */
import { chmod, readFile, rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const [outdir = 'dist'] = process.argv.slice(2);
await rm(outdir, { recursive: true, force: true });
await build(bundleOptions(version, outdir));
await chmod(`${outdir}/modelwright.js`, 0o755);
console.log(`built ${outdir}/modelwright.js (${version})`);
