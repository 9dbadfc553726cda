/** The packages of others that the program consists of, by package-lock.json: everything that a person gets who installs it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Package {
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
  /** Text of its licence file; undefined where it has none. */
  readonly text?: string;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly dev?: boolean; readonly optional?: boolean; readonly license?: string }>
  >;
}

/** Licences that a program under Apache-2.0 may be given on with, by what they say in their SPDX name. */
const accepted =
  /^(MIT|MIT-0|ISC|0BSD|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|BlueOak-1\.0\.0|Unlicense|CC0-1\.0|Python-2\.0|PSF-2\.0|Zlib)$/;

/**
 * Production packages of the checkout at `root`, which must be installed there.
 * @param withNode also the optional package that is Node itself, which the image carries and the npm package does not
 */
export function productionPackages(root: string, withNode = false): Package[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  return Object.entries(packages)
    .filter(([path, { dev, optional }]) => path !== '' && !dev && (withNode || !optional))
    .map(([path, { version = '', license = 'unknown' }]) => {
      const text = licenseText(join(root, path));
      return {
        name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
        version,
        license,
        ...(text !== undefined && { text }),
      };
    })
    .toSorted((a, b) => `${a.name}@${a.version}`.localeCompare(`${b.name}@${b.version}`));
}

/** Packages whose licence nobody has looked at. A choice (`(MIT OR GPL-2.0)`) is fine where one of it is. */
export function unacceptable(packages: readonly Package[]): Package[] {
  return packages.filter(
    ({ license }) =>
      !license
        .replaceAll(/[()]/g, '')
        .split(' OR ')
        .some((name) => name.split(' AND ').every((one) => accepted.test(one))),
  );
}

/** All licences in one text, as those who give copies on must. */
export function licenseList(packages: readonly Package[]): string {
  const parts = packages.map(
    ({ name, version, license, text }) =>
      `${name} ${version}\n${license}\n\n${(text ?? `Its package has no file with the text of ${license}.`).trim()}`,
  );
  return `Modelwright contains these packages of others.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

function licenseText(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find((file) => /^(licen[cs]e|copying)/i.test(file));
  return name === undefined ? undefined : readFileSync(join(folder, name), 'utf8');
}
