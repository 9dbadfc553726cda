/** CycloneDX, as npm writes it. */
import type { Package } from './packages.ts';

export interface Bom {
  readonly bomFormat: string;
  readonly serialNumber?: string;
  readonly metadata: { readonly timestamp?: string; readonly component?: BomComponent; readonly [part: string]: unknown };
  readonly dependencies?: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly components: readonly BomComponent[];
  readonly [part: string]: unknown;
}

export interface BomComponent {
  readonly name: string;
  readonly version: string;
  readonly 'bom-ref'?: string;
  readonly purl?: string;
  readonly licenses?: readonly unknown[];
  readonly hashes?: readonly unknown[];
  readonly [part: string]: unknown;
}

/** Without what differs from run to run: the number, the time, and where on this machine or network things lay. */
export function stable({ serialNumber: _, metadata, components, ...rest }: Bom): Bom {
  const { timestamp: __, ...kept } = metadata;
  return {
    ...rest,
    metadata: kept,
    components: components
      .map(({ externalReferences: ___, ...component }) => component as BomComponent)
      .toSorted((a, b) => `${a.purl}`.localeCompare(`${b.purl}`)),
  };
}

/** With these packages alone, and what depends on what among them. */
export function only(bom: Bom, packages: readonly Package[]): Bom {
  const wanted = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const components = bom.components.filter((component) => wanted.has(`${fullName(component)}@${component.version}`));
  const references = new Set([...components.map((component) => component['bom-ref']), bom.metadata.component?.['bom-ref']]);
  const dependencies = (bom.dependencies ?? [])
    .filter(({ ref }) => references.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => references.has(other)) }));
  return { ...bom, components, dependencies };
}

/** A package of Debian in the image. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** What Node needs of Debian, and under which licence that is, by its copyright files. */
export const debianLicenses: Readonly<Record<string, string>> = {
  libc6: 'LGPL-2.1-or-later',
  'gcc-12-base': 'GPL-3.0-or-later WITH GCC-exception-3.1',
  'libgcc-s1': 'GPL-3.0-or-later WITH GCC-exception-3.1',
  'libstdc++6': 'GPL-3.0-or-later WITH GCC-exception-3.1',
};

/** With these as well. Throws for one whose licence is not known here. */
export function withDebian(bom: Bom, packages: readonly DebianPackage[]): Bom {
  const components = packages.map(({ name, version, architecture }): BomComponent => {
    const expression = debianLicenses[name];
    if (expression === undefined) throw new Error(`the licence of Debian's ${name} is not known to hack/release/sbom.ts`);
    const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`;
    return { type: 'library', 'bom-ref': purl, name, version, purl, licenses: [{ expression }] };
  });
  return { ...bom, components: [...bom.components, ...components] };
}

/** Throws unless every package is in it, with version, licence and checksum. */
export function checkBom(bom: Bom, packages: readonly Package[]): void {
  if (bom.bomFormat !== 'CycloneDX') throw new Error(`the bill of materials is ${bom.bomFormat}, and is to be CycloneDX`);
  for (const { name, version } of packages) {
    const found = bom.components.find((component) => component.version === version && fullName(component) === name);
    if (found === undefined) throw new Error(`${name} ${version} is not in the bill of materials`);
    if (!found.licenses?.length || !found.hashes?.length)
      throw new Error(`${name} ${version} has no licence or no checksum in the bill of materials`);
  }
}

/** npm writes a scope into `group` or into the name, by its version. */
function fullName({ name, group }: BomComponent): string {
  return typeof group === 'string' && !name.startsWith('@') ? `${group}/${name}` : name;
}
