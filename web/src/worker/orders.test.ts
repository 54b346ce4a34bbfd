import { describe, expect, it } from "vitest";
import { mineOf, nearestFirst, pointsOf, type Order, type Shop } from "./orders";

function order(code: string, status: Order["status"], more: Partial<Order> = {}): Order {
  return {
    id: code, code, status, kind_name: "k", kind_name_en: "k", title: "t", details: null, community_name: null, points: 5,
    asked_at: "2026-11-22T00:00:00Z", is_taker: true, is_case: true, moves: [], ...more,
  };
}

describe("what an item costs", () => {
  it("stands at the end of its name", () => expect(pointsOf("大米 2 公斤（50 积分）")).toBe(50));
  it("is not known where it does not", () => expect([pointsOf("大米 2 公斤"), pointsOf("（5 积分）卡")]).toEqual([null, null]));
});

describe("one's own orders", () => {
  it("are those that one has taken and is not through with, what is to be done first", () => {
    const asked = order("asked", "asked", { is_taker: false });
    const others = order("others", "accepted", { is_taker: false });
    const found = mineOf([asked, order("d", "done"), others, order("a", "accepted"), order("c", "confirmed")]);
    expect(found.map((one) => one.code)).toEqual(["a", "d"]);
  });
});

describe("shops", () => {
  it("come by how far they are: at 60° north a degree of longitude is half as long as one of latitude", () => {
    const shop = (code: string, lon: number, lat: number): Shop => ({
      code, name: code, name_en: null, address: null, hours: null, services: [], status: "open", lon, lat,
    });
    const found = nearestFirst([shop("north", 10, 60.2), shop("east", 10.3, 60), shop("here", 10, 60)], [10, 60]);
    expect(found.map((one) => one.code)).toEqual(["here", "east", "north"]);
  });
});
