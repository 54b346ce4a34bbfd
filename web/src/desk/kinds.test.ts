import { afterEach, describe, expect, it } from "vitest";
import { language } from "../shared/i18n";
import { categories, kindOf, titleOf } from "./kinds";

const RUBBISH = { code: "E01-02", parent: "E01", name: "暴露垃圾", name_en: "Uncollected rubbish", department: null, keys: "" };

describe("the kind of an incident", () => {
  afterEach(() => void ([language.value, categories.value] = ["zh", []]));
  it("is named in the reader's language", () => {
    categories.value = [RUBBISH];
    const facts = { category: "E01-02", category_name: "暴露垃圾" };
    expect(kindOf(facts)).toBe("暴露垃圾");
    language.value = "en";
    expect(kindOf(facts)).toBe("Uncollected rubbish");
  });
  it("is what the incident keeps of it where the catalogue has no English name, or no such kind", () => {
    language.value = "en";
    expect(kindOf({ category: "E01-02", category_name: "暴露垃圾" })).toBe("暴露垃圾");
    expect(kindOf({ category: "E99", category_name: null })).toBe("E99");
    categories.value = [{ ...RUBBISH, name_en: null }];
    expect(kindOf({ category: "E01-02", category_name: "暴露垃圾" })).toBe("暴露垃圾");
  });
  it("stands for a title that nobody wrote", () => {
    categories.value = [RUBBISH];
    language.value = "en";
    const facts = { category: "E01-02", category_name: "暴露垃圾" };
    expect(titleOf({ ...facts, title: "暴露垃圾" })).toBe("Uncollected rubbish");
    expect(titleOf({ ...facts, title: "楼下垃圾" })).toBe("楼下垃圾");
  });
});
