/**
 * Walking along streets on the device: the server sends a city's walking graph once, and a position never goes back.
 * The search is that of `geo.walking`: from a point straight to the nearest street, along straight edges, straight to
 * the place. A walk is unknown (null) where an end lies too far from any street, or no street joins the two.
 */
import type { LonLat } from "../shared/types";
import { Heap } from "./heap";

/** The answer of `/api/public/walks`; its docstring says how the numbers are coded. */
export interface WalksAnswer {
  /** [lon, lat, dlon, dlat, ...], 1e-6 degrees, each the difference from the node before. */
  nodes: number[];
  /** [start, stop - start, dstart, stop - start, ...] in the order of their starts. */
  edges: number[];
  lengths_cm: number[];
  /** "kind/code" -> [edge, cm along it, cm from it]; places that are off the streets are not there. */
  places: Record<string, [edge: number, along: number, snap: number]>;
  snap_limit_m: number;
  pace: { adult_m_per_min: number; elder_m_per_min: number; source: string };
}

/** Where a point meets the streets. */
interface Snap {
  edge: number;
  alongM: number;
  snapM: number;
}

export interface WalkingGraph {
  lon: Float64Array;
  lat: Float64Array;
  start: Int32Array;
  stop: Int32Array;
  edgeM: Float64Array;
  /** The links of node n are `first[n]` to `first[n + 1]` of `link` (their edges). */
  first: Int32Array;
  link: Int32Array;
  places: Map<string, Snap>;
  snapLimitM: number;
}

const DEGREE = 1e-6;
/** Rounding of the sent coordinates and of their projection: a point this little beyond the limit still snaps. */
const ROUNDING_M = 0.1;

export function readGraph(answer: WalksAnswer): WalkingGraph {
  const size = answer.nodes.length / 2;
  const [lon, lat] = [new Float64Array(size), new Float64Array(size)];
  let [x, y] = [0, 0];
  for (let node = 0; node < size; node++) {
    lon[node] = (x += answer.nodes[2 * node]!) * DEGREE;
    lat[node] = (y += answer.nodes[2 * node + 1]!) * DEGREE;
  }
  const count = answer.lengths_cm.length;
  const [start, stop] = [new Int32Array(count), new Int32Array(count)];
  const first = new Int32Array(size + 1);
  let from = 0;
  for (let edge = 0; edge < count; edge++) {
    start[edge] = from += answer.edges[2 * edge]!;
    stop[edge] = from + answer.edges[2 * edge + 1]!;
    first[start[edge]! + 1]! += 1;
    first[stop[edge]! + 1]! += 1;
  }
  for (let node = 0; node < size; node++) first[node + 1]! += first[node]!;
  const link = new Int32Array(2 * count);
  const next = first.slice();
  for (let edge = 0; edge < count; edge++) {
    link[next[start[edge]!]!++] = edge;
    link[next[stop[edge]!]!++] = edge;
  }
  const edgeM = Float64Array.from(answer.lengths_cm, (cm) => cm / 100);
  const places = new Map(
    Object.entries(answer.places).map(([key, [edge, along, snap]]) => [key, { edge, alongM: along / 100, snapM: snap / 100 }]),
  );
  return { lon, lat, start, stop, edgeM, first, link, places, snapLimitM: answer.snap_limit_m };
}

/** Metres of a degree of longitude and of latitude on the WGS 84 ellipsoid. */
export function metresOfDegree(lat: number): [east: number, north: number] {
  const [a, e2, phi] = [6_378_137, 0.00669437999014, (lat * Math.PI) / 180];
  const w2 = 1 - e2 * Math.sin(phi) ** 2;
  const rad = Math.PI / 180;
  return [(rad * a * Math.cos(phi)) / Math.sqrt(w2), (rad * a * (1 - e2)) / w2 ** 1.5];
}

/** The nearest point on a street within the limit; the lowest edge wins a tie. */
export function snapTo(graph: WalkingGraph, [lon, lat]: LonLat): Snap | null {
  const [east, north] = metresOfDegree(lat);
  let best: Snap | null = null;
  let least = (graph.snapLimitM + ROUNDING_M) ** 2;
  for (let edge = 0; edge < graph.start.length; edge++) {
    const [a, b] = [graph.start[edge]!, graph.stop[edge]!];
    const [ax, ay] = [(graph.lon[a]! - lon) * east, (graph.lat[a]! - lat) * north];
    const [dx, dy] = [(graph.lon[b]! - graph.lon[a]!) * east, (graph.lat[b]! - graph.lat[a]!) * north];
    const square = dx * dx + dy * dy;
    const share = square > 0 ? Math.min(Math.max(-(ax * dx + ay * dy) / square, 0), 1) : 0;
    const away = (ax + share * dx) ** 2 + (ay + share * dy) ** 2;
    if (away < least) {
      least = away;
      best = { edge, alongM: share * graph.edgeM[edge]!, snapM: Math.sqrt(away) };
    }
  }
  return best;
}

