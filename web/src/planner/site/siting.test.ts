import { describe, expect, it } from "vitest";
import type { Rule } from "../gaps/findings";
import { curveOf, defaultForm, faultOf, requestOf, rulesFor, takeRule, type Site } from "./siting";

const PLACE = { name: "空房", lon: 115, lat: 30 };
const rule = (code: string, facility_kind: string, metric: "walk" | "line"): Rule =>
  ({ rule: code, facility_kind, metric, threshold_m: 300, demand_kind: "households" }) as Rule;

describe("the form", () => {
  it("can start with the proposed street corners", () => {
    expect(faultOf(defaultForm(), [])).toBeNull();
  });
  it("needs a candidate from somewhere", () => {
    expect(faultOf({ ...defaultForm(), propose: [] }, [])?.key).toBe("fault_candidates");
    expect(faultOf({ ...defaultForm(), propose: [] }, [PLACE])).toBeNull();
  });
  it("names numbers that will not do, and asks for no number of sites where the model finds it", () => {
    expect(faultOf({ ...defaultForm(), p: 0.5 }, [])?.key).toBe("fault_p");
    expect(faultOf({ ...defaultForm(), model: "lscp", p: 0 }, [])).toBeNull();
    expect(faultOf({ ...defaultForm(), radius_m: 20 }, [])?.key).toBe("fault_radius");
    expect(faultOf({ ...defaultForm(), rule: "a", radius_m: 20 }, [])).toBeNull();
    expect(faultOf({ ...defaultForm(), deliver_m: -1 }, [])?.key).toBe("fault_deliver");
    expect(faultOf({ ...defaultForm(), time_limit_s: 0 }, [])?.key).toBe("fault_limit");
  });
});

describe("what is asked", () => {
  it("leaves to the rule what the rule says", () => {
    const form = defaultForm();
    takeRule(form, rule("station_300", "station", "walk"));
    const asked = requestOf(form, [PLACE], "city@2");
    expect(asked).toMatchObject({ rule: "station_300", rulebook: "city@2", candidates: [PLACE], p: 3 });
    expect(asked).not.toHaveProperty("radius_m");
    expect(form).toMatchObject({ facility: "station", radius_m: 300, weight: "households" });
  });
  it("gives lscp no number of sites, and deliveries only where they are asked for", () => {
    expect(requestOf({ ...defaultForm(), model: "lscp" }, [], "")).not.toHaveProperty("p");
    expect(requestOf(defaultForm(), [], "")).not.toHaveProperty("deliver_m");
    expect(requestOf({ ...defaultForm(), deliver_m: 800 }, [], "")).toMatchObject({ deliver_m: 800 });
  });
  it("offers rules on foot for what the map has", () => {
    const rules = [rule("a", "station", "walk"), rule("b", "station", "line"), rule("c", "school", "walk")];
    expect(rulesFor(rules).map((one) => one.rule)).toEqual(["a"]);
  });
});

describe("the curve", () => {
  const sites = [{ gain: 300 }, { gain: 200 }] as Site[];
  it("begins with what is served today and adds each site's gain", () => {
    expect(curveOf({ model: "mclp", covered_before: 100, sites })).toEqual([
      { count: 0, value: 100 }, { count: 1, value: 400 }, { count: 2, value: 600 },
    ]);
  });
  it("counts metres from nothing in a p-median", () => {
    expect(curveOf({ model: "pmedian", covered_before: 100, sites }).at(-1)).toEqual({ count: 2, value: 500 });
  });
});
