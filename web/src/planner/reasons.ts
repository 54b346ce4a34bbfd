/** Why a plan leaves grids outside the band: the server's words, in the reader's language, with the place's name. */
import { either, language } from "../shared/i18n";
import type { Value } from "../shared/types";

interface Shortfall {
  community: string;
  is_proven: boolean;
  text: string;
  remedy: string;
  text_en: string;
  remedy_en: string;
}

/** One line an entry of `metrics.infeasible`. */
export function reasonText(entry: Value, nameOfArea: (code: string) => string): string {
  const { community, text, remedy, text_en, remedy_en } = entry as unknown as Shortfall;
  const end = language.value === "en" ? ". " : "。";
  const colon = language.value === "en" ? ": " : "：";
  return `${nameOfArea(community)}${colon}${either(text, text_en)}${end}${either(remedy, remedy_en)}${end.trim()}`;
}
