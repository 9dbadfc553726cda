/** CycloneDX, as npm writes it. */
import type { Package } from './packages.ts';

export interface Bom {
  readonly bomFormat: string;
  readonly serialNumber?: string;
  readonly metadata: { readonly timestamp?: string; readonly [part: string]: unknown };
  readonly components: readonly BomComponent[];
  readonly [part: string]: unknown;
}

export interface BomComponent {
  readonly name: string;
  readonly version: string;
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
