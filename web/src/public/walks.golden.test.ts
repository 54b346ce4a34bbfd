import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { LonLat } from "../shared/types";
import { straightMetres } from "./choose";
import { readGraph, Walks, type WalksAnswer } from "./walks";

/** Made by `tests/data/publicmap/test_device_walks.py`: a drawn town, and what `geo.walking` measures in it. */
const GOLDEN = JSON.parse(readFileSync(`${import.meta.dirname}/walks.golden.json`, "utf-8")) as {
  walks: WalksAnswer;
  cases: { from: LonLat; metres: Record<string, number> }[];
};
const GRAPH = readGraph(GOLDEN.walks);
const KEYS = Array.from({ length: 60 }, (_, row) => `station/${row}`);

function lengthOf(line: LonLat[]): number {
  return line.slice(1).reduce((sum, point, at) => sum + straightMetres(line[at]!, point), 0);
}

describe("the device and geo.walking", () => {
  it.each(GOLDEN.cases)("measure the same walks from $from", ({ from, metres }) => {
    const walks = new Walks(GRAPH, from);
    for (const key of KEYS) {
      const expected = metres[key];
      const walked = walks.metresTo(key);
      if (expected === undefined) expect(walked, key).toBeNull();
      else expect(Math.abs(walked! - expected), key).toBeLessThan(0.5);
    }
  });

  it("draw a way that is as long as it is said to be", () => {
    // The drawn line is measured on the ellipsoid, the walk in the plane of the map: half a metre in a kilometre apart.
    const { from, metres } = GOLDEN.cases.find((one) => Object.keys(one.metres).length > 30)!;
    const walks = new Walks(GRAPH, from);
    for (const [key, expected] of Object.entries(metres)) {
      const { edge, alongM } = GRAPH.places.get(key)!;
      const share = alongM / GRAPH.edgeM[edge]!;
      const [a, b] = [GRAPH.start[edge]!, GRAPH.stop[edge]!];
      const foot: LonLat = [
        GRAPH.lon[a]! + share * (GRAPH.lon[b]! - GRAPH.lon[a]!),
        GRAPH.lat[a]! + share * (GRAPH.lat[b]! - GRAPH.lat[a]!),
      ];
      const line = walks.routeTo(key, foot)!; // to the kerb, since the answer has no place beyond it
      expect(Math.abs(lengthOf(line) + GRAPH.places.get(key)!.snapM - expected), key).toBeLessThan(0.5 + expected / 2000);
    }
  });
});
