/**
 * The list that a desk works through. Rows stay where they are while the world moves on: what changes is changed in its
 * place, what leaves the list is marked, what is new is counted, and `load` brings the list up to date.
 */
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";
import { ApiError, get, type Params } from "../shared/api";
import { coalesce } from "../shared/coalesce";
import type { FeaturePage, Incident, IncidentProperties } from "../shared/types";
import type { Filters } from "./address";
import { paramsOf, type DeskKind, type TabName } from "./tabs";
import type { Counts } from "./types";

export const PAGE = 100;
const MOST_PEEKED = 1000;
const PEEK_MS = 1_000;
const TYPING_MS = 250;

type Page = FeaturePage<IncidentProperties>;
type Tally = Omit<Counts, "supervised">;

export function idOf(incident: Incident): string {
  return incident.properties.id!;
}

/** By what a list is sorted: the due time upwards, nothing last, or the time of the report downwards. */
function sortKey(incident: Incident, isByDue: boolean): string {
  return isByDue ? (incident.properties.due_at ?? "9999") : incident.properties.reported_at;
}

export function useQueue(desk: DeskKind, tab: Ref<TabName>, filters: Filters, fail: (reason: unknown) => void) {
  const rows = shallowRef<Incident[]>([]);
  const counts = shallowRef<Counts | null>(null);
  const cursor = ref<string | null>(null);
  const isLoading = ref(false);
  const isLoaded = ref(false);
  const freshCount = ref(0);
  const gone = shallowRef<ReadonlySet<string>>(new Set());
  const active = ref<string | null>(null);
  const picked = shallowRef<ReadonlySet<string>>(new Set());
  /** By how much the server's clock is ahead of this one, ms. */
  const aheadMs = ref(0);
  let turn = new AbortController();
  let typing: ReturnType<typeof setTimeout> | undefined;
  /** Of every answer that is awaited, what was renewed since it was asked for: that is newer than the answer. */
  const awaited = new Set<Map<string, Incident>>();
  let [looks, lookShown] = [0, 0];

  const chosen = computed<Params>(() => ({ ...filters, q: filters.q.trim() }));
  const params = computed<Params>(() => ({ ...paramsOf(tab.value, desk), ...chosen.value }));
  const isByDue = computed(() => params.value["order"] === "due");
  const isFiltered = computed(() => Object.values(filters).some(Boolean));
  const activeIndex = computed(() => rows.value.findIndex((row) => idOf(row) === active.value));

  async function ask<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T | null> {
    try {
      return await work(signal);
    } catch (reason) {
      if (!signal.aborted) fail(reason);
      return null;
    }
  }

  async function readPage(query: Params, { signal }: AbortController): Promise<Page | null> {
    const newer = new Map<string, Incident>();
    awaited.add(newer);
    const page = await ask(() => get<Page>("/api/incidents", { ...params.value, ...query }, signal), signal);
    awaited.delete(newer);
    return page && { ...page, features: page.features.map((one) => newer.get(idOf(one)) ?? one) };
  }

  /** Read the list anew; who was active stays so, or else who stands in that place now. */
  async function load(): Promise<void> {
    clearTimeout(typing);
    turn.abort();
    const mine = (turn = new AbortController());
    const index = Math.max(0, activeIndex.value);
    const look = ++looks;
    isLoading.value = true;
    void count();
    const page = await readPage({ limit: PAGE }, mine);
    if (turn !== mine) return;
    isLoading.value = false;
    if (!page) return;
    isLoaded.value = true;
    show(page.features, page.next_cursor);
    if (looks > look) lookAgain();
    if (activeIndex.value < 0) active.value = rows.value.length ? idOf(rows.value[Math.min(index, rows.value.length - 1)]!) : null;
  }

  function show(features: Incident[], next: string | null): void {
    rows.value = features;
    cursor.value = next;
    freshCount.value = 0;
    gone.value = new Set();
    const here = new Set(features.map(idOf));
    picked.value = new Set([...picked.value].filter((id) => here.has(id)));
  }

  async function more(): Promise<void> {
    if (!cursor.value || isLoading.value) return;
    const mine = turn;
    isLoading.value = true;
    const page = await readPage({ limit: PAGE, cursor: cursor.value }, mine);
    if (turn !== mine) return;
    isLoading.value = false;
    if (!page) return;
    const here = new Set(rows.value.map(idOf));
    rows.value = [...rows.value, ...page.features.filter((one) => !here.has(idOf(one)))];
    cursor.value = page.next_cursor;
  }

  /** Look what the list would be now: change rows in their place, mark what left, count what is new. */
  async function peek(): Promise<void> {
    const mine = turn;
    const look = ++looks;
    const page = await readPage({ limit: Math.min(MOST_PEEKED, Math.max(PAGE, rows.value.length)) }, mine);
    if (!page || turn !== mine || look < lookShown) return;
    lookShown = look;
    const now = new Map(page.features.map((one) => [idOf(one), one]));
    const here = new Set(rows.value.map(idOf));
    const last = page.next_cursor ? page.features.at(-1)! : null;
    const reaches = (row: Incident): boolean => {
      if (!last) return true;
      const [a, b] = [sortKey(row, isByDue.value), sortKey(last, isByDue.value)];
      return isByDue.value ? a < b : a > b;
    };
    gone.value = new Set(rows.value.filter((row) => !now.has(idOf(row)) && reaches(row)).map(idOf));
    freshCount.value = page.features.filter((one) => !here.has(idOf(one))).length;
    rows.value = rows.value.map((row) => now.get(idOf(row)) ?? row);
  }

  async function count(): Promise<void> {
    const mine = turn;
    const read = (which: Params): Promise<Tally | null> => ask((signal) => get<Tally>("/api/incidents/counts", { ...chosen.value, ...which }, signal), mine.signal);
    // What is supervised stays so after the case has ended, until it is closed.
    const [open, supervised] = await Promise.all([read({ is_open: true }), read({ is_supervised: true })]);
    if (!open || !supervised || turn !== mine) return;
    counts.value = { ...open, supervised: Object.values(supervised.by_status).reduce((sum, n) => sum + n, 0) };
    aheadMs.value = Date.parse(open.as_of) - Date.now();
  }

  const lookAgain = coalesce(() => {
    void peek();
    void count();
  }, PEEK_MS);

  /** Put an incident as it is now in its row's place. */
  function renew(incident: Incident): void {
    const id = idOf(incident);
    for (const newer of awaited) newer.set(id, incident);
    if (rows.value.some((row) => idOf(row) === id)) rows.value = rows.value.map((row) => (idOf(row) === id ? incident : row));
    lookAgain();
  }

  /** Go down (or up) from the active row; answers its id. */
  function step(by: number): string | null {
    if (!rows.value.length) return null;
    const at = Math.max(by > 0 ? -1 : 0, activeIndex.value);
    active.value = idOf(rows.value[Math.min(rows.value.length - 1, Math.max(0, at + by))]!);
    if (by && at + by >= rows.value.length) void more();
    return active.value;
  }

  function pick(id: string): void {
    const next = new Set(picked.value);
    if (!next.delete(id)) next.add(id);
    picked.value = next;
  }
  function pickAll(isAll: boolean): void {
    picked.value = new Set(isAll ? rows.value.map(idOf) : []);
  }

  watch(tab, () => {
    rows.value = [];
    isLoaded.value = false;
    picked.value = new Set();
    active.value = null;
    void load();
  });
  watch(filters, () => {
    clearTimeout(typing);
    isLoading.value = true;
    typing = setTimeout(() => void load(), TYPING_MS);
  });
  onScopeDispose(() => {
    clearTimeout(typing);
    turn.abort();
  });

  return {
    rows, counts, cursor, isLoading, isLoaded, isFiltered, isByDue, freshCount, gone, active, picked, aheadMs,
    load, more, renew, lookAgain, step, pick, pickAll,
  };
}

export type Queue = ReturnType<typeof useQueue>;

/** A reason as a sentence. */
export function wordsOf(reason: unknown): string {
  return reason instanceof ApiError ? reason.message : String(reason);
}
