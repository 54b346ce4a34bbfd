import type { Position } from "geojson";
import { describe, expect, it } from "vitest";
import { bboxOf, insidePoint, isInside } from "./shape";

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

const square = (west: number, south: number, side: number): Position[] => [
  [west, south],
  [west + side, south],
  [west + side, south + side],
  [west, south + side],
  [west, south],
];

describe("isInside", () => {
  it("tells inside from outside of a square", () => {
    const shape = { type: "Polygon" as const, coordinates: [square(0, 0, 2)] };
    expect(isInside([1, 1], shape)).toBe(true);
    expect(isInside([3, 1], shape)).toBe(false);
    expect(isInside([1, -1], shape)).toBe(false);
  });
  it("takes a hole as outside and every part of a multipolygon as inside", () => {
    const shape = {
      type: "MultiPolygon" as const,
      coordinates: [[square(0, 0, 3), square(1, 1, 1)], [square(10, 0, 1)]],
    };
    expect(isInside([1.5, 1.5], shape)).toBe(false);
    expect(isInside([0.5, 0.5], shape)).toBe(true);
    expect(isInside([10.5, 0.5], shape)).toBe(true);
  });
});

describe("bboxOf", () => {
  it("goes around every geometry", () => {
    const point = { geometry: { type: "Point" as const, coordinates: [5, -1] } };
    const area = { geometry: { type: "Polygon" as const, coordinates: [square(0, 0, 2)] } };
    expect(bboxOf([point, area])).toEqual([0, -1, 5, 2]);
  });
  it("is null around nothing", () => {
    expect(bboxOf([])).toBeNull();
  });
});
