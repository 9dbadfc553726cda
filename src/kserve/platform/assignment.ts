/** What a ModelDeployment gets from the platform for its runtime, and when it is its turn to come to something new. */
import type { RuntimeType } from '../../api/model-deployment/runtime.ts';

/** `Declared`: the image that the platform declares. `Held`: what the service has, until it is its turn. */
export type PlatformRuntime =
  | {
      readonly kind: 'Declared';
      /** The ClusterServingRuntime to name; undefined where the ConfigMap decides. */
      readonly name?: string;
      /** Whole image references. */
      readonly image: string;
      readonly gpuImage?: string;
    }
  | { readonly kind: 'Held'; readonly name?: string; readonly runtimeVersion?: string; readonly image?: string };

export type PlatformRuntimes = Partial<Readonly<Record<RuntimeType, PlatformRuntime>>>;

export interface RolloutPolicy {
  readonly strategy: 'OnNextChange' | 'Immediate';
  readonly maxUnavailable: number;
}

/** One model of a runtime type, as far as a rollout is concerned. */
export interface RolloutMember {
  /** `namespace/name`. */
  readonly id: string;
  /** `Updated`: serves with the declared runtime. `Moving`: told to, and not serving yet. `Behind`: has another. `New`: has none yet. */
  readonly state: 'Updated' | 'Moving' | 'Behind' | 'New';
  /** Its own spec has changed since it was last applied. */
  readonly specChanged: boolean;
}

/**
 * Whether a member may be told to use what is declared now. Those that are behind come in the order of their names, and no more than `maxUnavailable` are on
 * their way: one that does not come to serve holds up the rest, as in a rolling update.
 */
export function mayMove(member: RolloutMember, members: readonly RolloutMember[], { strategy, maxUnavailable }: RolloutPolicy): boolean {
  if (member.state !== 'Behind' || member.specChanged) return true;
  if (strategy === 'OnNextChange') return false;
  const moving = members.filter(({ state }) => state === 'Moving').length;
  const behind = members
    .filter(({ state, specChanged }) => state === 'Behind' && !specChanged)
    .map(({ id }) => id)
    .sort();
  return behind.slice(0, Math.max(0, maxUnavailable - moving)).includes(member.id);
}
