/**
 * Order of two resourceVersions of one resource type: negative when `a` is older. Kubernetes promises that they are comparable integers since 1.35
 * (KEP-5504), and etcd's revisions always were; undefined for anything else, which callers must take for "cannot tell".
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (!isInteger(a) || !isInteger(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isInteger(text: string): boolean {
  return /^(0|[1-9]\d*)$/.test(text);
}
