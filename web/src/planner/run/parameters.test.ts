import { describe, expect, it } from "vitest";
import { defaultParameters, faultOf, requestOf, rerunOf, takeScheme } from "./parameters";

describe("faultOf", () => {
  it("accepts the usual band", () => {
    expect(faultOf(defaultParameters())).toBeNull();
  });
  it("names the three numbers of a band that is none", () => {
    expect(faultOf({ ...defaultParameters(), floor: 900 })).toContain("900 / 600 / 800");
    expect(faultOf({ ...defaultParameters(), target: 300 })).toContain("400 / 300 / 800");
  });
  it("names the field, the least and the most of a number", () => {
    expect(faultOf({ ...defaultParameters(), seed: 0.5 })).toBe("“随机种子”应为 0 到 2147483647 之间的整数。");
  });
  it("takes an emptied number field as a fault", () => {
    expect(faultOf({ ...defaultParameters(), floor: "" as unknown as number })).toContain("下限");
  });
});

describe("weights", () => {
  it("are all zero or more, and one of them counts", () => {
    const none = { households: 0, incidents_month: 0, residents_60: 0, no_lift_units: 0 };
    expect(faultOf({ ...defaultParameters(), weights: none })).toContain("权重");
    expect(faultOf({ ...defaultParameters(), weights: { ...none, households: 1, residents_60: -1 } })).toContain("权重");
    expect(faultOf({ ...defaultParameters(), weights: { ...none, residents_60: 2 } })).toBeNull();
  });
  it("come with a scheme, as its band does", () => {
    const form = defaultParameters();
    const weights = { households: 1, incidents_month: 2, residents_60: 0, no_lift_units: 0 };
    takeScheme(form, { code: "s", name: "S", floor: 300, ceiling: 500, target: 400, source: null, weights });
    expect(requestOf(form)).toMatchObject({ scheme: "s", floor: 300, ceiling: 500, target: 400, weights });
  });
});

describe("requestOf", () => {
  it("asks for one plan at a shape, or for a front", () => {
    expect(requestOf({ ...defaultParameters(), shape: 0.4 })).toMatchObject({ shape: 0.4 });
    const front = requestOf({ ...defaultParameters(), front: 5 });
    expect(front).toMatchObject({ front: 5 });
    expect(front).not.toHaveProperty("shape");
    expect(front).not.toHaveProperty("time_limit_s");
  });
  it("asks for neither of redrawn plans, which have no change to weigh", () => {
    const redraw = requestOf({ ...defaultParameters(), mode: "redraw", front: 5, shape: 1 });
    expect(redraw).not.toHaveProperty("front");
    expect(redraw).not.toHaveProperty("shape");
  });
  it("runs a draft again as it was made", () => {
    const parameters = { floor: 300, ceiling: 500, shape: null, front: 3, base_plan: 2 };
    expect(rerunOf({ id: "7", parameters })).toEqual({ floor: 300, ceiling: 500, base_plan: 7 });
  });
});
