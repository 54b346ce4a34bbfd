/** 长者版: large text in steps up to 30 px, kept on the device. */
import { computed, ref, watch, type Ref } from "vue";
import { remember, remembered } from "../shared/i18n";

/** Pixels of main text. */
export const ELDER_SIZES = [18, 21, 24, 27, 30] as const;
const DEFAULT_SIZE = 24;
const KEY = "yiwangtu.elder-size";
/** Labels on the map, set for 16 px of text, grow a little more than the text does. */
const MAP_TEXT_PX = 15;

export function useElder(isElder: Readonly<Ref<boolean>>) {
  const kept = Number(remembered(KEY));
  const size = ref<number>(ELDER_SIZES.find((one) => one === kept) ?? DEFAULT_SIZE);
  const at = computed(() => ELDER_SIZES.findIndex((one) => one === size.value));

  function change(by: 1 | -1): void {
    size.value = ELDER_SIZES[at.value + by] ?? size.value;
    remember(KEY, String(size.value));
  }

  watch(
    [isElder, size],
    () => {
      const root = document.documentElement;
      root.classList.toggle("elder", isElder.value);
      if (isElder.value) root.style.setProperty("--elder-text", `${size.value}px`);
      remember("yiwangtu.elder", isElder.value ? "yes" : "no");
    },
    { immediate: true },
  );
  return {
    size,
    isLargest: computed(() => at.value === ELDER_SIZES.length - 1),
    isSmallest: computed(() => at.value === 0),
    change,
    mapScale: computed(() => (isElder.value ? size.value / MAP_TEXT_PX : 1)),
  };
}