/** All walks from one point. */
export class Walks {
  private readonly nodeM: Float64Array;
  /** The edge by which a node was reached; -1 for the ends of the origin's own edge. */
  private readonly by: Int32Array;
  private readonly snap: Snap | null;

  constructor(
    private readonly graph: WalkingGraph,
    readonly origin: LonLat,
  ) {
    this.nodeM = new Float64Array(graph.lon.length).fill(Infinity);
    this.by = new Int32Array(graph.lon.length).fill(-1);
    this.snap = snapTo(graph, origin);
    if (this.snap) this.spread(this.snap);
  }

  /** Whether the origin is at a street at all. */
  get isAtStreet(): boolean {
    return this.snap !== null;
  }

  get snapLimitM(): number {
    return this.graph.snapLimitM;
  }

  private spread(from: Snap): void {
    const { graph, nodeM, by } = this;
    const heap = new Heap(graph.link.length + 2);
    const reach = (node: number, metres: number, edge: number): void => {
      if (metres >= nodeM[node]!) return;
      nodeM[node] = metres;
      by[node] = edge;
      heap.push(metres, node);
    };
    reach(graph.start[from.edge]!, from.snapM + from.alongM, -1);
    reach(graph.stop[from.edge]!, from.snapM + graph.edgeM[from.edge]! - from.alongM, -1);
    while (heap.size > 0) {
      const [metres, node] = [heap.leastKey, heap.pop()];
      if (metres > nodeM[node]!) continue;
      for (let at = graph.first[node]!; at < graph.first[node + 1]!; at++) {
        const edge = graph.link[at]!;
        reach(this.otherEnd(edge, node), metres + graph.edgeM[edge]!, edge);
      }
    }
  }

  private otherEnd(edge: number, node: number): number {
    const start = this.graph.start[edge]!;
    return start === node ? this.graph.stop[edge]! : start;
  }

  /** The shortest way to a snapped place: its metres, and the node it comes by (null along the origin's own edge). */
  private wayTo(to: Snap): { metres: number; node: number | null } {
    const { graph, nodeM } = this;
    const [start, stop] = [graph.start[to.edge]!, graph.stop[to.edge]!];
    const byStart = nodeM[start]! + to.alongM;
    const byStop = nodeM[stop]! + graph.edgeM[to.edge]! - to.alongM;
    let way: { metres: number; node: number | null } = byStart <= byStop ? { metres: byStart, node: start } : { metres: byStop, node: stop };
    if (this.snap?.edge === to.edge) {
      const beside = this.snap.snapM + Math.abs(this.snap.alongM - to.alongM);
      if (beside <= way.metres) way = { metres: beside, node: null };
    }
    return { metres: way.metres + to.snapM, node: way.node };
  }

  /** Metres along streets to a place ("kind/code"), both snaps included; null where no way is known. */
  metresTo(key: string): number | null {
    const to = this.graph.places.get(key);
    if (!to || !this.snap) return null;
    const { metres } = this.wayTo(to);
    return Number.isFinite(metres) ? metres : null;
  }

  /** The line that is walked to a place that stands at `at`; null where no way is known. */
  routeTo(key: string, at: LonLat): LonLat[] | null {
    const to = this.graph.places.get(key);
    if (!to || !this.snap || this.metresTo(key) === null) return null;
    const nodes: LonLat[] = [];
    for (let node = this.wayTo(to).node; node !== null; ) {
      nodes.push([this.graph.lon[node]!, this.graph.lat[node]!]);
      const edge = this.by[node]!;
      node = edge < 0 ? null : this.otherEnd(edge, node);
    }
    const line = [this.origin, this.footOf(this.snap), ...nodes.reverse(), this.footOf(to), at];
    return line.filter((point, index) => index === 0 || point[0] !== line[index - 1]![0] || point[1] !== line[index - 1]![1]);
  }

  private footOf({ edge, alongM }: Snap): LonLat {
    const { lon, lat, start, stop, edgeM } = this.graph;
    const share = edgeM[edge]! > 0 ? alongM / edgeM[edge]! : 0;
    const [a, b] = [start[edge]!, stop[edge]!];
    return [lon[a]! + share * (lon[b]! - lon[a]!), lat[a]! + share * (lat[b]! - lat[a]!)];
  }
}
