/** Addresses of the device's photos, to show them; given back when nobody looks any more. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from "vue";
import type { PhotoNote } from "./queue/item";
import { openStore } from "./queue/queue";

export function usePhotoUrls(photos: () => readonly PhotoNote[]): Readonly<ShallowRef<ReadonlyMap<string, string>>> {
  const urls = shallowRef<ReadonlyMap<string, string>>(new Map());
  let isGone = false;

  const follow = async (notes: readonly PhotoNote[]): Promise<void> => {
    const store = await openStore();
    const next = new Map<string, string>();
    for (const { id } of notes) {
      const url = urls.value.get(id) ?? (await store.blob(id).then((blob) => blob && URL.createObjectURL(blob)));
      if (url) next.set(id, url);
    }
    for (const [id, url] of urls.value) if (!next.has(id)) URL.revokeObjectURL(url);
    if (isGone) next.forEach((url) => URL.revokeObjectURL(url));
    else urls.value = next;
  };
  let turn: Promise<void> = Promise.resolve();
  watch(photos, (notes) => (turn = turn.then(() => follow(notes)).catch(() => undefined)), { immediate: true });
  onScopeDispose(() => {
    isGone = true;
    urls.value.forEach((url) => URL.revokeObjectURL(url));
  });
  return urls;
}
