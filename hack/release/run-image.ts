/** Runs the program of an image from its layers alone, without a container engine; that of another architecture by an emulator. */
import { execFile } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianTree, hostArchitecture } from '../debian/packages.ts';
import { blobFile } from '../images/cache.ts';
import type { Image } from '../images/image.ts';
import { modelwrightRun } from '../images/modelwright.ts';

const run = promisify(execFile);

/** Such a user as OpenShift assigns, whom no file of the image names. Only root can become another one. */
const stranger = process.getuid?.() === 0 ? { uid: 1_000_680_000, gid: 0 } : {};

/**
 * As a user whom the image does not know, where this one is root and no emulator is needed, which lies where only its owner may look.
 * @param folder where the layers are unpacked, which everybody must be able to reach; what the program prints comes back
 */
export async function runImage(image: Image, folder: string, args: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const { digest } of image.layers) await run('tar', ['--extract', '--file', blobFile(digest), '--directory', folder]);
  const [command = '', ...options] = [
    ...(await starter(image, folder)),
    ...modelwrightRun.Entrypoint.map((part) => inside(folder, part)),
    ...args,
  ];
  const { stdout } = await run(command, options, {
    env: {},
    maxBuffer: 16 << 20,
    ...(image.architecture === hostArchitecture() ? stranger : {}),
  });
  return stdout;
}

/** What starts a program with the libraries in `folder` and no others. */
async function starter({ architecture }: Image, folder: string): Promise<string[]> {
  if (architecture === hostArchitecture()) {
    const [loader = ''] = globSync(join(folder, 'usr/lib/*-linux-gnu/ld-linux-*.so.*'));
    return [loader, '--library-path', join(loader, '..')];
  }
  const { folder: root } = await debianTree(['qemu-user-static'], { say: console.error, purpose: `running the image for ${architecture}` });
  return [join(root, `usr/bin/qemu-${architecture === 'arm64' ? 'aarch64' : 'x86_64'}-static`), '-L', folder];
}

/** A path of the image as one of this machine; other arguments as they are. */
function inside(folder: string, part: string): string {
  return part.startsWith('/') ? join(folder, part) : part;
}
