import { describe, expect, it } from "vitest";
import { defaultParameters, faultOf } from "./parameters";

describe("faultOf", () => {
  it("accepts the usual band and radius", () => {
    expect(faultOf("rebalance", defaultParameters())).toBeNull();
    expect(faultOf("gaps", defaultParameters())).toBeNull();
  });
  it("names the three numbers of a band that is none", () => {
    expect(faultOf("rebalance", { ...defaultParameters(), floor: 900 })).toContain("900 / 600 / 800");
    expect(faultOf("rebalance", { ...defaultParameters(), target: 300 })).toContain("400 / 300 / 800");
  });
  it("names the field, the least and the most of a number", () => {
    expect(faultOf("gaps", { ...defaultParameters(), radius_m: 20 })).toBe(
      "“步行距离（米）”应为 50 到 5000 之间的整数。",
    );
    expect(faultOf("rebalance", { ...defaultParameters(), seed: 0.5 })).toContain("随机种子");
  });
  it("takes an emptied number field as a fault", () => {
    expect(faultOf("rebalance", { ...defaultParameters(), floor: "" as unknown as number })).toContain("下限");
  });
  it("does not let the band stop a gap run", () => {
    expect(faultOf("gaps", { ...defaultParameters(), floor: 900 })).toBeNull();
  });
});
