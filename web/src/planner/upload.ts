/** Files that are sent to the server, and what is said when it refuses one. */
import { ApiError } from "../shared/api";

export const MOST_BYTES = 50 * 1024 * 1024;

/** The server's sentence with those of its fields. */
export function wordsOf(reason: unknown): string {
  if (!(reason instanceof ApiError)) return String(reason);
  return [reason.message, ...reason.fields.map((one) => one.message)].join(" ");
}
