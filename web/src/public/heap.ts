/** A binary heap of numbered things by a key, the least first, in typed arrays: the search's own queue. */
export class Heap {
  size = 0;
  private readonly keys: Float64Array;
  private readonly items: Int32Array;

  /** `room` is the most entries it will ever hold at once. */
  constructor(room: number) {
    this.keys = new Float64Array(room);
    this.items = new Int32Array(room);
  }

  /** The least key; of no meaning while the heap is empty. */
  get leastKey(): number {
    return this.keys[0]!;
  }

  push(key: number, item: number): void {
    const { keys, items } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      items[at] = items[parent]!;
      at = parent;
    }
    keys[at] = key;
    items[at] = item;
  }

  /** Take the item of the least key away. */
  pop(): number {
    const { keys, items } = this;
    const least = items[0]!;
    const size = --this.size;
    const [key, item] = [keys[size]!, items[size]!];
    let [at, child] = [0, 1];
    while (child < size) {
      if (child + 1 < size && keys[child + 1]! < keys[child]!) child += 1;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      items[at] = items[child]!;
      [at, child] = [child, 2 * child + 1];
    }
    keys[at] = key;
    items[at] = item;
    return least;
  }
}
