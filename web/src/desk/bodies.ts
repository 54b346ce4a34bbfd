/** The bodies that cases are given to. A body is known by its Chinese name; the city's file has English ones. */
import { shallowRef } from "vue";
import { get } from "../shared/api";
import { language } from "../shared/i18n";

interface Bodies {
  departments: string[];
  names_en: Record<string, string>;
}

const known = shallowRef<Bodies>({ departments: [], names_en: {} });

export async function loadBodies(): Promise<string[]> {
  known.value = await get<Bodies>("/api/departments");
  return known.value.departments;
}
/** What the reader calls a body, or an area that acts as one. */
export function bodyName(name: string | null | undefined): string {
  return (language.value === "en" && known.value.names_en[name ?? ""]) || (name ?? "");
}
