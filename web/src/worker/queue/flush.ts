/** Send what waits, one after another: words first, then photos; shared by the page and its service worker. */
import { ApiError } from "../../shared/api";
import { isPending, type Item, type PhotoNote, type Refusal, serverTime } from "./item";
import type { QueueStore } from "./store";
import type { Contact, Transport } from "./transport";

const LOCK = "yiwangtu-worker-send";

/** Why sending ended before everything was sent. */
export type Stop = "offline" | "busy" | "signed_out" | "other_account";

export interface Outcome {
  /** Null when the server could not be asked. */
  contact: Contact | null;
  /** Null when nothing that can be sent is left. */
  stop: Stop | null;
  /** How long the server asked us to wait. */
  retry_after_s: number | null;
}

/** One at a time on the whole device: another tab or the service worker waits for its turn, then finds it done. */
export function alone<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}

/** Words that the server can't take now, but may later. */
function stopOf(error: ApiError): Stop | null {
  if (error.code === "offline") return "offline";
  if (error.status === 401) return "signed_out";
  if (error.code === "csrf_failed") return "other_account";
  return error.status >= 500 || error.status === 429 || error.status === 408 ? "busy" : null;
}

class Stopped extends Error {
  constructor(
    readonly stop: Stop,
    readonly retry_after_s: number | null,
  ) {
    super(stop);
  }
}

/** Pass on what ends the sending of everything; answer why the server refuses just this. */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ApiError)) throw error;
  const stop = stopOf(error);
  if (stop) throw new Stopped(stop, error.retryAfterS);
  return { code: error.code, detail: error.message };
}

export interface FlushOptions {
  /** Whose items; null sends those of whoever is signed in. */
  account: string | null;
  store: QueueStore;
  transport: Transport;
  /** Called after each step, so that lists can follow. */
  changed?: () => void;
  now?: () => Date;
}

class Sender {
  constructor(
    private readonly options: FlushOptions,
    private readonly contact: Contact,
  ) {}

  async item(item: Item): Promise<void> {
    const sent = item.state === "waiting" ? await this.words(item.id) : item;
    if (!sent) return;
    for (const photo of sent.photos.filter((one) => one.state === "waiting")) {
      await this.photo(sent, photo);
      this.options.changed?.();
    }
  }

  /** Send the words; null where they did not arrive. */
  private async words(id: string): Promise<Item | null> {
    const { store, transport, changed, now = () => new Date() } = this.options;
    const frozen = await store.freeze(id, now().toISOString(), this.contact.ahead_ms);
    if (!frozen) return null;
    changed?.();
    try {
      const answer = await transport.send(frozen);
      const received_at = serverTime(now().toISOString(), this.contact.ahead_ms);
      if (frozen.kind === "record" && frozen.what === "points") return await store.forget(id).then(() => null);
      return await store.received(id, { ...answer, received_at });
    } catch (error) {
      await store.refused(id, refusalOf(error));
      return null;
    } finally {
      changed?.();
    }
  }

  private async photo(item: Item, photo: PhotoNote): Promise<void> {
    const { store, transport } = this.options;
    const blob = await store.blob(photo.id);
    if (!blob) return store.photoRefused(item.id, photo.id, { code: "photo_lost", detail: "" });
    try {
      await transport.sendPhoto(item, photo, blob, async (sent) => {
        await store.photoSent(item.id, photo.id, sent);
        this.options.changed?.();
      });
      await store.photoReceived(item.id, photo.id);
    } catch (error) {
      await store.photoRefused(item.id, photo.id, refusalOf(error));
    }
  }
}

/** Send everything of an account that waits, oldest first, until nothing is left or nothing more can be sent now. */
export function flush(options: FlushOptions): Promise<Outcome> {
  return alone(async () => {
    const { store, transport } = options;
    let contact: Contact | null = null;
    try {
      if ((await store.waiting()).size === 0) return { contact, stop: null, retry_after_s: null };
      contact = await transport.contact();
      const { login } = contact;
      if (login === null) throw new Stopped("signed_out", null);
      if (options.account !== null && login !== options.account) throw new Stopped("other_account", null);
      const sender = new Sender(options, contact);
      const tried = new Set<string>();
      for (let next = await oldest(store, login, tried); next; next = await oldest(store, login, tried)) {
        tried.add(next.id);
        await sender.item(next);
      }
      return { contact, stop: null, retry_after_s: null };
    } catch (error) {
      const stopped = error instanceof ApiError ? new Stopped(stopOf(error) ?? "busy", error.retryAfterS) : error;
      if (stopped instanceof Stopped) return { contact, stop: stopped.stop, retry_after_s: stopped.retry_after_s };
      throw error;
    }
  });
}

/** Read afresh each time: more may have been handed over while something was on its way. */
async function oldest(store: QueueStore, login: string, tried: ReadonlySet<string>): Promise<Item | undefined> {
  return (await store.items(login)).reverse().find((item) => isPending(item) && !tried.has(item.id));
}
