import { describe, expect, it } from "vitest";
import { uuid7 } from "./uuid7";

describe("uuid7", () => {
  it("reproduces the example of RFC 9562 appendix A.6, but for the counter's highest bit", () => {
    // 017F22E2-79B0-7CC3-98C4-DC0C0C07398F: rand_a 0xCC3 (0x4C3 here), rand_b 0x18C4DC0C0C07398F, time 1645557742000
    const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
    expect(uuid7(1645557742000, random)).toBe("017f22e2-79b0-74c3-98c4-dc0c0c07398f");
  });

  it("sets version and variant whatever the random bits are", () => {
    for (const fill of [0x00, 0xff]) {
      expect(uuid7(Date.now(), new Uint8Array(10).fill(fill))).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });

  it("sorts as text in the order of time", () => {
    const times = [0, 1, 255, 256, 2 ** 40, 1645557742000, 2 ** 48 - 1];
    const ids = times.map((time) => uuid7(time));
    expect([...ids].sort()).toEqual(ids);
  });

  it("never repeats and keeps its order within one millisecond", () => {
    const ids = Array.from({ length: 1000 }, () => uuid7(1645557742001));
    expect(new Set(ids).size).toBe(1000);
    expect([...ids].sort()).toEqual(ids);
  });
});
