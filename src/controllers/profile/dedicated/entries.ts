/** The copies that a Dedicated profile measures: every entry of the hardware with every version of the runtime. */
import type { ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { type HardwareEntry, type HardwareSelection, maximumHardware, type RuntimeEntry } from '../../../api/model-profile/dedicated.ts';
import type { NodeObject } from '../resources.ts';

/** One copy of the model: what it runs on, and which version serves it. */
export interface Entry extends HardwareEntry {
  /** Tag or digest of the runtime; absent: that of the ModelDeployment. */
  readonly runtimeVersion?: string;
}

/** The part of `spec.sweep` that says what the copies are. */
export interface DedicatedSweep {
  readonly hardware?: readonly HardwareEntry[];
  readonly hardwareSelection?: HardwareSelection;
  readonly runtimes?: readonly RuntimeEntry[];
}

/** The entries, or why there can be none. */
export type Entries =
  | { readonly kind: 'Entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'None'; readonly reason: 'NodesNotReadable' | 'NoGpuProducts'; readonly message: string };

/** What the single copy of a sweep that names no hardware is called. */
export const onlyEntry = 'copy';

const productLabel = /^([a-z0-9][-a-z0-9.]*)\/gpu\.product$/;

/**
 * Expands the sweep of a Dedicated profile. Names are unique, and at most 63 characters long.
 *
 * @param nodes every node; undefined where they could not be read, which only `hardwareSelection: Auto` needs.
 */
export function entriesOf(sweep: DedicatedSweep, model: ModelDeploymentSpec, nodes: readonly NodeObject[] | undefined): Entries {
  const hardware = sweep.hardwareSelection === 'Auto' ? productsOf(model, nodes) : (sweep.hardware ?? []);
  if ('kind' in hardware) return hardware;
  const runtimes = sweep.runtimes ?? [];
  if (runtimes.length === 0) return { kind: 'Entries', entries: hardware.length === 0 ? [{ name: onlyEntry }] : hardware };
  const bases: readonly (HardwareEntry | undefined)[] = hardware.length === 0 ? [undefined] : hardware;
  const entries = bases.flatMap((base) =>
    // Neither name has a dot in it, so that no two pairs make one name.
    runtimes.map(({ name, version }) => ({
      ...base,
      name: base === undefined ? name : `${base.name}.${name}`,
      runtimeVersion: version,
    })),
  );
  return { kind: 'Entries', entries };
}

/** One entry for each GPU product that a node's label names, in the order of their names. */
function productsOf({ gpu }: ModelDeploymentSpec, nodes: readonly NodeObject[] | undefined): readonly HardwareEntry[] | Entries {
  if (nodes === undefined) {
    return {
      kind: 'None',
      reason: 'NodesNotReadable',
      message:
        'spec.sweep.hardwareSelection is Auto, and the operator may not list nodes; grant it get, list and watch of nodes, or list the hardware in spec.sweep.hardware',
    };
  }
  const found = new Map<string, { vendor: string; product: string }>();
  for (const { metadata } of nodes) {
    for (const [label, product] of Object.entries(metadata.labels ?? {})) {
      const vendor = productLabel.exec(label)?.[1];
      if (vendor !== undefined && product !== '') found.set(`${vendor}/${product}`, { vendor, product });
    }
  }
  if (found.size === 0) {
    return {
      kind: 'None',
      reason: 'NoGpuProducts',
      message:
        'spec.sweep.hardwareSelection is Auto, and no node has a label <vendor>/gpu.product; install the GPU feature discovery of the vendor, or list the hardware in spec.sweep.hardware',
    };
  }
  const taken = new Set<string>();
  return [...found.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, maximumHardware)
    .map(([, { vendor, product }]) => {
      const own = gpu?.resourceName?.startsWith(`${vendor}/`) === true ? gpu.resourceName : `${vendor}/gpu`;
      return { name: uniqueName(product, taken), gpu: { count: gpu?.count ?? 1, resourceName: own, product } };
    });
}

/** A product as the name of an entry: `Tesla-T4` is `tesla-t4`. */
function uniqueName(product: string, taken: Set<string>): string {
  const base = product
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 37)
    .replace(/-$/, '');
  let name = base;
  for (let next = 2; taken.has(name); next++) name = `${base}-${next}`;
  taken.add(name);
  return name;
}
