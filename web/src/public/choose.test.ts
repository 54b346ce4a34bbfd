import { describe, expect, it } from "vitest";
import { chooseRows, minutesOf, straightMetres, type Choice } from "./choose";
import type { Place, PlacesAnswer } from "./kinds";
import type { Walks } from "./walks";

const NOON = Date.parse("2026-11-25T04:00:00Z"); // Wednesday 12:00 in Shanghai
const minute = (text: string): number => Date.parse(text) / 60_000;
const ANY: Choice = { text: "", kinds: [], openNow: false, stepFree: false, origin: null, walks: null };

function place(kind: Place["kind"], code: string, lon: number, more: Partial<Place> = {}): Place {
  return {
    kind, code, lon, lat: 0, name: code, name_en: null, keys: code, tier: null, community: null, community_name: null, address: null, phone: null,
    hours: null, services: [], capacity: null, is_accessible: null, status: "open",
    opens_on: null, ...more,
  };
}

/* On the equator one thousandth of a degree is 111.3 m:  me(0)  a(0.001)  b(0.002)  c(0.003)  d(0.004) */
const ANSWER: PlacesAnswer = {
  as_of: "2026-11-25T03:00:00Z",
  covers: [minute("2026-11-23T16:00Z"), minute("2026-12-09T16:00Z")],
  time_zone: "Asia/Shanghai",
  calendar_until: null,
  holiday: null,
  hours: {
    lunch: { words: "", words_en: "", is_read: true, spans: [[minute("2026-11-25T03:00Z"), minute("2026-11-25T05:00Z")]], unknown: [] },
    evening: { words: "", words_en: "", is_read: true, spans: [[minute("2026-11-25T10:00Z"), minute("2026-11-25T12:00Z")]], unknown: [] },
  },
  services: {},
  communities: [],
  places: [
    place("canteen", "c", 0.003, { hours: "lunch", keys: "湖滨食堂|hubinshitang|hbst|送餐" }),
    place("station", "b", 0.002, { hours: "evening", is_accessible: true, keys: "团城山驿站|tuanchengshanyizhan|tcsyz|湖滨大道" }),
    place("station", "a", 0.001, { hours: "lunch", status: "planned" }),
    place("station", "d", 0.004, { hours: "lunch" }),
  ],
};

const codes = (choice: Partial<Choice>): string => chooseRows(ANSWER, { ...ANY, ...choice }, NOON).map((row) => row.place.code).join("");
/** Walks that are given, in place of a search: d is the shortest on foot, b lies off the streets. */
const WALKS = { metresTo: (key: string) => ({ "station/d": 50, "canteen/c": 400, "station/a": 600 })[key] ?? null } as unknown as Walks;

describe("chooseRows", () => {
  it("lists by kind, the open ones first, then as the server does, when it does not know from where", () => {
    expect(codes({})).toBe("dbac");
  });

  it("lists by metres along streets, not by straight ones; the unknown ones last", () => {
    expect(codes({ origin: [0, 0] })).toBe("abcd");
    expect(codes({ origin: [0, 0], walks: WALKS })).toBe("dcab");
  });

  it("keeps every kind until some are chosen", () => {
    expect(codes({ kinds: ["canteen"] })).toBe("c");
    expect(codes({ kinds: ["canteen", "parking"] })).toBe("c");
  });

  it("does not call a planned place open, whatever its hours", () => {
    expect(codes({ openNow: true })).toBe("dc");
  });

  it("asks for a known step-free access, not a missing remark", () => {
    expect(codes({ stepFree: true })).toBe("b");
  });

  it("searches every word in the server's keys: Chinese, pinyin and initials, of all kinds at once", () => {
    expect(codes({ text: "湖滨" })).toBe("bc");
    expect(codes({ text: "ＨＢst" })).toBe("c");
    expect(codes({ text: "tuancheng  湖滨" })).toBe("b");
    expect(codes({ text: "tuancheng 送餐" })).toBe("");
  });
});

describe("measures", () => {
  it("measures a thousandth of a degree on the equator", () => {
    expect(straightMetres([0, 0], [0.001, 0])).toBeCloseTo((2 * Math.PI * 6_378_137) / 360_000, 6);
    expect(straightMetres([114.9, 30.2], [114.9, 30.2])).toBe(0);
  });

  it("never promises fewer minutes than a walk takes", () => {
    expect([0, 59, 60, 61, 300].map((metres) => minutesOf(metres, 60))).toEqual([1, 1, 1, 2, 5]);
    expect(minutesOf(240.00000001, 48)).toBe(5);
  });
});
