/** The KServe that will read a package or a URI. KFServing 0.6 is its own dialect: another API group and another storage initializer. */
export type KServeVersion = 'kfserving-0.6' | { readonly major: number; readonly minor: number };

/** The newest KServe whose storage code these rules were read from. */
export const newestKServe: KServeVersion = { major: 0, minor: 20 };

/** True when `version` is KServe `major.minor` or newer; KFServing 0.6 is older than any KServe. */
export function isAtLeast(version: KServeVersion, major: number, minor: number): boolean {
  if (version === 'kfserving-0.6') return false;
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** The name to print: `KServe 0.15` or `KFServing 0.6`. */
export function printVersion(version: KServeVersion): string {
  return version === 'kfserving-0.6' ? 'KFServing 0.6' : `KServe ${version.major}.${version.minor}`;
}

/** Reads `0.15`, `v0.15.2`, `kfserving-0.6` or `0.6`; undefined when it is none of these. */
export function parseKServeVersion(text: string): KServeVersion | undefined {
  const match = /^(?:(kfserving|kserve)[- ])?v?(\d{1,4})\.(\d{1,4})(?:\.\d{1,4})?(?:[-+].*)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [major, minor] = [Number(match[2]), Number(match[3])];
  if (major === 0 && minor <= 6) return minor === 6 ? 'kfserving-0.6' : undefined;
  return match[1]?.toLowerCase() === 'kfserving' ? undefined : { major, minor };
}
