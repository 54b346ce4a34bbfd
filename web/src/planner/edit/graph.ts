/** Who touches whom: the pairs of neighbouring units, looked up by unit (compressed rows). */
import type { Workbench } from "./payload";

export interface Graph {
  /** Neighbours of unit `u` are `near[start[u] .. start[u + 1]]`; the other arrays run beside `near`. */
  start: Int32Array;
  near: Int32Array;
  border_m: Float64Array;
  /** Whether the two hold a grid together: they touch with no barrier between them, or a bridge joins them. */
  links: Uint8Array;
  /** Whether a barrier lies between them. */
  isCut: Uint8Array;
}

export function buildGraph(size: number, { a, b, border_m, is_cut, is_bridge }: Workbench["pairs"]): Graph {
  const start = new Int32Array(size + 1);
  for (let i = 0; i < a.length; i++) {
    start[a[i]! + 1]!++;
    start[b[i]! + 1]!++;
  }
  for (let u = 0; u < size; u++) start[u + 1]! += start[u]!;
  const fill = start.slice(0, size);
  const count = 2 * a.length;
  const graph: Graph = {
    start,
    near: new Int32Array(count),
    border_m: new Float64Array(count),
    links: new Uint8Array(count),
    isCut: new Uint8Array(count),
  };
  for (let i = 0; i < a.length; i++) {
    for (const [from, to] of [[a[i]!, b[i]!] as const, [b[i]!, a[i]!] as const]) {
      const at = fill[from]!++;
      graph.near[at] = to;
      graph.border_m[at] = border_m[i]!;
      graph.links[at] = Number(!is_cut[i] || is_bridge[i]);
      graph.isCut[at] = Number(is_cut[i]);
    }
  }
  return graph;
}

/** Disjoint sets over the units, with path halving; only the members that are reset are meaningful. */
export class UnionFind {
  private readonly parent: Int32Array;

  constructor(size: number) {
    this.parent = new Int32Array(size);
  }
  reset(member: number): void {
    this.parent[member] = member;
  }
  find(member: number): number {
    const { parent } = this;
    let at = member;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!;
    return at;
  }
  union(a: number, b: number): void {
    this.parent[this.find(a)] = this.find(b);
  }
}
