import { keyText, type ObjectKey } from '../../kube/object.ts';
import type { Active } from './queue.ts';

/**
 * Places among the runs at once that were given away a moment ago. Two profiles may be decided on before the caches know of the first
 * one's Job; each sees here what the other took. Losing it (a restart) costs nothing: by then the caches are filled anew.
 */
export class Slots {
  readonly #taken = new Map<string, Active>();

  list(): readonly Active[] {
    return [...this.#taken.values()];
  }

  take(active: Active): void {
    this.#taken.set(active.key, active);
  }

  free(key: ObjectKey): void {
    this.#taken.delete(keyText(key));
  }
}
