/** What the page's address says: the list's choices, or the card that is open. A position is never in it. */
import { isKind, type FacilityKind } from "./kinds";

export type PaceName = "adult" | "elder";

export interface PageState {
  /** Code of the city; "" where the address leaves it open. */
  within: string;
  q: string;
  kinds: FacilityKind[];
  openNow: boolean;
  stepFree: boolean;
  /** Where walks start: a community's code or a place's key; "" = nowhere named. */
  from: string;
  pace: PaceName | null;
  isElder: boolean;
  /** Key of the open card; "" = the list. */
  card: string;
}

const ROOT = "/public/";

/** A key in its two parts; a code may have a slash in it. */
function parts(key: string): [kind: string, code: string] {
  const at = key.indexOf("/");
  return at < 0 ? [key, ""] : [key.slice(0, at), key.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // a link that was cut off in the middle of a character
  }
}

/** The key of a card in a path below /public/, or in the older form "#station/CODE". */
function cardIn({ pathname, hash }: URL): string {
  const rest = pathname.startsWith(ROOT) ? pathname.slice(ROOT.length) : "";
  for (const text of [rest, hash.slice(1)]) {
    const [kind, code] = parts(text);
    if (isKind(kind) && decoded(code)) return `${kind}/${decoded(code)}`;
  }
  return "";
}

export function readAddress(url: URL): PageState {
  const query = url.searchParams;
  const pace = query.get("pace");
  return {
    within: query.get("within") ?? "",
    q: query.get("q") ?? "",
    kinds: query.getAll("kind").filter(isKind),
    openNow: query.get("open") === "1",
    stepFree: query.get("step_free") === "1",
    from: query.get("from") ?? "",
    pace: pace === "adult" || pace === "elder" ? pace : null,
    isElder: query.get("elder") === "1",
    card: cardIn(url),
  };
}

function queryOf(state: PageState): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | false | null): void => {
    if (value) query.append(name, value);
  };
  put("within", state.within);
  put("q", state.q.trim());
  for (const kind of state.kinds) put("kind", kind);
  put("open", state.openNow && "1");
  put("step_free", state.stepFree && "1");
  put("from", state.from);
  put("pace", state.pace);
  put("elder", state.isElder && "1");
  const text = query.toString();
  return text && `?${text}`;
}

/** The address of a card alone, as it is shared. */
export function cardPath(key: string): string {
  const [kind, code] = parts(key);
  return `${ROOT}${kind}/${encodeURIComponent(code)}`;
}

export function writeAddress(state: PageState): string {
  return (state.card ? cardPath(state.card) : ROOT) + queryOf(state);
}
