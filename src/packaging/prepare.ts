import { basename, resolve } from 'node:path';
import type { Finding } from '../models/finding.ts';
import { type Layout, recogniseLayout } from '../models/layout.ts';
import { type RuntimeType, suggestName } from '../models/names.ts';
import { contentsOfFolder } from './contents.ts';
import { findConflict } from './entry-name.ts';
import { PackagingError } from './errors.ts';
import { generateMissing } from './generate.ts';
import type { ArchiveLimits } from './limits.ts';
import { type LintContext, lintContents } from './lint-contents.ts';
import { listSource, type SourceEntry } from './source-folder.ts';

export interface PrepareOptions extends LintContext {
  readonly runtime?: RuntimeType;
  /** Generate what is missing and can be derived. */
  readonly generate?: boolean;
  /** Caps on what a package may hold; absent: the default ones. */
  readonly limits?: ArchiveLimits;
}

/** A folder as it will be packaged. */
export interface Prepared {
  readonly entries: readonly SourceEntry[];
  readonly layout: Layout;
  readonly findings: readonly Finding[];
  /** What was moved or generated, in words. */
  readonly notes: readonly string[];
}

/**
 * Lists a folder or file, recognises its layout, moves bare artefacts to where their server looks, generates what is asked for, and lints
 * the result. Writes nothing.
 *
 * @throws PackagingError SourceRefused, LayoutUnknown, NotFound
 */
export async function prepareFolder(root: string, options: PrepareOptions): Promise<Prepared> {
  const listed = await listSource(root, options.limits);
  const name = options.name ?? suggestName(basename(resolve(root)).replace(/\.\w+$/, ''));
  const layout = recogniseLayout(
    listed.map(({ path }) => path),
    { name, ...(options.runtime === undefined ? {} : { runtime: options.runtime }) },
  );
  if (typeof layout === 'string') throw new PackagingError('LayoutUnknown', `${root}: ${layout}`, root);
  const moved = sortEntries(listed.map((entry) => ({ ...entry, path: layout.moves.get(entry.path) ?? entry.path })));
  const notes = [...layout.notes];
  let entries = moved;
  if (options.generate === true) {
    const generated = await generateMissing(contentsOfFolder(moved), layout, options.kserve);
    entries = sortEntries([...moved, ...generated.entries]);
    notes.push(...generated.notes);
  }
  const conflict = findConflict(entries.map(({ path }) => path));
  if (conflict !== undefined)
    throw new PackagingError('SourceRefused', `${conflict.name} cannot be packaged: ${conflict.reason}.`, conflict.name);
  return { entries, layout, findings: await lintContents(contentsOfFolder(entries), layout, options), notes };
}

function sortEntries(entries: readonly SourceEntry[]): SourceEntry[] {
  return entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}
