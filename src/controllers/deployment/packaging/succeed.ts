import type { PackageStatus } from './outcome.ts';

/** As many as the status has room for. */
export const maxFormer = 8;

/**
 * A package that takes the place of the one before. What was replaced may be in use until the new one serves, and is remembered so long, so that
 * nobody collects it.
 */
export function succeed(before: PackageStatus | undefined, next: PackageStatus): PackageStatus {
  const { former: _, access: __, ...fresh } = next;
  if (before === undefined || before.storageUri === fresh.storageUri)
    return { ...fresh, ...(before?.former && { former: before.former }), ...(before?.access && { access: before.access }) };
  const replaced = {
    sha256: before.sha256,
    ...(before.repository !== undefined && { repository: before.repository }),
    ...(before.access && { secretName: before.access.secretName }),
  };
  const others = (before.former ?? []).filter(({ sha256, repository }) => sha256 !== fresh.sha256 || repository !== fresh.repository);
  const former = [replaced, ...others];
  // The last of them is the one that serves, since they are forgotten when a new one does; those in the middle never have.
  return { ...fresh, former: former.length > maxFormer ? [...former.slice(0, maxFormer - 1), ...former.slice(-1)] : former };
}
