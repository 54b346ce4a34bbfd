/** What the page last read of the own grid, kept so that it can be looked at without a network; gone at sign-out. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";

interface Schema extends DBSchema {
  kept: { key: string; value: unknown };
}

const NAME = "yiwangtu-worker-kept";
let opened: Promise<IDBPDatabase<Schema>> | null = null;

function open(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>(NAME, 1, { upgrade: (made) => void made.createObjectStore("kept") });
  return opened;
}

/** What was kept; undefined where nothing is, or the browser keeps nothing. */
export async function readKept<T>(key: string): Promise<T | undefined> {
  try {
    return (await (await open()).get("kept", key)) as T | undefined;
  } catch {
    return undefined;
  }
}

/** Keep it if the device can: without it the page only shows less when it is offline. */
export async function keep(key: string, value: unknown): Promise<void> {
  try {
    await (await open()).put("kept", value, key);
  } catch {
    // No room, or no store: nothing is lost that the server does not have.
  }
}

export async function forgetKept(): Promise<void> {
  try {
    await (await open()).clear("kept");
  } catch {
    // There is nothing then.
  }
}
