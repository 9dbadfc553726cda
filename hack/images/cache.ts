/** Where images are kept between builds: `$XDG_CACHE_HOME/modelwright/images`. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export function imageCache(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'modelwright', 'images');
}

/** The file of a layer, configuration or manifest, by its digest. */
export function blobFile(digest: string, root = imageCache()): string {
  return join(root, 'blobs', digest.replace(':', '/'));
}
