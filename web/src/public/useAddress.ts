/** The page's state and its address, kept as one: a card is a step in the history, a filter is not. */
import { onBeforeUnmount, onMounted, reactive, watch } from "vue";
import { remembered } from "../shared/i18n";
import { readAddress, writeAddress, type PageState } from "./address";
import { typedSoFar } from "./first";

const PUSHED = "yiwangtu.list";

export function useAddress(): { page: PageState; back: () => void } {
  const page = reactive(readAddress(new URL(location.href)));
  page.q = typedSoFar() ?? page.q;
  page.isElder ||= remembered("yiwangtu.elder") === "yes";

  /** From a card to the list: a step back where we came from it, so that the browser's own button agrees. */
  function back(): void {
    if (history.state?.[PUSHED]) history.back();
    else page.card = "";
  }

  function onPop(): void {
    const { isElder } = page;
    Object.assign(page, readAddress(new URL(location.href)), { isElder });
  }

  watch(
    () => [writeAddress(page), page.card] as const,
    ([address, card], [, before]) => {
      if (address === location.pathname + location.search && !location.hash) return;
      if (card && card !== before) history.pushState({ [PUSHED]: !before }, "", address);
      else history.replaceState(history.state, "", address);
    },
  );
  onMounted(() => {
    addEventListener("popstate", onPop);
    history.replaceState(history.state, "", writeAddress(page));
  });
  onBeforeUnmount(() => removeEventListener("popstate", onPop));
  return { page, back };
}
