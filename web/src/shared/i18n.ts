/** Chinese first, English by a switch. Each page has one catalogue; the chosen language is kept on the device. */
import { ref, watchEffect } from "vue";

export type Language = "zh" | "en";

const KEY = "yiwangtu.language";

/** Read from localStorage, which may be forbidden. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Write to localStorage if the browser lets us. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser without storage simply forgets the choice.
  }
}

export const language = ref<Language>(remembered(KEY) === "en" ? "en" : "zh");

watchEffect(() => {
  document.documentElement.lang = language.value === "en" ? "en" : "zh-CN";
  remember(KEY, language.value);
});

export type Messages = Record<string, readonly [zh: string, en: string]>;
export type Translate<M extends Messages> = (key: keyof M & string, values?: Record<string, string | number>) => string;

/**
 * Make the `t` of a catalogue `{ key: [Chinese, English] }`; `{name}` in a text is replaced by `values.name`.
 * The answer is reactive: used in a template it changes with the language.
 */
export function translator<M extends Messages>(messages: M): Translate<M> {
  return (key, values = {}) => {
    const entry = messages[key];
    if (!entry) return key;
    const text = language.value === "en" ? entry[1] : entry[0];
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };
}

/** Choose between a Chinese and an English text; the Chinese one stands in where no English exists. */
export function either(zh: string | null | undefined, en: string | null | undefined): string {
  return (language.value === "en" ? en || zh : zh || en) ?? "";
}

/** Words one after the other, as the language separates them. */
export function listOf(words: string[]): string {
  return words.join(either("、", ", "));
}

/** The name of a thing that has `name` and perhaps `name_en`. */
export function nameOf(thing: { name: string; name_en?: string | null }): string {
  return either(thing.name, thing.name_en);
}

/** The title of a layer or field that has `title` and `title_en`. */
export function titleOf(thing: { title: string; title_en: string }): string {
  return either(thing.title, thing.title_en);
}
