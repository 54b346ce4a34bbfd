import { describe, expect, it } from "vitest";
import { cellClass, newestOf, shareOf, type Rulebook } from "./findings";

const book = (code: string, version: number, day: number): Rulebook => ({
  code, version, source: null, created_at: `2026-01-0${day}T00:00:00Z`, rules: 1,
});

describe("rulebooks", () => {
  it("take the city's newest before the built-in one", () => {
    expect(newestOf([book("builtin", 2, 9), book("city", 1, 3), book("city", 2, 5)])).toMatchObject({ code: "city", version: 2 });
    expect(newestOf([book("builtin", 1, 1), book("builtin", 2, 2)])).toMatchObject({ version: 2 });
    expect(newestOf([])).toBeUndefined();
  });
});

describe("cells", () => {
  it("are coloured by the share not served; unknown is no colour", () => {
    expect([0, 0.05, 0.1, 0.3, 0.5, 1].map(cellClass)).toEqual([0, 1, 1, 2, 3, 4]);
    expect(cellClass(null)).toBeNull();
  });
});

describe("promises", () => {
  it("are never more than whole, and unknown where nothing tells", () => {
    expect(shareOf({ done: 30, amount: 100 })).toBe(0.3);
    expect(shareOf({ done: 30, amount: 100 }, 90)).toBe(1);
    expect(shareOf({ done: null, amount: 7 })).toBeNull();
  });
});
