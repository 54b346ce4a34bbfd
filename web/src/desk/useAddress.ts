/** The address says what the desk shows, and what it says is shown. */
import { computed, onBeforeUnmount, onMounted, watch, type Ref } from "vue";
import { readAddress, writeAddress, type Filters } from "./address";
import type { DeskKind, TabName } from "./tabs";

export interface Shown {
  tab: Ref<TabName>;
  filters: Filters;
  /** Uuid of the opened incident. */
  opened: Ref<string | null>;
  open: (id: string) => void;
  close: () => void;
}

export function useAddress(desk: DeskKind, { tab, filters, opened, open, close }: Shown): void {
  const address = computed(() => writeAddress({ tab: tab.value, opened: opened.value, filters }, desk));
  watch(address, (text) => history.replaceState(null, "", text || location.pathname));
  function follow(): void {
    const wanted = readAddress(location.hash, desk);
    if (writeAddress(wanted, desk) === address.value) return;
    tab.value = wanted.tab;
    Object.assign(filters, wanted.filters);
    if (wanted.opened) open(wanted.opened);
    else close();
  }
  onMounted(() => window.addEventListener("hashchange", follow));
  onBeforeUnmount(() => window.removeEventListener("hashchange", follow));
}
