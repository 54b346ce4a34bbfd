/** The whistles of a desk: what may be whistled for, how many wait, and which is being looked at. */
import { ref, shallowRef } from "vue";
import { coalesce } from "../shared/coalesce";
import { hasRole } from "../shared/session";
import type { WhistleForm } from "./types";
import { readForm, readWhistles } from "./whistles";

const AGAIN_MS = 3_000;

export function useWhistles(onRead: () => Promise<void> | undefined) {
  /** Null for those who have no part in whistles. */
  const form = shallowRef<WhistleForm | null>(null);
  /** How many wait for an approval. */
  const waitingCount = ref(0);
  /** The whistle that is shown; 0 is all of them, null none. */
  const chosen = ref<number | null>(null);

  async function read(): Promise<void> {
    if (!form.value) return;
    // The number beside the button is a hint; the dialog says what cannot be read.
    waitingCount.value = (await readWhistles().catch(() => null))?.waiting_count ?? waitingCount.value;
    await onRead();
  }
  /** Streets, centres and departments whistle or are whistled for; communities have no part in it. */
  async function start(): Promise<void> {
    if (!hasRole("street", "dispatcher", "department")) return;
    form.value = await readForm();
    await read();
  }
  return { form, waitingCount, chosen, start, lookAgain: coalesce(() => void read(), AGAIN_MS) };
}
