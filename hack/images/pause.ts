/** The image of every Pod's sandbox: `catatonit -P`, a static program that waits and reaps, from its Debian package. */
import { join } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { debianTree } from '../debian/packages.ts';
import { fromFile } from './entries.ts';
import { type Image, makeImage } from './image.ts';
import { cachedLayer } from './layer.ts';
import { REGISTRY } from './names.ts';
import { publish } from './publish.ts';

export const PAUSE_IMAGE = `${REGISTRY}/pause:1`;

export async function pauseImage(say: Say): Promise<Image> {
  const { folder, versions } = await debianTree(['catatonit'], { say, purpose: 'the pause image' });
  const layer = await cachedLayer(['pause', versions], async () => [fromFile(join(folder, 'usr/bin/catatonit'), 'catatonit')]);
  return makeImage({ reference: PAUSE_IMAGE, layers: [layer], run: { Entrypoint: ['/catatonit', '-P'], User: '65535:65535' } });
}

export async function publishPause(registry: string, say: Say): Promise<void> {
  await publish(await pauseImage(say), registry);
}
