import { describe, expect, it } from "vitest";
import { nextDays, stateAt } from "./hours";
import type { Hours, Span } from "./kinds";

const ZONE = "Asia/Shanghai";
/** A moment by the clocks of Shanghai. */
const at = (text: string): number => Date.parse(`${text}+08:00`);
const span = (from: string, to: string): Span => [at(from) / 60_000, at(to) / 60_000];
const AS_OF = at("2026-09-29T09:00");
const COVERS = span("2026-09-28T00:00", "2026-10-14T00:00");

/* Tue 29 Sep: 08:30-17:30; Wed 30: 08:30-17:30 and 22:00-02:00; Thu 1 Oct, 国庆: nobody said; Fri 2 Oct: 08:30-17:30. */
const HOURS: Hours = {
  words: "",
  words_en: "",
  is_read: true,
  spans: [
    span("2026-09-29T08:30", "2026-09-29T17:30"),
    span("2026-09-30T08:30", "2026-09-30T17:30"),
    span("2026-09-30T22:00", "2026-10-01T02:00"),
    span("2026-10-02T08:30", "2026-10-02T17:30"),
  ],
  unknown: [span("2026-10-01T02:00", "2026-10-02T00:00")],
};
const ALWAYS: Hours = { words: "", words_en: "", is_read: true, spans: [COVERS], unknown: [] };
const state = (text: string) => stateAt(HOURS, at(text), COVERS);

describe("stateAt", () => {
  it("opens with the first minute and shuts with the last", () => {
    expect(state("2026-09-29T08:29:59")).toEqual({ is: "closed", changesAt: at("2026-09-29T08:30") });
    expect(state("2026-09-29T08:30")).toEqual({ is: "open", changesAt: at("2026-09-29T17:30") });
    expect(state("2026-09-29T17:29:59").is).toBe("open");
    expect(state("2026-09-29T17:30")).toEqual({ is: "closed", changesAt: at("2026-09-30T08:30") });
  });

  it("stays open across midnight, into a holiday that nobody spoke of", () => {
    expect(state("2026-10-01T01:59")).toEqual({ is: "open", changesAt: at("2026-10-01T02:00") });
    expect(state("2026-10-01T10:00")).toEqual({ is: "holiday" });
  });

  it("does not promise the next opening when an unknown day lies before it", () => {
    expect(state("2026-09-30T23:00").is).toBe("open");
    const late = { ...HOURS, spans: HOURS.spans.filter(([from]) => from !== at("2026-09-30T22:00") / 60_000) };
    expect(stateAt(late, at("2026-09-30T18:00"), COVERS)).toEqual({ is: "closed", changesAt: null });
  });

  it("says always for what is open for weeks, and unknown beyond what was told", () => {
    expect(stateAt(ALWAYS, AS_OF, COVERS)).toEqual({ is: "open", changesAt: null });
    expect(stateAt(ALWAYS, at("2026-10-14T00:00"), COVERS)).toEqual({ is: "unknown" });
    expect(stateAt(HOURS, at("2026-09-27T23:59"), COVERS)).toEqual({ is: "unknown" });
    expect(stateAt(undefined, AS_OF, COVERS)).toEqual({ is: "unknown" });
    expect(stateAt({ ...HOURS, is_read: false }, AS_OF, COVERS)).toEqual({ is: "unknown" });
  });
});

describe("nextDays", () => {
  it("tells each day by the clocks of the place, a night's hours on the day they begin", () => {
    const days = nextDays(HOURS, at("2026-09-29T23:50"), ZONE, 4);
    expect(days.map((day) => day.at)).toEqual(["29", "30"].map((d) => at(`2026-09-${d}T00:00`)).concat(["01", "02"].map((d) => at(`2026-10-${d}T00:00`))));
    expect(days[1]!.spans).toEqual([
      [at("2026-09-30T08:30"), at("2026-09-30T17:30")],
      [at("2026-09-30T22:00"), at("2026-10-01T02:00")],
    ]);
    expect(days.map((day) => day.isUnknown)).toEqual([false, false, true, false]);
    expect(nextDays(ALWAYS, AS_OF, ZONE, 7).every((day) => day.isAllDay)).toBe(true);
  });

  it("keeps to midnight where clocks are changed", () => {
    // Boston goes back an hour on 1 November 2026: that day has 25 hours.
    const days = nextDays(HOURS, Date.parse("2026-10-31T16:00:00Z"), "America/New_York", 3);
    expect(days.map((day) => new Date(day.at).toISOString())).toEqual([
      "2026-10-31T04:00:00.000Z", "2026-11-01T04:00:00.000Z", "2026-11-02T05:00:00.000Z",
    ]);
    // In spring it goes forward: asked in the afternoon of that day.
    const [first] = nextDays(HOURS, Date.parse("2026-03-08T20:00:00Z"), "America/New_York", 1);
    expect(new Date(first!.at).toISOString()).toBe("2026-03-08T05:00:00.000Z");
  });
});
