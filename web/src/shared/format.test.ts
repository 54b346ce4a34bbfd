import { afterEach, describe, expect, it, vi } from "vitest";
import { formatAge, formatCount, formatDate, formatDistance, formatRatio, formatTime } from "./format";
import { language } from "./i18n";

afterEach(() => {
  vi.useRealTimers();
  language.value = "zh";
});

describe("format", () => {
  it("writes distances in tens of metres, then kilometres", () => {
    expect(formatDistance(324)).toBe("320 米");
    expect(formatDistance(994)).toBe("990 米");
    expect(formatDistance(996)).toBe("1.0 公里");
    language.value = "en";
    expect(formatDistance(1240)).toBe("1.2 km");
  });

  it("never shows an unknown number as zero", () => {
    expect(formatCount(null)).toBe("—");
    expect(formatRatio(undefined)).toBe("—");
    expect(formatCount(65123)).toBe("65,123");
    expect(formatRatio(0.9134)).toBe("91.3%");
  });

  it("says ages in the largest whole unit", () => {
    expect(formatAge(42)).toBe("42秒前");
    expect(formatAge(185)).toBe("3分钟前");
    language.value = "en";
    expect(formatAge(7300)).toBe("2 hr ago");
  });

  it("writes moments in the city's zone and dates in none", () => {
    expect(formatTime("2026-11-22T16:05:00Z", "Asia/Shanghai", { hour: "2-digit", minute: "2-digit" })).toBe("00:05");
    expect(formatDate("2027-03-01")).toBe("2027年3月1日");
  });

  it("writes the year where it is not this one in the city's zone", () => {
    vi.useFakeTimers({ now: new Date("2026-01-01T01:00:00Z") });
    expect(formatTime("2025-12-31T16:05:00Z", "Asia/Shanghai")).toBe("1/1 00:05");
    expect(formatTime("2025-12-31T15:05:00Z", "Asia/Shanghai")).toBe("2025/12/31 23:05");
    expect(formatTime("2015-06-01T04:00:00Z", "America/New_York")).toBe("2015/6/1 00:00");
  });
});
