import { describe, expect, it } from "vitest";
import { cardPath, readAddress, writeAddress } from "./address";

const read = (path: string) => readAddress(new URL(path, "https://map.example"));

describe("the address", () => {
  it("says the same there and back", () => {
    for (const path of [
      "/public/",
      "/public/?within=420204&q=%E7%A4%BE%E4%BF%9D&kind=station&kind=canteen&open=1&step_free=1&from=420204001003&pace=elder&elder=1",
      "/public/station/XL%2F01",
      "/public/canteen/C7?within=420204&q=a",
    ]) {
      expect(writeAddress(read(path))).toBe(path);
    }
  });

  it("reads a card from its path and from an older link", () => {
    expect(read("/public/station/XL01").card).toBe("station/XL01");
    expect(read("/public/#canteen/C7").card).toBe("canteen/C7");
    expect(read("/public/#results").card).toBe("");
    expect(read("/public/nonsense/C7").card).toBe("");
    expect(read("/public/station/").card).toBe("");
    expect(read("/public/station/%E5%8").card).toBe("");
  });

  it("leaves out what it does not know, and what is not chosen", () => {
    expect(writeAddress(read("/public/?kind=prison&open=0&pace=run&lat=30.2&q=%20"))).toBe("/public/");
  });

  it("shares a card without the reader's own choices", () => {
    expect(cardPath("station/XL01")).toBe("/public/station/XL01");
  });
});
