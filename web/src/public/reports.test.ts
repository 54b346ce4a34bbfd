import { beforeEach, describe, expect, it, vi } from "vitest";
import { dropCode, dropDraft, keepCode, readCodes, readDraft, saveDraft } from "./reports";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const draft = { key: "k1", savedAt: NOW, fields: { words: "楼下" } };

beforeEach(() => localStorage.clear());

describe("drafts", () => {
  it("are kept by place for seven days", () => {
    saveDraft("G1", draft);
    expect(readDraft("G1", NOW + 6 * 86_400_000)).toEqual(draft);
    expect(readDraft("G1", NOW + 7 * 86_400_000)).toBeNull();
    expect(readDraft("G2", NOW)).toBeNull();
    dropDraft("G1");
    expect(readDraft("G1", NOW)).toBeNull();
  });

  it("that were sent are forgotten, others stay", () => {
    saveDraft("G1", draft);
    saveDraft("G2", { ...draft, key: "k2" });
    keepCode("k1", "AAAA", NOW);
    expect(readDraft("G1", NOW)).toBeNull();
    expect(readDraft("G2", NOW)?.key).toBe("k2");
  });

  it("that are damaged are none", () => {
    for (const text of ["{", "null", "[]", '{"key":1}']) {
      localStorage.setItem("yiwangtu-report:G1", text);
      expect(readDraft("G1", NOW)).toBeNull();
    }
  });

  it("that can't be kept lose nothing else", () => {
    const full = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    expect(() => saveDraft("G1", draft)).not.toThrow();
    full.mockRestore();
  });
});

describe("codes", () => {
  it("are kept once, the newest first, twenty at most", () => {
    for (let n = 0; n < 25; n++) keepCode(`k${n}`, `C${n}`, NOW + n);
    keepCode("k24", "C10", NOW + 30);
    const codes = readCodes().map((one) => one.code);
    expect(codes.length).toBe(20);
    expect(codes.slice(0, 2)).toEqual(["C10", "C24"]);
    expect(new Set(codes).size).toBe(20);
    dropCode("C24");
    expect(readCodes().map((one) => one.code)).not.toContain("C24");
  });
});
