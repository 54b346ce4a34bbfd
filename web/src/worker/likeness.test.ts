import { describe, expect, it } from "vitest";
import type { Category, Incident, LonLat } from "../shared/types";
import { alike } from "./likeness";

const NOW = Date.parse("2026-11-22T08:00:00Z");
const CATEGORY: Category = {
  code: "E01-02", parent: "E01", name: "暴露垃圾", name_en: null, department: null, keys: "", duplicate_m: 30, duplicate_hours: 48,
};

function incident(code: string, at: LonLat, hours: number, category = "E01-02"): Incident {
  const reported_at = new Date(NOW - hours * 3_600_000).toISOString();
  return { type: "Feature", id: code, geometry: { type: "Point", coordinates: at }, properties: { code, category, title: "t", status: "reported", reported_at } };
}

describe("what may be the same thing", () => {
  it("is of the category, within its radius and its time, the nearest first and two at most", () => {
    // 0.0001 degrees of latitude are 11.1 m
    const found = alike([115, 30], CATEGORY, [
      incident("far", [115, 30.0003], 1),
      incident("old", [115, 30], 49),
      incident("other", [115, 30], 1, "E01-03"),
      incident("22m", [115, 30.0002], 47),
      incident("11m", [115, 30.0001], 1),
      incident("here", [115, 30], 2),
    ], NOW);
    expect(found.map((one) => [one.incident.properties.code, Math.round(one.away_m)])).toEqual([["here", 0], ["11m", 11]]);
  });
  it("is nothing where the catalogue says nothing", () => {
    const { duplicate_m: _, ...plain } = CATEGORY;
    expect(alike([115, 30], plain, [incident("here", [115, 30.0001], 1)], NOW)).toEqual([]);
  });
});
