/** Why a plan leaves grids outside the band, in words. */
import { t, type MessageKey } from "./messages";
import type { Value } from "../shared/types";

const CAUSES = [
  "unit_over_ceiling",
  "total_below_floor",
  "pocket_below_floor",
  "no_whole_number",
  "not_found",
] as const;

interface Reason {
  community?: string;
  cause?: string;
  reason?: string;
  message?: string;
  households?: number;
}

/** One sentence an entry of `metrics.infeasible`; the server's own sentence wins where it has one. */
export function reasonText(entry: Value, nameOfArea: (code: string) => string): string {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return String(entry);
  const { community, cause, reason, message, households } = entry as Reason;
  const where = community ? nameOfArea(community) : "";
  const known = CAUSES.find((one) => one === cause || one === reason);
  if (known) {
    const key: MessageKey = `cause_${known}`;
    return t(key, { where, households: households ?? "?" });
  }
  const words = message ?? reason ?? cause ?? JSON.stringify(entry);
  return where && !words.includes(where) ? `${where}：${words}` : words;
}
