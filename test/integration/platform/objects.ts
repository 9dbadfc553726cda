import type { ServingPlatform } from '../../../src/api/serving-platform/index.ts';
import type { Condition } from '../../../src/kube/conditions.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';

export type Platform = ServingPlatform & { readonly metadata: { readonly generation: number } };

export interface ConfigMap {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}

export const servingPlatforms = 'servingplatforms.modelwright.dev';

/** Declares the platform: all of its spec, whatever was there before and whoever wrote it. */
export async function declare(spec: object): Promise<void> {
  const replace = JSON.stringify([{ op: 'replace', path: '/spec', value: spec }]);
  const patched = await kubectl(['patch', servingPlatforms, 'default', '--type=json', '-p', replace]).catch((error: Error) => error);
  if (typeof patched === 'string') return;
  if (!/NotFound/.test(patched.message)) throw patched;
  await apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec });
}

export function readPlatform(): Promise<Platform> {
  return get<Platform>(servingPlatforms, 'default');
}

export function conditionOf({ status, metadata }: Platform, type: string): Condition | undefined {
  return (status?.conditions as readonly Condition[] | undefined)?.find(
    (condition) => condition.type === type && condition.observedGeneration === metadata.generation,
  );
}

/** Waits until the platform's status speaks of its newest spec and is as wanted. */
export function platformWhere(wanted: (platform: Platform) => boolean, seconds = 60): Promise<Platform> {
  return eventually(
    readPlatform,
    (platform) => platform.status?.observedGeneration === platform.metadata.generation && wanted(platform),
    seconds,
  );
}

export function isReady(platform: Platform): boolean {
  return conditionOf(platform, 'Ready')?.status === 'True';
}

export async function removePlatform(seconds = 60): Promise<void> {
  await kubectl(['delete', servingPlatforms, 'default', '--ignore-not-found', `--timeout=${seconds}s`]);
}
