/** A binary heap: gives back what was pushed, lowest `rank` first. */
export class Heap<V> {
  readonly #items: { readonly rank: number; readonly value: V }[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The lowest rank; undefined when empty. */
  peek(): { readonly rank: number; readonly value: V } | undefined {
    return this.#items[0];
  }

  push(rank: number, value: V): void {
    const items = this.#items;
    let at = items.push({ rank, value }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#rank(parent) <= rank) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): V | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first?.value;
    items[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const least = this.#rank(left + 1) < this.#rank(left) ? left + 1 : left;
      if (this.#rank(least) >= last.rank) return first.value;
      this.#swap(at, least);
      at = least;
    }
  }

  clear(): void {
    this.#items.length = 0;
  }

  #rank(at: number): number {
    return this.#items[at]?.rank ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#items[a], this.#items[b]];
    if (first === undefined || second === undefined) return;
    this.#items[a] = second;
    this.#items[b] = first;
  }
}
