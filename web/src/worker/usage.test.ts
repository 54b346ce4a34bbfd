import { describe, expect, it } from "vitest";
import type { Category } from "../shared/types";
import { frequent, noteUse, usageOf } from "./usage";

const MEMBERS = ["a", "b", "c", "d"].map((code) => ({ code, parent: null, name: code, name_en: null, department: null }) as Category);

describe("frequent categories", () => {
  it("are the most used, then what the grid has most of, then in order", () => {
    const codes = frequent(MEMBERS, { c: 1 }, ["d", "b", "d"], 4).map((one) => one.code);
    expect(codes).toEqual(["c", "d", "b", "a"]);
  });
  it("are counted for each account by itself", () => {
    noteUse("one", "b");
    noteUse("one", "b");
    noteUse("two", "a");
    expect(usageOf("one")).toEqual({ b: 2 });
    expect(usageOf("two")).toEqual({ a: 1 });
  });
});
