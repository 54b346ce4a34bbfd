import { describe, expect, it } from "vitest";
import type { Area } from "../shared/types";
import { lengthOf, listAt, momentAt, stateOf, type Replayed, type ReplayDay } from "./replay";

const HOUR = 3600;
const at = (hours: number): number => hours * HOUR;
const box = [0, 0, 1, 1];
const city = { code: "X", level: "district", path: "X", bbox: box } as Area;
const west = { code: "XW", level: "community", path: "X.XW", bbox: [0, 0, 0.5, 1] } as unknown as Area;
const east = { code: "XE", level: "community", path: "X.XE", bbox: [0.5, 0, 1, 1] } as unknown as Area;
const places = new Map([west, east].map((one) => [one.code, one]));

function incident(code: string, community: string, steps: Replayed["steps"], dueHours: number | null = null): Replayed {
  return { code, category: "litter", community, grid: null, lon: 0.1, lat: 0.1, due_s: dueHours === null ? null : at(dueHours), steps };
}

const DAY: ReplayDay = {
  within: "X",
  date: "2026-10-12",
  time_zone: "Asia/Shanghai",
  begin: "2026-10-11T16:00:00Z",
  until: "2026-10-12T16:00:00Z",
  as_of: "2026-11-01T00:00:00Z",
  incidents: [
    incident("old", "XW", [[at(-5), "reported"], [at(9), "in_progress"], [at(12), "closed"]], 10),
    incident("new", "XE", [[at(8), "reported"], [at(8.5), "accepted"]], 20),
    incident("late", "XE", [[at(18), "reported"]], null),
  ],
};

/** Open, overdue, reported and closed of the day, by hand:
 *  7:00 old is open. 8:00 new comes. 10:00 old's time is over, strictly after it overdue. 12:00 old is closed. 18:00 late comes. 20:00 new is late. */
it.each([
  [7, [1, 0, 0, 0]],
  [8, [2, 0, 1, 0]],
  [10, [2, 0, 1, 0]],
  [11, [2, 1, 1, 0]],
  [12, [1, 0, 1, 1]],
  [19, [2, 0, 2, 1]],
  [23, [2, 1, 2, 1]],
])("counts what stood at %i o'clock", (hours, expected) => {
  const { open, overdue, reported, closed } = momentAt(DAY, at(hours), city, [], places);
  expect([open, overdue, reported, closed]).toEqual(expected);
});

it("counts by area, lists the newest first with what they were then, and draws the open ones", () => {
  const moment = momentAt(DAY, at(11), city, [west, east], places);
  expect([...moment.counts]).toEqual([["XW", { open: 1, overdue: 1 }], ["XE", { open: 1, overdue: 0 }]]);
  expect(moment.feed.map(({ properties: { code, status } }) => [code, status])).toEqual([["new", "accepted"], ["old", "in_progress"]]);
  expect(moment.feed[0]!.properties.reported_at).toBe("2026-10-12T00:00:00.000Z");
  expect(moment.points.map(({ code, isOverdue }) => [code, isOverdue])).toEqual([["old", true], ["new", false]]);
  expect(momentAt(DAY, at(11), west, [], places).open).toBe(1);
});

it.each([7, 8, 11, 12, 19, 23])("lists as many as it counts at %i o'clock", (hours) => {
  const { open, overdue, reported, closed } = momentAt(DAY, at(hours), city, [], places);
  const lengths = (["open", "overdue", "today", "closed"] as const).map((key) => listAt(DAY, at(hours), city, places, key).length);
  expect(lengths).toEqual([open, overdue, reported, closed]);
});

it("gives the same moment forwards and backwards", () => {
  const forwards = [7, 11, 23].map((hours) => momentAt(DAY, at(hours), city, [west], places));
  const backwards = [23, 11, 7].map((hours) => momentAt(DAY, at(hours), city, [west], places)).reverse();
  expect(backwards).toEqual(forwards);
});

describe("stateOf", () => {
  const solved: Replayed["steps"] = [[0, "reported"], [at(2), "resolved"], [at(6), "verified"]];

  it("stops the clock at the solution, and goes on when it is reopened", () => {
    expect(stateOf(incident("a", "XW", solved, 3), at(8)).isOverdue).toBe(false);
    expect(stateOf(incident("a", "XW", solved, 1), at(8)).isOverdue).toBe(true);
    expect(stateOf(incident("a", "XW", [...solved, [at(7), "reopened"]], 3), at(8)).isOverdue).toBe(true);
  });

  it("is not late while it is paused", () => {
    expect(stateOf(incident("a", "XW", [[0, "reported"], [at(1), "paused"]], 2), at(5)).isOverdue).toBe(false);
  });

  it("keeps the time of the end when it is rated, and forgets it when it is reopened", () => {
    const ended: Replayed["steps"] = [[0, "reported"], [at(1), "closed"], [at(2), "rated"]];
    expect(stateOf(incident("a", "XW", ended), at(3))).toMatchObject({ status: "rated", closedS: at(1), isOpen: false });
    expect(stateOf(incident("a", "XW", [[0, "reported"], [at(1), "closed"], [at(2), "reopened"]]), at(3)).closedS).toBeNull();
  });

  it("knows nothing before the first step", () => {
    expect(stateOf(incident("a", "XW", [[at(1), "reported"]]), 0)).toMatchObject({ status: null, isOpen: false });
  });
});

it("ends a day at its end, and today now", () => {
  expect(lengthOf(DAY)).toBe(at(24));
  expect(lengthOf({ ...DAY, as_of: "2026-10-11T18:30:00Z" })).toBe(at(2.5));
});
