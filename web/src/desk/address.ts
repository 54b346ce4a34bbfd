/** The desk's state in the page's address, so that a link opens what its sender saw. */
import type { DeskKind, TabName } from "./tabs";
import { TABS } from "./tabs";

export const FILTERS = ["category", "within", "source", "department", "q"] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Record<FilterName, string>;

export interface DeskAddress {
  tab: TabName;
  /** Uuid of the opened incident. */
  opened: string | null;
  filters: Filters;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function noFilters(): Filters {
  return { category: "", within: "", source: "", department: "", q: "" };
}

/** What an address asks for; a tab that the desk does not have is its first. */
export function readAddress(hash: string, desk: DeskKind): DeskAddress {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const tab = TABS[desk].find((one) => one === query.get("tab")) ?? TABS[desk][0]!;
  const opened = query.get("case");
  const filters = noFilters();
  for (const name of FILTERS) filters[name] = query.get(name)?.slice(0, 100) ?? "";
  return { tab, opened: opened && UUID.test(opened) ? opened : null, filters };
}

/** The shortest address that says the same; "" for the desk as it opens. */
export function writeAddress(state: DeskAddress, desk: DeskKind): string {
  const query = new URLSearchParams();
  if (state.tab !== TABS[desk][0]) query.set("tab", state.tab);
  for (const name of FILTERS) if (state.filters[name]) query.set(name, state.filters[name]);
  if (state.opened) query.set("case", state.opened);
  const text = query.toString();
  return text && `#${text}`;
}
