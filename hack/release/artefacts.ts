/** Makes the parts of a release, each checked as its user would use it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { getBinaries } from '../controlplane/binaries.ts';
import { HELM } from '../controlplane/catalog.ts';
import { debianTree } from '../debian/packages.ts';
import { type Image, writeArchive } from '../images/image.ts';
import { modelwrightIndex } from '../images/modelwright.ts';
import { writeManifests } from './manifests.ts';
import { licenseList, productionPackages, unacceptable } from './packages.ts';
import { runImage } from './run-image.ts';
import { type Bom, checkBom, type DebianPackage, debianLicenses, only, stable, withDebian } from './sbom.ts';

const call = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

export interface Release {
  readonly version: string;
  readonly out: string;
  readonly image?: string;
}

/** The npm package: unpacked elsewhere it runs, without node_modules, and says its version. */
export async function npmTarball({ out, version }: Release): Promise<string> {
  const { stdout } = await call('npm', ['pack', '--json', '--pack-destination', out], { cwd: root, maxBuffer: 64 << 20 });
  // What the build prints comes before the JSON.
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string; files: { path: string }[] }];
  const stray = files.filter(({ path }) => /(^|\/)(test|hack|src|\.env|node_modules)(\/|$)|\.test\./.test(path));
  if (stray.length > 0) throw new Error(`the npm package has what does not belong into it: ${stray.map(({ path }) => path).join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'modelwright-package-'));
  try {
    await call('tar', ['-xzf', join(out, filename), '-C', folder]);
    const said = await call(process.execPath, [join(folder, 'package/dist/modelwright.js'), '--version']);
    if (!said.stdout.includes(version)) throw new Error(`the packed program says "${said.stdout.trim()}" and is ${version}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return join(out, filename);
}

/** The chart: linted before it is packed, rendered from the archive. */
export async function chart({ out, version }: Release): Promise<string> {
  const { helm } = await getBinaries([{ component: HELM, binaries: ['helm'] }], { say: console.error });
  const run = (args: readonly string[]) => call(helm?.path ?? 'helm', [...args], { cwd: root, maxBuffer: 64 << 20 });
  await run(['lint', 'charts/modelwright', '--strict']);
  // npm calls its archive the same: packed elsewhere, and renamed.
  const folder = mkdtempSync(join(tmpdir(), 'modelwright-chart-'));
  const named = join(out, `modelwright-chart-${version}.tgz`);
  try {
    await run(['package', 'charts/modelwright', '--destination', folder]);
    copyFileSync(join(folder, `modelwright-${version}.tgz`), named);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const { stdout } = await run(['template', 'modelwright', named]);
  if (!stdout.includes('kind: Deployment')) throw new Error('the packed chart renders no Deployment');
  return named;
}

export function manifests(release: Release): Promise<string[]> {
  return writeManifests(release);
}

/** CycloneDX of what the program consists of, the same for the same lock file. */
export async function sbom({ out, version }: Release): Promise<string> {
  return writeBom(join(out, `modelwright-${version}.cdx.json`), await programBom());
}

function writeBom(path: string, bom: Bom): string {
  writeFileSync(path, `${JSON.stringify(bom, null, 2)}\n`);
  return path;
}

async function programBom(): Promise<Bom> {
  const { stdout } = await call('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--sbom-type', 'application'], {
    cwd: root,
    maxBuffer: 64 << 20,
  });
  // npm's own --omit leaves out packages that both the program and a tool for its tests need (seen with npm 10).
  const packages = productionPackages(root, true);
  const bom = stable(only(JSON.parse(stdout) as Bom, packages));
  checkBom(bom, packages);
  return bom;
}

export function licenses({ out, version }: Release): string {
  const packages = productionPackages(root);
  const bad = unacceptable(packages);
  if (bad.length > 0)
    throw new Error(`licences that nobody has looked at: ${bad.map(({ name, license }) => `${name} (${license})`).join(', ')}`);
  const path = join(out, `modelwright-${version}-licenses.txt`);
  writeFileSync(path, licenseList(packages));
  return path;
}

/**
 * The image for both architectures under one name, as an OCI archive; made twice, the second time of nothing that was kept, since the same input
 * gives the same bytes; and its program runs, of another architecture by an emulator. With it the bill of materials of all that is in it.
 */
export async function image({ out, version }: Release): Promise<string[]> {
  const work = mkdtempSync(join(tmpdir(), 'modelwright-image-'));
  // The program is started as a user of no rights here.
  chmodSync(work, 0o755);
  try {
    const build = (folder?: string) =>
      modelwrightIndex({
        say: console.error,
        // As a node names what the chart asks for without further values.
        reference: `docker.io/library/modelwright:${version}`,
        gzip: true,
        ...(folder !== undefined && { root: folder }),
      });
    const [first, second] = [await build(), await build(join(work, 'cache'))];
    if (first.digest !== second.digest) throw new Error(`two builds of the image differ: ${first.digest} and ${second.digest}`);
    const debian: DebianPackage[] = [];
    for (const one of first.images) {
      const said = await runImage(one, join(work, one.architecture), ['--version']);
      if (!said.includes(version)) throw new Error(`the image for ${one.architecture} says "${said.trim()}" and is ${version}`);
      debian.push(...(await debianIn(one, join(work, one.architecture))));
    }
    const path = join(out, `modelwright-image-${version}.tar`);
    await writeArchive(first, path);
    return [path, writeBom(join(out, `modelwright-image-${version}.cdx.json`), withDebian(await programBom(), debian))];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Packages of Debian in the unpacked image, in the versions that it was made of. Throws where it has a library of none of them. */
async function debianIn({ architecture }: Image, folder: string): Promise<DebianPackage[]> {
  const { folder: tree, versions } = await debianTree(Object.keys(debianLicenses), {
    say: console.error,
    purpose: 'the bill of materials',
    architecture,
  });
  const stray = globSync('usr/lib/**/*.so*', { cwd: folder }).find(
    (path) => ![path, path.replace('usr/', '')].some((place) => lstatSync(join(tree, place), { throwIfNoEntry: false })),
  );
  if (stray !== undefined) throw new Error(`the image has ${stray}, which is of no package that hack/release/sbom.ts knows`);
  return Object.entries(versions).map(([name, version]) => ({ name, version, architecture }));
}

/** In the form that `sha256sum --check` reads. */
export function checksums(out: string, paths: readonly string[]): string {
  const path = join(out, 'SHA256SUMS');
  writeFileSync(path, `${paths.map((file) => `${digestOf(file)}  ${basename(file)}`).join('\n')}\n`);
  return path;
}

export function emptyFolder(out: string): void {
  if (existsSync(out)) rmSync(out, { recursive: true });
  mkdirSync(out, { recursive: true });
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
