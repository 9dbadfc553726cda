/** Takes the identity of the machines out of a profile, so that it can be shown to others; what the figures mean stays. Pure. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { namedRegistry } from '../../models/image-reference.ts';

/**
 * Node names, GPU UUIDs, hosts, storage addresses, image registries, namespaces and Secrets become placeholders wherever they stand, in
 * sentences too; the same name becomes the same placeholder. GPU product, driver, versions, digests and all figures stay.
 */
export function redacted(profile: ModelProfile): ModelProfile {
  const { metadata, spec, status } = profile;
  const { host, ...target } = spec.target;
  const provenance: Partial<NonNullable<NonNullable<ModelProfile['status']>['provenance']>> = status?.provenance ?? {};
  const names = new Map<string, string>();
  const hide = (text: string | undefined, placeholder: string) => {
    if (text !== undefined && text !== '') names.set(text, placeholder);
  };
  for (const [i, node] of (provenance.nodes ?? []).entries()) hide(node, `node-${i + 1}`);
  for (const [i, uuid] of (provenance.gpuUuids ?? []).entries()) hide(uuid, `gpu-${i + 1}`);
  hide(hostOf(target.url), 'host');
  hide(host, 'host');
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
        ...(status.run !== undefined && { run: without(without(status.run, 'jobs'), 'report') }),
        ...(status.provenance !== undefined && { provenance: without(status.provenance, 'targetUid') }),
      },
    }),
  };
  return replaceAll(bare, longestFirst(names)) as ModelProfile;
}

/** The object without a field that may be absent. */
function without<T extends object, K extends keyof T>(object: T, field: K): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== field)) as T;
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : /^[a-z]+:\/\/([^/]+)/.exec(url)?.[1];
}

/** A name that contains another is replaced before it. */
function longestFirst(names: ReadonlyMap<string, string>): (readonly [string, string])[] {
  return [...names].toSorted(([a], [b]) => b.length - a.length);
}

function replaceAll(value: unknown, names: readonly (readonly [string, string])[]): unknown {
  if (typeof value === 'string') return names.reduce((text, [name, placeholder]) => text.replaceAll(name, placeholder), value);
  if (Array.isArray(value)) return value.map((entry) => replaceAll(entry, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, replaceAll(entry, names)]));
}
