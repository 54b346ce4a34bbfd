/** The kinds of incidents: read once by the page, kept on the device for when there is no network. */
import { ref, shallowRef } from "vue";
import { ApiError, get } from "../shared/api";
import type { Category } from "../shared/types";
import { keep, readKept } from "./kept";
import { t } from "./messages";

const KEY = "categories";
const categories = shallowRef<Category[]>([]);
const error = ref("");

async function load(): Promise<void> {
  error.value = "";
  if (categories.value.length === 0) categories.value = (await readKept<Category[]>(KEY)) ?? [];
  try {
    categories.value = (await get<{ categories: Category[] }>("/api/categories")).categories;
    await keep(KEY, categories.value);
  } catch (reason) {
    if (categories.value.length) return;
    error.value = reason instanceof ApiError && reason.code === "offline" ? t("no_network") : String(reason);
  }
}

export function useCategories(): { categories: typeof categories; error: typeof error; load: typeof load } {
  return { categories, error, load };
}
