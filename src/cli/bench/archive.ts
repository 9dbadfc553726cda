import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planZip } from '../../packaging/zip/plan.ts';
import { writeZip } from '../../packaging/zip/write.ts';

/** Texts as the files of a zip archive: equal texts give equal bytes. */
export async function archiveOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const sources = Object.entries(files).map(([path, text]) => {
    const content = Buffer.from(text);
    return { path, file: '', sizeBytes: content.length, content };
  });
  const spool = await mkdtemp(join(tmpdir(), 'modelwright-report-'));
  try {
    await using plan = await planZip(sources, join(spool, 'packed'));
    const parts: Buffer[] = [];
    await writeZip(plan, async (bytes) => void parts.push(Buffer.from(bytes)));
    return Buffer.concat(parts);
  } finally {
    await rm(spool, { recursive: true, force: true });
  }
}
