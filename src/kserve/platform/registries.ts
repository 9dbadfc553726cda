/**
 * Knative's list of registries whose tags it does not resolve, as a set that is shared with others. Knative splits the value at commas, trims each entry and
 * compares it letter by letter with the registry's host (knative/serving pkg/deployment/config.go, read at v0.24 to v1.23).
 */

/** What Knative skips where no key is set; setting the key replaces them. */
export const builtInRegistries = ['kind.local', 'ko.local', 'dev.local'] as const;

export const currentKey = 'registries-skipping-tag-resolving';
/** The only key that Knative 0.x reads. Later ones read it too, but the current key wins where both are there. */
export const legacyKey = 'registriesSkippingTagResolving';

/** What we did to the key, kept beside it so that it can be taken back. */
export interface RegistryClaim {
  readonly key: string;
  /** Entries that were not there before us. */
  readonly added: readonly string[];
  /** The value before us; null: the key was not there. */
  readonly previous: string | null;
  /** The value as we left it: while it is still so, `previous` comes back byte for byte. */
  readonly written: string;
}

export interface RegistryPlan {
  readonly key: string;
  /** The value to have; null: no key. Equal to what is there when nothing is to be done. */
  readonly value: string | null;
  /** The claim that goes with it; undefined: none of ours is left. */
  readonly claim: RegistryClaim | undefined;
}

/**
 * The value that has every wanted registry and loses only entries that we added. Bytes of other entries stay as they are.
 *
 * @param release Knative's release as its objects are labelled (`v0.24.0`, `1.23.0`); undefined: a current one
 */
export function planRegistries(
  data: Readonly<Record<string, string>>,
  wanted: readonly string[],
  claim: RegistryClaim | undefined,
  release?: string,
): RegistryPlan {
  const key = keyOf(release);
  const present = data[key];
  const ours = claim?.key === key ? claim : undefined;
  if (wanted.length === 0 && ours !== undefined && present === ours.written) return { key, value: ours.previous, claim: undefined };
  if (wanted.length === 0 && (ours === undefined || present === undefined)) return { key, value: present ?? null, claim: undefined };

  // What was effective before the key was there goes on being so: the legacy key's entries, else the built-in ones.
  const base = present ?? inherited(data, key);
  const leaving = (ours?.added ?? []).filter((registry) => !wanted.includes(registry));
  const kept = base.split(',').filter((segment) => !leaving.includes(segment.trim()));
  const entries = new Set(kept.map((segment) => segment.trim()));
  const added = wanted.filter((registry) => !entries.has(registry));
  const value = [...kept, ...added].join(',').replace(/^,/, '');
  const stillOurs = (ours?.added ?? []).filter((registry) => entries.has(registry));
  const owned = [...stillOurs, ...added];
  if (value === present && ours === undefined) return { key, value, claim: undefined };
  if (wanted.length === 0) return { key, value, claim: undefined };
  const previous = ours !== undefined && present === ours.written ? ours.previous : (present ?? null);
  // Somebody else's edit since ours: what comes back one day is their value without our entries.
  const restored = ours === undefined || previous === ours.previous ? previous : without(previous, ours.added);
  return { key, value, claim: { key, added: owned, previous: restored, written: value } };
}

/** What Knative skips with this configuration. */
export function effectiveRegistries(data: Readonly<Record<string, string>>, release?: string): readonly string[] {
  const key = keyOf(release);
  return (data[key] ?? inherited(data, key))
    .split(',')
    .map((segment) => segment.trim())
    .filter(Boolean);
}

/** What an administrator should know about the keys that are there; empty when there is nothing to say. */
export function registryNotices(data: Readonly<Record<string, string>>, release?: string): readonly string[] {
  const key = keyOf(release);
  const legacy = data[legacyKey];
  if (key === legacyKey)
    return data[currentKey] === undefined ? [] : [`this Knative reads ${legacyKey} only, so ${currentKey} has no effect`];
  if (legacy === undefined || data[currentKey] === undefined) return [];
  const effective = new Set(effectiveRegistries(data, release));
  const lost = legacy
    .split(',')
    .map((segment) => segment.trim())
    .filter((registry) => registry !== '' && !effective.has(registry));
  return lost.length === 0
    ? []
    : [
        `${legacyKey} is the legacy spelling and loses to ${currentKey}: its ${lost.join(', ')} has no effect; add what you need to spec.tagResolution.skipRegistries and remove the legacy key`,
      ];
}

/** Knative reads the hyphenated key from 1.0 on, and ignores it before. */
export function keyOf(release: string | undefined): typeof currentKey | typeof legacyKey {
  return /^v?0\./.test(release ?? '') ? legacyKey : currentKey;
}

function inherited(data: Readonly<Record<string, string>>, key: string): string {
  return (key === currentKey ? data[legacyKey] : undefined) ?? builtInRegistries.join(',');
}

function without(value: string | null, entries: readonly string[]): string | null {
  if (value === null) return null;
  return value
    .split(',')
    .filter((segment) => !entries.includes(segment.trim()))
    .join(',');
}
