import { describe, expect, it } from "vitest";
import type { Category } from "./types";
import { groupsOf, searchCategories } from "./categories";

const PINYIN: Record<string, string> = { 路灯不亮: "ludengbuliang|ldbl" };

function category(code: string, parent: string | null, name: string, name_en: string | null = null): Category {
  const keys = [name, PINYIN[name], name_en, code].filter(Boolean).join("|").toLowerCase();
  return { code, parent, name, name_en, department: null, keys };
}
const ALL = [
  category("01", null, "公用设施", "Facilities"),
  category("0101", "01", "井盖缺损", "Manhole cover"),
  category("0102", "01", "路灯不亮", "Street lamp"),
  category("02", null, "其他"),
  category("03", null, "道路", "Road"),
  category("0301", "03", "路面"),
  category("030101", "0301", "路面破损"),
];

describe("groupsOf", () => {
  it("lists what can be reported under each top category", () => {
    const codes = groupsOf(ALL).map((group) => [group.category.code, group.members.map((one) => one.code)]);
    expect(codes).toEqual([
      ["01", ["0101", "0102"]],
      ["02", ["02"]],
      ["03", ["030101"]],
    ]);
  });
  it("takes a category whose parent is unknown as a top one", () => {
    expect(groupsOf([category("x", "gone", "孤")]).map((group) => group.category.code)).toEqual(["x"]);
  });
});

describe("searchCategories", () => {
  const find = (text: string) => searchCategories(groupsOf(ALL), text).map((one) => one.code);
  it("finds by a part of the Chinese or English name", () => {
    expect(find("井盖")).toEqual(["0101"]);
    expect(find("LAMP")).toEqual(["0102"]);
  });
  it("finds by pinyin and by its initials", () => {
    expect(find("ludeng")).toEqual(["0102"]);
    expect(find("LDBL")).toEqual(["0102"]);
  });
  it("puts own names before names of the group", () => {
    // 路灯 and 路面 begin with 路; nothing else has it in its own name.
    expect(find("路")).toEqual(["0102", "030101"]);
    expect(find("facilities")).toEqual(["0101", "0102"]);
  });
  it("needs every word and finds nothing for none", () => {
    expect(find("facilities 路灯")).toEqual(["0102"]);
    expect(find("  ")).toEqual([]);
  });
});
