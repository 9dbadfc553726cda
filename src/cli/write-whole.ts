import { rename, rm, writeFile } from 'node:fs/promises';

/** Writes a file whole or not at all: a full disk leaves no half of it behind, and an older one as it was. Devices and pipes are written to directly. */
export async function writeWhole(file: string, text: string): Promise<void> {
  if (file.startsWith('/dev/')) return writeFile(file, text);
  const temporary = `${file}.${process.pid}.part`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
