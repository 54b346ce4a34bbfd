/** Which tab is open; the arrow keys go from one to the next. */
import { ref } from "vue";
import { TABS, type Tab } from "./address";

export function useTabs(start: Tab) {
  const tab = ref<Tab>(start);
  function onTabKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    tab.value = TABS[(TABS.indexOf(tab.value) + step + TABS.length) % TABS.length]!;
    document.getElementById(`tab-${tab.value}`)?.focus();
  }
  return { tab, onTabKey };
}
