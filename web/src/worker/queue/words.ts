/** Why something waits or was refused, as a sentence. */
import { messages, t, type MessageKey } from "../messages";
import type { Stop } from "./flush";
import type { Item, Refusal } from "./item";

function sentence(kind: string, { code, detail }: Refusal): string {
  const key = `refused_${kind}_${code}`;
  const general = `refused_${code}`;
  const found = [key, general].find((one) => one in messages) ?? "refused";
  return t(found as MessageKey, { detail: detail || code });
}

export function refusalText(item: Item): string {
  return item.refusal ? sentence(item.kind, item.refusal) : "";
}

export function photoRefusal(refusal: Refusal): string {
  return sentence("photo", refusal);
}

export function stopText(stop: Stop | null, login: string): string {
  return stop ? t(`stop_${stop}`, { login }) : "";
}
