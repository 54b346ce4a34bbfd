import { afterEach, describe, expect, it } from "vitest";
import { language } from "../shared/i18n";
import { spanWords, urgencyOf } from "./urgency";

const NOON = Date.parse("2026-11-22T12:00:00Z");
const MINUTE = 60_000;

describe("how an incident stands with its deadline", () => {
  it("is told by its due time while its clock runs", () => {
    const at = (due_at: string | null) => urgencyOf({ status: "in_progress", due_at }, NOON);
    expect(at("2026-11-22T11:59:59Z")).toBe("over");
    expect(at("2026-11-22T12:00:00Z")).toBe("soon");
    expect(at("2026-11-22T15:59:59Z")).toBe("soon");
    expect(at("2026-11-22T16:00:00Z")).toBe("fine");
    expect(at(null)).toBe("none");
  });
  it("does not go on once the clock stands still or the case is over", () => {
    const due_at = "2026-11-20T00:00:00Z";
    for (const status of ["paused", "resolved", "verified"] as const) expect(urgencyOf({ status, due_at }, NOON)).toBe("still");
    for (const status of ["closed", "rated", "rejected", "merged"] as const) expect(urgencyOf({ status, due_at }, NOON)).toBe("done");
  });
});

describe("a length of time in words", () => {
  afterEach(() => void (language.value = "zh"));
  it("has its two largest units", () => {
    expect(spanWords((26 * 60 + 5) * MINUTE)).toBe("1天2小时");
    expect(spanWords(-(2 * 60 + 10) * MINUTE)).toBe("2小时10分");
    expect(spanWords(24 * 60 * MINUTE)).toBe("1天");
    expect(spanWords(24 * 60 * MINUTE + 59 * MINUTE)).toBe("1天");
    expect(spanWords(1)).toBe("1分");
  });
  it("is said in English too", () => {
    language.value = "en";
    expect(spanWords((26 * 60 + 5) * MINUTE)).toBe("1 d 2 h");
  });
});
