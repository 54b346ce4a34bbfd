import { describe, expect, it } from "vitest";
import { clockText, groupedDays, openState, parseHours, type WeekHours } from "./hours";

const SHANGHAI = "Asia/Shanghai"; // UTC+8, no summer time
const BOSTON = "America/New_York"; // summer time ends 2026-11-01 02:00, starts 2026-03-08 02:00

function week(text: string): WeekHours {
  const hours = parseHours(text);
  if (hours === null) throw new Error(`not understood: ${text}`);
  return hours;
}

describe("parseHours", () => {
  it("reads rules of days and several spans", () => {
    const hours = week("Mo-Fr 07:00-09:00,11:00-13:00; Sa-Su 11:00-13:00");
    expect(hours[0]).toEqual([{ from: 420, to: 540 }, { from: 660, to: 780 }]);
    expect(hours[6]).toEqual([{ from: 660, to: 780 }]);
  });

  it("lets a later rule replace an earlier one on its days", () => {
    const hours = week("Mo-Su 08:00-20:00; We off; Sa,Su 10:00-16:00");
    expect(hours[1]).toEqual([{ from: 480, to: 1200 }]);
    expect(hours[2]).toEqual([]);
    expect(hours[5]).toEqual([{ from: 600, to: 960 }]);
  });

  it("wraps ranges of days over the weekend and reads rules without days as every day", () => {
    expect(week("Fr-Mo 10:00-12:00").map((spans) => spans.length)).toEqual([1, 0, 0, 0, 1, 1, 1]);
    expect(week("06:00-22:00").every((spans) => spans.length === 1)).toBe(true);
  });

  it("carries times past midnight into the next day, written either way", () => {
    expect(week("Fr 22:00-02:00")[4]).toEqual([{ from: 1320, to: 1560 }]);
    expect(week("Fr 22:00-26:00")[4]).toEqual([{ from: 1320, to: 1560 }]);
  });

  it.each(["PH off", "Mo-Fr sunrise-sunset", "Mar-Oct 08:00-18:00", "Mo-Xx 08:00-12:00", "25:00-27:00", "Mo-Fr", "8-12", null, "", " "])(
    "knows that it does not know %s",
    (text) => expect(parseHours(text)).toBeNull(),
  );
});

describe("openState", () => {
  it("says open until the span's end, by the clocks of the place", () => {
    // Wednesday 2026-11-25 11:30 in Shanghai is 03:30 UTC.
    const state = openState(week("Mo-Fr 07:00-09:00,11:00-13:00"), new Date("2026-11-25T03:30:00Z"), SHANGHAI);
    expect(state).toEqual({ isOpen: true, nextChange: new Date("2026-11-25T05:00:00Z") });
  });

  it("says closed until the next span, over the weekend too", () => {
    // Friday 13:00 sharp: the span has just ended; the next one is Monday 07:00 = Sunday 23:00 UTC.
    const state = openState(week("Mo-Fr 07:00-09:00,11:00-13:00"), new Date("2026-11-27T05:00:00Z"), SHANGHAI);
    expect(state).toEqual({ isOpen: false, nextChange: new Date("2026-11-29T23:00:00Z") });
  });

  it("is still open after midnight of the day before", () => {
    // Saturday 01:00 belongs to Friday's 22:00-02:00; it ends at 02:00 Saturday = 18:00 UTC Friday.
    const state = openState(week("Fr 22:00-02:00"), new Date("2026-11-27T17:00:00Z"), SHANGHAI);
    expect(state).toEqual({ isOpen: true, nextChange: new Date("2026-11-27T18:00:00Z") });
  });

  it("joins spans that touch at midnight", () => {
    const state = openState(week("Mo 20:00-24:00; Tu 00:00-03:00; We-Su off"), new Date("2026-11-23T13:00:00Z"), SHANGHAI);
    expect(state).toEqual({ isOpen: true, nextChange: new Date("2026-11-23T19:00:00Z") });
  });

  it("keeps to wall clocks over the end of summer time", () => {
    // Saturday 2026-10-31 20:00 EDT (00:00 UTC on Sunday); Sunday 09:00 is already EST = 14:00 UTC.
    const state = openState(week("Su 09:00-17:00"), new Date("2026-11-01T00:00:00Z"), BOSTON);
    expect(state).toEqual({ isOpen: false, nextChange: new Date("2026-11-01T14:00:00Z") });
  });

  it("knows what never changes", () => {
    const at = new Date("2026-11-25T03:30:00Z");
    expect(openState(week("24/7"), at, SHANGHAI)).toEqual({ isOpen: true, nextChange: null });
    expect(openState(week("off"), at, SHANGHAI)).toEqual({ isOpen: false, nextChange: null });
  });
});

describe("for a table", () => {
  it("groups equal days in a row", () => {
    const groups = groupedDays(week("Mo-Fr 08:00-17:30; Sa 09:00-12:00; Su off"));
    expect(groups.map(([first, last]) => [first, last])).toEqual([[0, 4], [5, 5], [6, 6]]);
  });

  it("writes the time of the next day as a clock shows it", () => {
    expect(clockText(450)).toBe("07:30");
    expect(clockText(1440)).toBe("24:00");
    expect(clockText(1560)).toBe("02:00");
  });
});
