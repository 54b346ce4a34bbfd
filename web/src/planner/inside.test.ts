import type { Position } from "geojson";
import { describe, expect, it } from "vitest";
import { insidePoint } from "./inside";

const ring = (...points: [number, number][]): Position[] => [...points, points[0]!];

describe("insidePoint", () => {
  it("is the centre of a square", () => {
    expect(insidePoint({ type: "Polygon", coordinates: [ring([0, 0], [2, 0], [2, 2], [0, 2])] })).toEqual([1, 1]);
  });
  it("lies in an arm of a U, whose centroid is outside", () => {
    // Arms 0-2 and 4-5 wide over a foot 0-1 high: at half height only the arms are there, the left one is wider.
    const u = ring([0, 0], [5, 0], [5, 4], [4, 4], [4, 1], [2, 1], [2, 4], [0, 4]);
    expect(insidePoint({ type: "Polygon", coordinates: [u] })).toEqual([1, 2]);
  });
  it("keeps out of a hole", () => {
    const outer = ring([0, 0], [10, 0], [10, 4], [0, 4]);
    const hole = ring([1, 0.5], [7, 0.5], [7, 3.5], [1, 3.5]);
    expect(insidePoint({ type: "Polygon", coordinates: [outer, hole] })).toEqual([8.5, 2]);
  });
  it("takes the largest part", () => {
    const small = [ring([0, 0], [1, 0], [1, 1], [0, 1])];
    const large = [ring([10, 0], [14, 0], [14, 4], [10, 4])];
    expect(insidePoint({ type: "MultiPolygon", coordinates: [small, large] })).toEqual([12, 2]);
  });
});
