/** Bundles the CLI and the operator into dist/, which is all that the image carries of them; or into the folder that is given. */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.ts';
import { licenseList, productionPackages } from './release/packages.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const [outdir = 'dist'] = process.argv.slice(2);
await rm(outdir, { recursive: true, force: true });
await build(bundleOptions(version, outdir));
// Whoever passes a copy on, as the npm package or in the image, passes these on with it.
await writeFile(`${outdir}/licenses.txt`, licenseList(productionPackages('.')));
await chmod(`${outdir}/modelwright.js`, 0o755);
console.log(`built ${outdir}/modelwright.js (${version})`);
