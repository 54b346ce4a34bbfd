import { describe, expect, it } from "vitest";
import { noFilters, readAddress, writeAddress, type DeskAddress } from "./address";

const START: DeskAddress = { tab: "intake", opened: null, filters: noFilters() };
const CASE = "01890000-0000-7000-8000-00000000000a";

describe("the desk's address", () => {
  it("is empty for the desk as it opens", () => {
    expect(readAddress("", "leader")).toEqual(START);
    expect(writeAddress(START, "leader")).toBe("");
    expect(readAddress("", "department").tab).toBe("todo");
  });
  it("comes back as it was written", () => {
    const states: DeskAddress[] = [
      { ...START, tab: "all", opened: CASE },
      { ...START, filters: { category: "E01", within: "420204", source: "resident", department: "区环卫中心", q: "井盖 & #1" } },
    ];
    for (const state of states) expect(readAddress(writeAddress(state, "leader"), "leader")).toEqual(state);
  });
  it("takes nothing that is no tab of this desk and no incident", () => {
    expect(readAddress("#tab=todo&case=1;drop", "leader")).toEqual(START);
  });
});
