/** The tree of incident categories, two levels deep, and its search. */
import type { Category } from "./types";

export interface Group {
  category: Category;
  members: Category[];
}

/** Top categories with what can be reported under each; a top category without members is its own member. */
export function groupsOf(categories: Category[]): Group[] {
  const known = new Set(categories.map((one) => one.code));
  const tops = categories.filter((one) => !one.parent || !known.has(one.parent));
  return tops.map((category) => {
    const members = leavesUnder(category.code, categories);
    return { category, members: members.length ? members : [category] };
  });
}

function leavesUnder(code: string, categories: Category[]): Category[] {
  return categories
    .filter((one) => one.parent === code)
    .flatMap((one) => {
      const below = leavesUnder(one.code, categories);
      return below.length ? below : [one];
    });
}

/** Categories that can be reported and whose own or group's name contains every word, names that start with it first. */
export function searchCategories(groups: Group[], text: string): Category[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found = groups.flatMap((group) =>
    group.members.filter((one) => {
      const all = `${one.keys}|${group.category.keys}`;
      return words.every((word) => all.includes(word));
    }),
  );
  const rank = (one: Category): number =>
    one.keys.includes(words[0]!) ? (one.name.startsWith(words[0]!) ? 0 : 1) : 2;
  return found.sort((a, b) => rank(a) - rank(b));
}
