/** Categories that this worker reports often, counted on the device. */
import { remember, remembered } from "../shared/i18n";
import type { Category } from "../shared/types";

const SHOWN = 6;

function keyOf(account: string): string {
  return `yiwangtu.worker.usage.${account}`;
}

export function usageOf(account: string): Record<string, number> {
  try {
    return JSON.parse(remembered(keyOf(account)) ?? "{}") as Record<string, number>;
  } catch {
    return {};
  }
}

export function noteUse(account: string, category: string): void {
  const usage = usageOf(account);
  remember(keyOf(account), JSON.stringify({ ...usage, [category]: (usage[category] ?? 0) + 1 }));
}

/** The most used first; then what the grid has most of; then in the order of the list. */
export function frequent(members: Category[], usage: Record<string, number>, inGrid: string[], shown = SHOWN): Category[] {
  const seen = new Map<string, number>();
  for (const code of inGrid) seen.set(code, (seen.get(code) ?? 0) + 1);
  const rank = (one: Category): [number, number] => [usage[one.code] ?? 0, seen.get(one.code) ?? 0];
  return [...members]
    .sort((a, b) => {
      const [first, second] = [rank(a), rank(b)];
      return second[0] - first[0] || second[1] - first[1];
    })
    .slice(0, shown);
}
