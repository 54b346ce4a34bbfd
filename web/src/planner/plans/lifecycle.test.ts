import { describe, expect, it } from "vitest";
import { actionsOf, stepOf, todayIn } from "./lifecycle";

describe("what may be done with a plan", () => {
  it("needs a second person to approve", () => {
    const plan = { status: "submitted", submitted_by: "planner" } as const;
    expect(actionsOf(plan, "planner")).not.toContain("approve");
    expect(actionsOf(plan, "planner2")).toEqual(["approve", "reject", "copy"]);
  });
  it("never deletes what was in force", () => {
    for (const status of ["effective", "retired", "approved"] as const) {
      expect(actionsOf({ status, submitted_by: null }, "planner")).not.toContain("delete");
    }
    expect(actionsOf({ status: "retired", submitted_by: null }, "planner")).toEqual(["restore"]);
  });
  it("goes from draft to effective", () => {
    expect((["proposed", "draft", "submitted", "approved", "effective", "retired"] as const).map(stepOf)).toEqual([-1, 0, 1, 2, 3, 4]);
  });
});

describe("today", () => {
  it("is the day where the area lies", () => {
    const night = new Date("2026-11-22T20:00:00Z");
    expect(todayIn("Asia/Shanghai", night)).toBe("2026-11-23");
    expect(todayIn("America/New_York", night)).toBe("2026-11-22");
  });
});
