import { describe, expect, it } from "vitest";
import type { Area, Incident } from "../shared/types";
import { FEED_LENGTH, intoFeed, intoOpen, liesIn, OPEN_LENGTH, placeOf } from "./arrivals";

const incident = (code: string, at = 0, more: object = {}): Incident =>
  ({
    geometry: { type: "Point", coordinates: [0, 0] },
    properties: { code, reported_at: new Date(at * 1000).toISOString(), status: "reported", ...more },
  }) as unknown as Incident;
const codes = (list: Incident[]): string[] => list.map((one) => one.properties.code);

describe("intoFeed", () => {
  it("puts the newest first and each once, as it is now", () => {
    const feed = intoFeed([incident("b", 2), incident("a", 1)], [incident("c", 3), incident("a", 1, { status: "accepted" })]);
    expect(codes(feed)).toEqual(["c", "b", "a"]);
    expect(feed[2]!.properties.status).toBe("accepted");
  });

  it("never grows beyond its length, and lets go of the oldest", () => {
    let feed: Incident[] = [];
    for (let n = 0; n < 10 * FEED_LENGTH; n++) feed = intoFeed(feed, [incident(String(n), n)]);
    expect(codes(feed)).toEqual(Array.from({ length: FEED_LENGTH }, (_, n) => String(10 * FEED_LENGTH - 1 - n)));
  });
});

describe("intoOpen", () => {
  it("takes the new in and the closed out", () => {
    expect(codes(intoOpen([incident("a"), incident("b")], [incident("c"), incident("a", 0, { status: "closed" })]))).toEqual(["b", "c"]);
  });

  it("never grows beyond its length", () => {
    const many = Array.from({ length: 2 * OPEN_LENGTH }, (_, n) => incident(String(n), n));
    const open = intoOpen([], many);
    expect([open.length, open[0]!.properties.code]).toEqual([OPEN_LENGTH, String(2 * OPEN_LENGTH - 1)]);
  });
});

describe("liesIn", () => {
  const box = [0, 0, 1, 1];
  const area = (code: string, level: string, path: string): Area => ({ code, level, path, bbox: box }) as Area;
  const city = area("X", "district", "X");
  const street = area("X1", "street", "X.X1");
  const community = area("X1A", "community", "X.X1.X1A");
  const places = new Map([street, community, area("X10A", "community", "X.X10.X10A")].map((one) => [one.code, one]));
  const inside = (one: Incident): boolean[] => [city, street, community].map((each) => liesIn(placeOf(one), each, places));

  it("goes by the path of the community, whole names only", () => {
    const here = incident("a", 0, { community: "X1A", grid: "G1" });
    const next = incident("b", 0, { community: "X10A", grid: "G9" });
    expect([inside(here), inside(next)]).toEqual([[true, true, true], [true, false, false]]);
    const grid = area("G1", "grid", "X.X1.X1A.G1");
    expect([here, next].map((one) => liesIn(placeOf(one), grid, places))).toEqual([true, false]);
  });

  it("goes by the box where no community is known", () => {
    expect(inside(incident("a"))).toEqual([true, true, true]);
    expect(liesIn({ at: [2, 0.5] }, city, places)).toBe(false);
  });
});
