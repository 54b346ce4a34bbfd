import { describe, expect, it } from "vitest";
import type { Facility, FacilityProperties, LonLat } from "../shared/types";
import { chooseRows, distanceM, middleOf, placeOf, type Choice } from "./kinds";

const NOON = new Date("2026-11-25T04:00:00Z"); // Wednesday 12:00 in Shanghai
const ANY: Choice = { text: "", openNow: false, stepFree: false, origin: null };

function facility(at: LonLat, properties: Partial<FacilityProperties> & { code: string }): Facility {
  const named = { name: properties.code, ...properties };
  return { type: "Feature", id: properties.code, geometry: { type: "Point", coordinates: at }, properties: named };
}

/* On the equator one thousandth of a degree is 111.2 m:  me(0)  a(0.001)  b(0.002)  c(0.003) */
const PLACES = [
  placeOf("canteen", facility([0.003, 0], { code: "c", hours: "Mo-Su 11:00-13:00", services: ["送餐"] })),
  placeOf("station", facility([0.002, 0], { code: "b", hours: "Mo-Su 18:00-20:00", is_accessible: true })),
  placeOf("station", facility([0.001, 0], { code: "a", hours: "24/7", status: "planned", name_en: "Lake House" })),
];

const codes = (choice: Partial<Choice>): string[] =>
  chooseRows(PLACES, { ...ANY, ...choice }, NOON, "Asia/Shanghai").map((row) => row.place.facility.properties.code);

describe("chooseRows", () => {
  it("puts the nearest first when it knows from where", () => {
    expect(codes({ origin: [0, 0] })).toEqual(["a", "b", "c"]);
    expect(codes({ origin: [0.0028, 0] })).toEqual(["c", "b", "a"]);
  });

  it("puts the open ones first otherwise, then by name", () => {
    expect(codes({})).toEqual(["c", "a", "b"]);
  });

  it("does not call a planned place open, whatever its hours", () => {
    expect(codes({ openNow: true })).toEqual(["c"]);
  });

  it("asks for a known step-free access, not a missing remark", () => {
    expect(codes({ stepFree: true })).toEqual(["b"]);
  });

  it("searches every word in names, both languages, and services", () => {
    expect(codes({ text: "送餐" })).toEqual(["c"]);
    expect(codes({ text: " lake  HOUSE " })).toEqual(["a"]);
    expect(codes({ text: "lake 送餐" })).toEqual([]);
  });
});

describe("geometry", () => {
  it("measures a degree of longitude on the equator as its share of the circle", () => {
    expect(distanceM([0, 0], [1, 0])).toBeCloseTo((2 * Math.PI * 6_371_009) / 360, 3);
    expect(distanceM([114.9, 30.2], [114.9, 30.2])).toBe(0);
  });

  it("takes the middle of a car park's outline", () => {
    const outline = [[[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]];
    expect(middleOf({ type: "Polygon", coordinates: outline })).toEqual([2, 1]);
    expect(middleOf({ type: "MultiPolygon", coordinates: [outline] })).toEqual([2, 1]);
  });
});
