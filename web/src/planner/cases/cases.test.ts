import { describe, expect, it } from "vitest";
import { daysBefore, partQuery, stepCounts, stepOf, worstFirst, type Group, type Head, type Indicator, type LabelSet } from "./cases";

const HEAD = { within: "D", reported_from: "2026-02-28T16:00:00Z", reported_before: "2026-03-31T16:00:00Z" } as Head;
const group = (code: string, value: number | null, reported = 1): Group =>
  ({ code, name: code, name_en: null, counts: { reported, due: 3 }, ratios: { x: { value, grade: null } }, hours: { n: 0, median: null, p90: null } });
const indicator = (isHighGood: boolean): Indicator => ({ code: "x", is_high_good: isHighGood }) as Indicator;

describe("the list behind a figure", () => {
  it("is that of the place, of the group, in the days", () => {
    expect(partQuery("t", HEAD, "due", group("A", 1), "areas")).toEqual({
      title: "t", count: 3, params: { within: "A", part: "due", reported_from: HEAD.reported_from, reported_before: HEAD.reported_before },
    });
    expect(partQuery("t", HEAD, "due", group("城管", 1), "departments")?.params).toMatchObject({ within: "D", department: "城管" });
    expect(partQuery("t", HEAD, "due", group("E01", 1), "categories")?.params).toMatchObject({ category: "E01" });
    expect(partQuery("t", HEAD, "due", group("", 1), null)?.params).not.toHaveProperty("department");
  });
  it("is none of what lies in no area inside", () => {
    expect(partQuery("t", HEAD, "due", group("", 1), "areas")).toBeNull();
  });
});

describe("label sets", () => {
  const set = { steps: [{ place: 1, name: "收集", name_en: "", statuses: ["reported", "merged"] }, { place: 2, name: "处置", name_en: "", statuses: ["assigned"] }] } as LabelSet;
  it("add up the statuses of a step", () => {
    expect(stepCounts(set, { reported: 2, merged: 1, assigned: 4 })).toEqual([3, 4]);
    expect(stepOf(set, "assigned")?.name).toBe("处置");
  });
});

describe("the order of groups", () => {
  it("has the worst first, whichever way is worse, and what has no value last", () => {
    const groups = [group("a", 0.5), group("b", null), group("c", 0.9), group("d", 0.5, 8)];
    expect(worstFirst(groups, indicator(true)).map((one) => one.code)).toEqual(["d", "a", "c", "b"]);
    expect(worstFirst(groups, indicator(false)).map((one) => one.code)).toEqual(["c", "d", "a", "b"]);
  });
});

describe("days", () => {
  it("count the last one too", () => {
    expect(daysBefore("2026-03-01", 30)).toEqual({ first: "2026-01-31", last: "2026-03-01" });
    expect(daysBefore("2026-03-01", 1).first).toBe("2026-03-01");
  });
});
