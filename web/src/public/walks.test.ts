import { describe, expect, it } from "vitest";
import type { LonLat } from "../shared/types";
import { Heap } from "./heap";
import { stepsOf } from "./steps";
import { metresOfDegree, readGraph, snapTo, Walks, type WalksAnswer } from "./walks";

/*
 * Drawn on the equator, one unit = 1e-4 degree (11.1 m east, 11.1 m north); lengths as sent, not as drawn:
 *
 *    3 ---- 2      0-1 100 m   1-2 100 m   2-3 100 m   0-3 250 m (a slow way)      4-5 100 m (an island)
 *    |      |
 *    0 ---- 1      4 ---- 5
 */
const UNIT = 100; // in 1e-6 degrees
const NODES: LonLat[] = [[0, 0], [9, 0], [9, 9], [0, 9], [30, 0], [39, 0]];
const EDGES = [[0, 1, 10_000], [0, 3, 25_000], [1, 2, 10_000], [2, 3, 10_000], [4, 5, 10_000]];

function coded(places: WalksAnswer["places"]): WalksAnswer {
  const nodes = NODES.flatMap(([x, y], at) => {
    const [px, py] = NODES[at - 1] ?? [0, 0];
    return [(x - px) * UNIT, (y - py) * UNIT];
  });
  const edges = EDGES.flatMap(([start, stop], at) => [start! - (EDGES[at - 1]?.[0] ?? 0), stop! - start!]);
  const pace = { adult_m_per_min: 60, elder_m_per_min: 48, source: "" };
  return { nodes, edges, lengths_cm: EDGES.map(([, , cm]) => cm!), places, snap_limit_m: 50, pace };
}

const at = (x: number, y: number): LonLat => [x * UNIT * 1e-6, y * UNIT * 1e-6];
const GRAPH = readGraph(
  coded({
    "station/beside": [0, 8_000, 300], // 80 m along 0-1, 3 m from it
    "station/far": [3, 5_000, 0], // the middle of 2-3
    "station/slow": [1, 24_000, 0], // 240 m along 0-3, 10 m from node 3
    "station/island": [4, 5_000, 0],
  }),
);

describe("walks", () => {
  it("reads the coded graph", () => {
    expect([...GRAPH.lon].map((lon) => Math.round(lon * 1e4))).toEqual(NODES.map(([x]) => x));
    expect([...GRAPH.start]).toEqual([0, 0, 1, 2, 4]);
    expect([...GRAPH.stop]).toEqual([1, 3, 2, 3, 5]);
    expect([...GRAPH.first]).toEqual([0, 2, 4, 6, 8, 9, 10]);
  });

  it("measures along the origin's own edge, both snaps included", () => {
    // A third of the way along 0-1 (33.3 m) and 11 m above it: 11.06 + (80 - 33.33) + 3.
    const [, north] = metresOfDegree(0);
    const walks = new Walks(GRAPH, at(3, 1));
    expect(walks.metresTo("station/beside")).toBeCloseTo(1e-4 * north + 80 - 100 / 3 + 3, 2);
  });

  it("goes the shorter way round, not the way with fewer corners", () => {
    // From node 0: to the middle of 2-3 by 1 and 2 (250 m) rather than by 3 (300 m).
    const walks = new Walks(GRAPH, at(0, 0));
    expect(walks.metresTo("station/far")).toBeCloseTo(250, 6);
    expect(walks.routeTo("station/far", at(4.5, 9))).toEqual([at(0, 0), at(9, 0), at(9, 9), [0.00045, 0.0009]]);
    // The slow street itself: 240 m along it, against 310 m round.
    expect(walks.metresTo("station/slow")).toBeCloseTo(240, 6);
  });

  it("comes to a place by the nearer end of its edge", () => {
    // From node 2: 100 to node 3 and 10 back along the slow street, not 200 + 240.
    expect(new Walks(GRAPH, at(9, 9)).metresTo("station/slow")).toBeCloseTo(110, 6);
  });

  it("knows no way to an island, to a place off the streets, or from far off", () => {
    const walks = new Walks(GRAPH, at(0, 0));
    expect(walks.metresTo("station/island")).toBeNull();
    expect(walks.routeTo("station/island", at(34, 0))).toBeNull();
    expect(walks.metresTo("station/elsewhere")).toBeNull();
    const lost = new Walks(GRAPH, at(5, -5)); // 55 m below the street
    expect(lost.isAtStreet).toBe(false);
    expect(lost.metresTo("station/beside")).toBeNull();
    expect(new Walks(GRAPH, at(5, -4)).isAtStreet).toBe(true);
  });

  it("snaps to the lowest edge where two are equally near", () => {
    expect(snapTo(GRAPH, at(0, 0))).toEqual({ edge: 0, alongM: 0, snapM: 0 });
  });

  it("starts at a corner as well", () => {
    expect(new Walks(GRAPH, at(9, 0)).metresTo("station/far")).toBeCloseTo(150, 6);
  });
});

describe("Heap", () => {
  it("gives everything back in order", () => {
    const heap = new Heap(200);
    let seed = 7;
    const keys = Array.from({ length: 200 }, () => (seed = (seed * 48_271) % 2_147_483_647) % 50);
    keys.forEach((key, item) => heap.push(key, item));
    const order: number[] = [];
    while (heap.size > 0) order.push(keys[heap.pop()]!);
    expect(order).toEqual(keys.toSorted((a, b) => a - b));
  });
});

describe("stepsOf", () => {
  const north = 1 / metresOfDegree(0)[1];
  const east = 1 / metresOfDegree(0)[0];
  const line = (...points: [number, number][]): LonLat[] => points.map(([x, y]) => [x * east, y * north]);

  it("tells the first direction and every turn", () => {
    const steps = stepsOf(line([0, 0], [0, 100], [80, 100], [80, 40]));
    expect(steps.map(({ turn, compass, metres }) => [turn, compass, Math.round(metres)])).toEqual([
      ["start", 0, 100],
      ["right", 2, 80],
      ["right", 4, 60],
    ]);
    expect(stepsOf(line([0, 0], [50, 0], [50, 50])).at(-1)!.turn).toBe("left");
    expect(stepsOf(line([0, 0], [50, 0], [10, 1])).at(-1)!.turn).toBe("back");
  });

  it("takes a bend for the same street, and keeps all the metres", () => {
    const steps = stepsOf(line([0, 0], [100, 0], [200, 30], [300, 80]));
    expect(steps).toHaveLength(1);
    expect(steps[0]!.metres).toBeCloseTo(100 + Math.hypot(100, 30) + Math.hypot(100, 50), 6);
  });

  it("leaves out drawing detail: a kerb of 3 m is no turn", () => {
    expect(stepsOf(line([0, 0], [0, 3], [100, 3]))).toHaveLength(1);
  });

  it("has nothing to tell of no way at all", () => {
    expect(stepsOf(line([0, 0]))).toEqual([]);
  });
});
