import { describe, expect, it } from "vitest";
import { inPaintingOrder, radiusAt, type Spot } from "./spots";

const spot = (code: string, isOverdue: boolean): Spot => ({ code, at: [1, 2], isOverdue, isFresh: false });

describe("radiusAt", () => {
  it.each([
    [0, 2.5], [10, 2.5], [11.5, 3.5], [13, 4.5], [14.5, 5.75], [16, 7], [22, 7],
  ])("is, at zoom %d, %d pixels", (zoom, radius) => {
    expect(radiusAt(zoom)).toBeCloseTo(radius, 9);
  });
});

describe("inPaintingOrder", () => {
  it("paints late ones last, each kind in its order", () => {
    const spots = [spot("a", true), spot("b", false), spot("c", true), spot("d", false)];
    expect(inPaintingOrder(spots).map((one) => one.code)).toEqual(["b", "d", "a", "c"]);
  });
});
