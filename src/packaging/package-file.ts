import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from './manifest.ts';
import type { SourceEntry } from './source-folder.ts';
import { planZip, type ZipPlan } from './zip/plan.ts';
import { deflated } from './zip/records.ts';
import { writeZip } from './zip/write.ts';

/** What the rule "stored or deflated" did. */
export interface PackingEffect {
  readonly storedFiles: number;
  readonly storedBytes: number;
  readonly deflatedFiles: number;
  readonly deflatedBytes: number;
  /** Bytes that the deflated files take in the archive. */
  readonly packedBytes: number;
}

export interface PackageFile {
  readonly path: string;
  readonly manifest: Manifest;
  readonly effect: PackingEffect;
}

/**
 * Writes a package to `output`. Until it is complete it has another name in the same folder, which is removed on failure: a half package
 * is never seen under its own name.
 */
export async function writePackageFile(
  sources: readonly SourceEntry[],
  output: string,
  layout: Manifest['layout'],
  signal?: AbortSignal,
): Promise<PackageFile> {
  const partial = join(dirname(output), `.modelwright-${process.pid}-${Date.now().toString(36)}.partial`);
  await using plan = await planZip(sources, `${partial}.spool`, signal);
  const handle = await open(partial, 'wx', 0o644);
  try {
    const written = await writeZip(
      plan,
      async (bytes) => {
        for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done)).bytesWritten;
      },
      signal,
    );
    await handle.close();
    await rename(partial, output);
    const manifest: Manifest = { format: 'modelwright.dev/manifest/v1', ...written, ...(layout === undefined ? {} : { layout }) };
    return { path: output, manifest, effect: effectOf(plan) };
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}

function effectOf(plan: ZipPlan): PackingEffect {
  const files = plan.entries.filter(({ name }) => !name.endsWith('/'));
  const packed = files.filter(({ method }) => method === deflated);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const deflatedBytes = sum(packed.map(({ sizeBytes }) => sizeBytes));
  return {
    storedFiles: files.length - packed.length,
    storedBytes: sum(files.map(({ sizeBytes }) => sizeBytes)) - deflatedBytes,
    deflatedFiles: packed.length,
    deflatedBytes,
    packedBytes: sum(packed.map(({ packedBytes }) => packedBytes)),
  };
}
