/** The catalogue of categories, read once for the page; their names in the reader's language. */
import { computed, shallowRef } from "vue";
import { get } from "../shared/api";
import { either } from "../shared/i18n";
import type { Category, IncidentProperties } from "../shared/types";

export const categories = shallowRef<Category[]>([]);
const byCode = computed(() => new Map(categories.value.map((one) => [one.code, one])));

export async function loadCategories(): Promise<void> {
  categories.value = (await get<{ categories: Category[] }>("/api/categories")).categories;
}
/** What kind of incident it is; of a category that is gone from the catalogue, what the incident keeps of it. */
export function kindOf({ category, category_name }: Pick<IncidentProperties, "category" | "category_name">): string {
  return either(category_name ?? category, byCode.value.get(category)?.name_en);
}
/** What an incident is called: its reporter's words, or else its kind. */
export function titleOf(facts: Pick<IncidentProperties, "category" | "category_name" | "title">): string {
  return facts.title === facts.category_name ? kindOf(facts) : facts.title;
}
