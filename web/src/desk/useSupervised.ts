/** What is supervised of the incidents that are listed, while the list is of such; read again when the list changes. */
import { onScopeDispose, shallowRef, watch, type Ref } from "vue";
import { get } from "../shared/api";
import type { Incident } from "../shared/types";
import type { TabName } from "./tabs";
import type { Supervision } from "./types";
import { idOf } from "./useQueue";

/** Two levels supervise an incident at once, and a page of the server's holds 200. */
const AT_ONCE = 100;

function grouped(found: Supervision[]): Map<string, Supervision[]> {
  const groups = new Map<string, Supervision[]>();
  for (const one of found) groups.set(one.incident.id, [...(groups.get(one.incident.id) ?? []), one]);
  return groups;
}

export function useSupervised(tab: Ref<TabName>, rows: Ref<Incident[]>, fail: (reason: unknown) => void) {
  /** Incident to its supervisions, the first one first. */
  const supervised = shallowRef<ReadonlyMap<string, Supervision[]>>(new Map());
  let turn = new AbortController();

  async function read(ids: string[], signal: AbortSignal): Promise<Supervision[]> {
    const chunks = Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, n) => ids.slice(n * AT_ONCE, (n + 1) * AT_ONCE));
    const pages = await Promise.all(
      chunks.map((incident) => get<{ supervisions: Supervision[] }>("/api/supervision", { incident: incident.join(","), limit: 2 * AT_ONCE }, signal)),
    );
    return pages.flatMap((page) => page.supervisions);
  }
  async function look(): Promise<void> {
    turn.abort();
    const mine = (turn = new AbortController());
    if (tab.value !== "supervised") return void (supervised.value = new Map());
    try {
      const found = await read(rows.value.map(idOf), mine.signal);
      if (turn === mine) supervised.value = grouped(found);
    } catch (reason) {
      if (!mine.signal.aborted) fail(reason);
    }
  }
  watch([tab, rows], look);
  onScopeDispose(() => turn.abort());
  return supervised;
}
