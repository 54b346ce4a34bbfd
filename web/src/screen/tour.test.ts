import { describe, expect, it } from "vitest";
import type { Area } from "../shared/types";
import { neighbour, nextStop } from "./tour";

/*
 * city ── s1 ── a, b
 *      └─ s2 ── c
 */
const TREE: Record<string, string[]> = { city: ["s1", "s2"], s1: ["a", "b"], s2: ["c"] };
const area = (code: string): Area => ({ code }) as Area;
const childrenOf = async (parent: Area): Promise<Area[]> => (TREE[parent.code] ?? []).map(area);
const trail = (text: string): Area[] => text.split("/").map(area);
const text = (stops: Area[] | null): string | null => stops && stops.map((stop) => stop.code).join("/");

async function walk(from: string, base: number, depth: number, steps: number): Promise<string[]> {
  const seen: string[] = [];
  let here = trail(from);
  for (let step = 0; step < steps; step++) {
    here = await nextStop(here, base, depth, childrenOf);
    seen.push(text(here)!);
  }
  return seen;
}

describe("nextStop", () => {
  it("goes along one level and back to the start", async () => {
    expect(await walk("city", 0, 1, 3)).toEqual(["city/s1", "city/s2", "city"]);
  });

  it("goes down two levels, depth first", async () => {
    expect(await walk("city", 0, 2, 6)).toEqual(["city/s1", "city/s1/a", "city/s1/b", "city/s2", "city/s2/c", "city"]);
  });

  it("stays inside the area where it was started", async () => {
    expect(await walk("city/s1", 1, 1, 3)).toEqual(["city/s1/a", "city/s1/b", "city/s1"]);
  });

  it("stands still where there is nothing below", async () => {
    expect(await walk("city/s2/c", 2, 1, 1)).toEqual(["city/s2/c"]);
  });
});

describe("neighbour", () => {
  it("steps to either side and ends at the ends", async () => {
    expect(text(await neighbour(trail("city/s1/b"), -1, childrenOf))).toBe("city/s1/a");
    expect(await neighbour(trail("city/s1/b"), 1, childrenOf)).toBeNull();
    expect(await neighbour(trail("city"), 1, childrenOf)).toBeNull();
  });
});
