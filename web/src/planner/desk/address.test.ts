import { describe, expect, it } from "vitest";
import { readAddress, writeAddress, type DeskAddress } from "./address";

const START: DeskAddress = { area: null, tab: "grids", plan: null, against: null, view: "side", crosswalk: null, isEditing: false };

describe("the desk's address", () => {
  it("is empty for the desk as it opens", () => {
    expect(readAddress("")).toEqual(START);
    expect(writeAddress(START)).toBe("");
  });
  it("comes back as it was written", () => {
    const states: DeskAddress[] = [
      { ...START, area: "420204.420204004", tab: "plans" },
      { ...START, plan: "12", against: "7", view: "difference" },
      { ...START, tab: "crosswalk", crosswalk: "3" },
      { ...START, area: "camcity", plan: "12", isEditing: true },
    ];
    for (const state of states) expect(readAddress(writeAddress(state))).toEqual(state);
  });
  it("takes nothing that is no plan and no tab", () => {
    expect(readAddress("#tab=x&plan=1;drop&against=3&edit=1")).toEqual(START);
    expect(readAddress("#crosswalk=3")).toEqual(START);
  });
});
