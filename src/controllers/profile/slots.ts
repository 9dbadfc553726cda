import { keyText, type ObjectKey } from '../../kube/object.ts';
import type { GpuClaim } from './dedicated/gpu-claim.ts';
import type { Active } from './queue.ts';

/**
 * Places among the runs at once that were given away a moment ago. Two profiles may be decided on before the caches know of the first
 * one's Job; each sees here what the other took. Losing it (a restart) costs nothing: by then the caches are filled anew.
 */
export class Slots {
  readonly #taken = new Map<string, Active>();
  readonly #wanted = new Map<string, GpuClaim>();

  list(): readonly Active[] {
    return [...this.#taken.values()];
  }

  /** GPUs that copies of waiting runs are to have, by namespace and name of the profile. */
  wanted(): ReadonlyMap<string, GpuClaim> {
    return this.#wanted;
  }

  take(active: Active): void {
    this.#taken.set(active.key, active);
    this.#wanted.delete(active.key);
  }

  /** A run that waits, with the GPUs that its copy is to have. */
  await(key: ObjectKey, claim: GpuClaim | undefined): void {
    this.free(key);
    if (claim !== undefined) this.#wanted.set(keyText(key), claim);
  }

  free(key: ObjectKey): void {
    this.#taken.delete(keyText(key));
    this.#wanted.delete(keyText(key));
  }
}
