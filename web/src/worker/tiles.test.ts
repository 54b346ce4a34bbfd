import { describe, expect, it } from "vitest";
import { tilesIn } from "./tiles";

describe("tilesIn", () => {
  it("finds the quarters of the world that a box around 0, 0 touches", () => {
    expect(tilesIn([-1, -1, 1, 1], 1)).toEqual([
      { z: 1, x: 0, y: 0 }, { z: 1, x: 0, y: 1 }, { z: 1, x: 1, y: 0 }, { z: 1, x: 1, y: 1 },
    ]);
  });
  it("finds one tile for a point: x of 45 degrees east and y of 66.513 degrees north at zoom 3", () => {
    // x = (45 + 180) / 360 * 8 = 5; 66.51326 degrees is a quarter of the way from the top: y = 8 / 4 = 2.
    expect(tilesIn([45.1, 66.5, 45.2, 66.51], 3)).toEqual([{ z: 3, x: 5, y: 2 }]);
  });
});
