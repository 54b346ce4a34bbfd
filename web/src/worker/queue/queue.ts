/** The queue of the page: one list for all its parts, sent whenever there is a chance. */
import { computed, readonly, ref, shallowRef } from "vue";
import { aheadMs, noteAhead } from "../clock";
import { flush, type Stop } from "./flush";
import { isPending, type Item } from "./item";
import { KEPT_DAYS, QueueStore } from "./store";
import { HTTP } from "./transport";
import { CHANNEL, SYNC_TAG } from "./signs";

const FIRST_PAUSE_MS = 3_000;
const LONGEST_PAUSE_MS = 60_000;
const DAY_MS = 86_400_000;

const items = shallowRef<Item[]>([]);
const isSending = ref(false);
const stop = ref<Stop | null>(null);
const isBroken = ref(false);
const othersWaiting = shallowRef<ReadonlyMap<string, number>>(new Map());

let owner: string | null = null;
let opened: Promise<QueueStore> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let pause_ms = FIRST_PAUSE_MS;
let running: Promise<void> | null = null;
let isWanted = false;
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;

/** The device's store; a device that keeps nothing is remembered as broken, and the page says so. */
export function openStore(): Promise<QueueStore> {
  opened ??= QueueStore.open().catch((error: unknown) => {
    isBroken.value = true;
    opened = null;
    throw error;
  });
  return opened;
}

async function read(): Promise<void> {
  const store = await openStore();
  const found = owner === null ? [] : await store.items(owner);
  const waiting = await store.waiting();
  if (owner !== null) waiting.delete(owner);
  items.value = found;
  othersWaiting.value = waiting;
}

/** Read the list again and tell the other tabs. */
export async function changed(): Promise<void> {
  channel?.postMessage("changed");
  await read();
}

/** Called when the server took us for somebody else than the page shows, or for nobody. */
let onStranger: () => void = () => undefined;

async function attempt(): Promise<void> {
  if (owner === null) return;
  isSending.value = true;
  try {
    const outcome = await flush({ account: owner, store: await openStore(), transport: HTTP, changed: () => void changed() });
    if (outcome.contact) noteAhead(outcome.contact.ahead_ms);
    stop.value = outcome.stop;
    plan(outcome.stop, outcome.retry_after_s);
    if (outcome.stop === "signed_out" || outcome.stop === "other_account") onStranger();
  } finally {
    isSending.value = false;
    await changed();
  }
}

/** Try again later, less and less often, while the server is away. */
function plan(why: Stop | null, retry_after_s: number | null): void {
  clearTimeout(timer);
  if (why === null) pause_ms = FIRST_PAUSE_MS;
  if (why !== "offline" && why !== "busy") return;
  timer = setTimeout(() => void send(), retry_after_s ? retry_after_s * 1000 : pause_ms);
  pause_ms = Math.min(LONGEST_PAUSE_MS, pause_ms * 2);
}

/** Send what waits. Called while sending, it makes sure that what came meanwhile goes as well. */
export function send(): Promise<void> {
  isWanted = true;
  running ??= (async () => {
    try {
      while (isWanted) {
        isWanted = false;
        await attempt();
      }
    } finally {
      running = null;
    }
  })();
  return running;
}

/** Let the service worker send when the page is gone; an extra, where the browser has it. */
async function askForSync(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker?.getRegistration();
    await (registration as { sync?: { register(tag: string): Promise<void> } } | undefined)?.sync?.register(SYNC_TAG);
  } catch {
    // Not allowed or not there: the page sends by itself.
  }
}

/** Hand a draft over for sending. False where that has happened already. Raises NoRoomError. */
export async function submit(id: string): Promise<boolean> {
  const store = await openStore();
  const item = await store.submit(id, new Date().toISOString(), aheadMs.value);
  await changed();
  if (!item) return false;
  void navigator.storage?.persist?.();
  wake();
  return true;
}

/** Send what was entered, now or when there is a chance. */
export function wake(): void {
  void askForSync();
  pause_ms = FIRST_PAUSE_MS;
  void send();
}

/** Show and send the items of this account from now on; null shows none. */
export async function openFor(account: string | null, stranger: () => void = () => undefined): Promise<void> {
  owner = account;
  onStranger = stranger;
  stop.value = null;
  clearTimeout(timer);
  await read();
  if (account === null) return;
  const store = await openStore();
  await store.prune(new Date(Date.now() + (aheadMs.value ?? 0) - KEPT_DAYS * DAY_MS).toISOString());
  if (items.value.some(isPending)) void send();
}

function again(): void {
  if (document.visibilityState === "visible") {
    pause_ms = FIRST_PAUSE_MS;
    void read().catch(() => undefined);
    if (items.value.some(isPending)) void send();
  }
}
window.addEventListener("online", again);
document.addEventListener("visibilitychange", again);
channel?.addEventListener("message", () => void read().catch(() => undefined));

export const queue = {
  items: readonly(items) as Readonly<typeof items>,
  isSending: readonly(isSending),
  stop: readonly(stop),
  isBroken: readonly(isBroken),
  /** Items of other accounts on this device that wait for their owner. */
  othersWaiting: readonly(othersWaiting) as Readonly<typeof othersWaiting>,
  pending: computed(() => items.value.filter(isPending).length),
  failed: computed(() => items.value.filter((item) => item.state === "failed" || item.photos.some((one) => one.state === "failed")).length),
};
