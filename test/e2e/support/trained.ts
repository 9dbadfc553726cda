/** A model that lies in a volume of the suite's namespace, as training leaves it. */
import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { apply, controlPlane, kubectl } from '../../support/cluster.ts';
import { hostVolume } from './objects.ts';
import type { Models } from './world.ts';

/** `source.volume` of a ModelDeployment whose model is in it. */
export const trained = { claimName: 'trained', path: 'iris', repository: 'packages' };

/** To be called after `useModels`: the volume with the scikit-learn model, between the first test of a `describe` and its last. */
export function useTrainedVolume(models: Models): void {
  let volume: string | undefined;
  before(async () => {
    const folder = join(controlPlane().dir, 'volumes', models.namespace);
    mkdirSync(folder, { recursive: true });
    cpSync(models.sources.SKLearn, join(folder, trained.path), { recursive: true });
    chmodSync(folder, 0o755);
    volume = `${models.namespace}-${trained.claimName}`;
    await apply(hostVolume(models.namespace, trained.claimName, folder, 'ReadOnlyMany'));
  });
  after(async () => {
    if (volume) await kubectl(['delete', 'persistentvolume', volume, '--wait=false', '--ignore-not-found']);
  });
}
