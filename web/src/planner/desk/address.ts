/** The desk's state in the page's address, so that a link opens what its sender saw. */

export type Tab = "grids" | "run" | "plans" | "gaps" | "site" | "cases" | "crosswalk" | "history";
export type CompareView = "side" | "difference";
export const TABS: readonly Tab[] = ["grids", "run", "plans", "gaps", "site", "cases", "crosswalk", "history"];

export interface DeskAddress {
  /** Path of the area (district.street.community). */
  area: string | null;
  tab: Tab;
  plan: string | null;
  /** What the plan is compared with: another plan; null for today's grids. */
  against: string | null;
  view: CompareView;
  /** The crosswalk that is open on its tab. */
  crosswalk: string | null;
  isEditing: boolean;
}

export function readAddress(hash: string): DeskAddress {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const tab = TABS.find((one) => one === query.get("tab")) ?? "grids";
  const number = (key: string): string | null => (/^\d+$/.test(query.get(key) ?? "") ? query.get(key) : null);
  const plan = number("plan");
  return {
    area: query.get("area") || null,
    tab,
    plan,
    against: plan ? number("against") : null,
    view: query.get("view") === "difference" ? "difference" : "side",
    crosswalk: tab === "crosswalk" ? number("crosswalk") : null,
    isEditing: plan !== null && query.get("edit") === "1",
  };
}

/** The shortest address that says the same; "" for the desk as it opens. */
export function writeAddress(state: DeskAddress): string {
  const query = new URLSearchParams();
  if (state.area) query.set("area", state.area);
  if (state.tab !== "grids") query.set("tab", state.tab);
  if (state.tab === "crosswalk" && state.crosswalk) query.set("crosswalk", state.crosswalk);
  if (state.plan) {
    query.set("plan", state.plan);
    if (state.against) query.set("against", state.against);
    if (state.view !== "side") query.set("view", state.view);
    if (state.isEditing) query.set("edit", "1");
  }
  const text = query.toString();
  return text && `#${text}`;
}
