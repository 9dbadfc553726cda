/** Takes the identity of the machines out of a profile, so that it can be shown to others; what the figures mean stays. Pure. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { namedRegistry } from '../../models/image-reference.ts';

/**
 * Node names, GPU UUIDs, hosts, storage addresses, image registries, namespaces and Secrets become placeholders wherever they stand, in
 * sentences too; the same name becomes the same placeholder. What is said of other Pods on these machines is left out. GPU product, driver, versions,
 * digests and all figures stay.
 */
export function redacted(profile: ModelProfile): ModelProfile {
  const { metadata, spec, status } = profile;
  const { host, ...target } = spec.target;
  const provenance: Partial<NonNullable<NonNullable<ModelProfile['status']>['provenance']>> = status?.provenance ?? {};
  const names = new Map<string, string>();
  const hide = (text: string | undefined, placeholder: string) => {
    if (text !== undefined && text !== '') names.set(text, placeholder);
  };
  for (const [i, node] of [...nodesOf(profile)].entries()) hide(node, `node-${i + 1}`);
  for (const [i, uuid] of (provenance.gpuUuids ?? []).entries()) hide(uuid, `gpu-${i + 1}`);
  hide(hostOf(target.url), 'host');
  hide(host, 'host');
  hide(hostOf(spec.accuracy?.dataset.url), 'dataset-host');
  hide(provenance.storageUri, 'storage');
  hide(namedRegistry(provenance.image ?? ''), 'registry');
  hide(target.tokenSecretRef?.name, 'secret');
  if (metadata.namespace !== undefined && metadata.namespace !== '') names.set(`${metadata.namespace}/`, '');
  const bare: ModelProfile = {
    apiVersion: profile.apiVersion,
    kind: profile.kind,
    metadata: { name: metadata.name },
    spec: { ...spec, target },
    ...(status !== undefined && {
      status: {
        ...status,
        ...(status.measuring !== undefined && { measuring: { run: status.measuring.run, resultsOf: status.measuring.resultsOf } }),
        ...(status.run !== undefined && { run: runWithoutPods(status.run) }),
        ...(status.idle !== undefined && { idle: without(status.idle, 'busy') }),
        ...(status.provenance !== undefined && { provenance: without(status.provenance, 'targetUid') }),
      },
    }),
  };
  return replaceAll(bare, longestFirst(names)) as ModelProfile;
}

/** Nodes by name: of the service, of copies, and those that entries of the hardware ask for. */
function nodesOf({ spec, status }: ModelProfile): ReadonlySet<string> {
  const asked = (spec.sweep.hardware ?? []).map(({ nodeSelector }) => nodeSelector?.['kubernetes.io/hostname']);
  const copies = (status?.hardware ?? []).flatMap(({ nodes }) => nodes ?? []);
  return new Set([...(status?.provenance?.nodes ?? []), ...copies, ...asked].filter((node) => node !== undefined));
}

type Run = NonNullable<NonNullable<ModelProfile['status']>['run']>;

function runWithoutPods(run: Run): Run {
  const { disturbances } = run;
  const bare = without(without(without(run, 'jobs'), 'report'), 'gpuTenants');
  return disturbances === undefined ? bare : { ...bare, disturbances: disturbances.map((one) => without(one, 'pods')) };
}

/** The object without a field that may be absent. */
function without<T extends object, K extends keyof T>(object: T, field: K): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== field)) as T;
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : /^[a-z]+:\/\/([^/]+)/.exec(url)?.[1];
}

/**
 * Names of machines and Pods that stand in sentences alone: a node that is not taken into account, an exporter, a Pod of others. An ordinary word that
 * follows has neither digit, dot, dash nor slash.
 */
const named =
  /\b([Nn]ode|Pods?|exporter|ModelProfile) (?!node-\d+\b)(?=[a-z]*[0-9./-])[a-z0-9]+(?:[./-][a-z0-9]+)*(?:(?: and|,) [a-z0-9-]+\/[a-z0-9.-]+)*/g;
const uuid = /\b(?:GPU|MIG)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;

/** A name that contains another is replaced before it. */
function longestFirst(names: ReadonlyMap<string, string>): (readonly [string, string])[] {
  return [...names].toSorted(([a], [b]) => b.length - a.length);
}

function replaceAll(value: unknown, names: readonly (readonly [string, string])[]): unknown {
  if (typeof value === 'string') {
    const plain = names.reduce((text, [name, placeholder]) => text.replaceAll(name, placeholder), value);
    return plain.replace(named, '$1 (left out)').replace(uuid, 'GPU');
  }
  if (Array.isArray(value)) return value.map((entry) => replaceAll(entry, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, replaceAll(entry, names)]));
}
