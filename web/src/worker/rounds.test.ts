import { describe, expect, it } from "vitest";
import { newRecord, type RecordItem } from "./queue/item";
import { type Book, isDue, type RoundItem, visitsOn, withEntries } from "./rounds";

const ZONE = "Asia/Shanghai";
/** Monday 23 November 2026, 08:00 in Shanghai. */
const NOW = Date.parse("2026-11-23T00:00:00Z");

function item(every: RoundItem["every"], last_at: string | null, last_shift: string | null = null): RoundItem {
  return {
    code: "a", round: "r", name: "n", name_en: null, every, category: null, category_name: null,
    last_at, last_outcome: last_at ? "fine" : null, last_shift,
  };
}
function entry(what: "mark" | "visit", body: Record<string, unknown>, at: string): RecordItem {
  const made = newRecord("w", { what, title: "t", path: `/api/x/{id}`, body: { grid: "G1", ...body }, time: "at" });
  return { ...made, state: "waiting", made_at: at };
}
const BOOK: Book = {
  grid: "G1",
  items: [item("day", "2026-11-20T01:00:00Z")],
  units: [{ code: "U1", name: null, households: 9, last_at: null, last_outcome: null }],
  visits_by_outcome: {},
};

describe("an item of a round", () => {
  it("is due when it was never looked at", () => expect(isDue(item("month", null), null, NOW, ZONE)).toBe(true));
  it("of a day is due on the next day of the city, not of the phone", () => {
    // 15:30 UTC is 23:30 in Shanghai, the day before
    expect(isDue(item("day", "2026-11-22T15:30:00Z"), null, NOW, ZONE)).toBe(true);
    expect(isDue(item("day", "2026-11-22T16:00:00Z"), null, NOW, ZONE)).toBe(false);
  });
  it("of a week is due from Monday on", () => {
    expect(isDue(item("week", "2026-11-22T10:00:00Z"), null, NOW, ZONE)).toBe(true);
    expect(isDue(item("week", "2026-11-23T00:00:00Z"), null, Date.parse("2026-11-29T10:00:00Z"), ZONE)).toBe(false);
  });
  it("of a month is due from its first day on", () => {
    expect(isDue(item("month", "2026-10-31T15:59:00Z"), null, NOW, ZONE)).toBe(true);
    expect(isDue(item("month", "2026-10-31T16:00:00Z"), null, NOW, ZONE)).toBe(false);
  });
  it("of a shift is due once in each; without a shift, once a day", () => {
    const done = item("shift", "2026-11-22T23:00:00Z", "one");
    expect([isDue(done, "one", NOW, ZONE), isDue(done, "two", NOW, ZONE), isDue(done, null, NOW, ZONE)]).toEqual([false, true, false]);
  });
});

describe("a book", () => {
  it("is never asked again what this device has entered", () => {
    const found = withEntries(BOOK, [
      entry("mark", { item: "a", outcome: "finding", shift_id: "s" }, "2026-11-23T00:00:00Z"),
      entry("visit", { unit: "U1", outcome: "absent" }, "2026-11-23T00:00:00Z"),
    ]);
    expect([found.items[0]!.last_outcome, found.items[0]!.last_shift, isDue(found.items[0]!, "s", NOW, ZONE)]).toEqual(["finding", "s", false]);
    expect(visitsOn(found, NOW, ZONE).get("absent")).toBe(1);
  });
  it("leaves what is older than the server's word, of another grid, or refused", () => {
    const old = entry("mark", { item: "a", outcome: "finding" }, "2026-11-19T00:00:00Z");
    const elsewhere = entry("mark", { grid: "G2", item: "a", outcome: "finding" }, "2026-11-23T00:00:00Z");
    const refused = { ...entry("visit", { unit: "U1", outcome: "met" }, "2026-11-23T00:00:00Z"), state: "failed" as const };
    expect(withEntries(BOOK, [old, elsewhere, refused])).toEqual(BOOK);
  });
});
