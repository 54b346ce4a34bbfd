/** What the cases' tab shows: figures or problems that come back, of an area and its days; the list that is open. */
import { computed, ref, shallowRef, watch } from "vue";
import {
  loadDefinitions, loadOfCluster, loadPage, loadRecurring, loadStatistics,
  type CellFeature, type Cluster, type ClusterFeature, type Definitions, type Incident, type ListPage, type ListQuery, type Period, type Recurring, type Statistics,
} from "./cases";

export type Cases = ReturnType<typeof useCases>;
/** What the map draws of it. */
export interface CasesView {
  clusters: ClusterFeature[];
  cells: CellFeature[];
  chosen: number | null;
}

export function useCases(fail: (reason: unknown) => void) {
  const within = ref<string | null>(null);
  const period = ref<Period>({ first: "", last: "" });
  const shows = ref<"figures" | "recurring">("figures");
  const labelSet = ref("standard");
  const definitions = shallowRef<Definitions | null>(null);
  const statistics = shallowRef<Statistics | null>(null);
  const recurring = shallowRef<Recurring | null>(null);
  const chosen = ref<number | null>(null);
  const isReading = ref(false);
  const listTitle = ref("");
  const listCount = ref(0);
  const rows = shallowRef<Incident[]>([]);
  const next = ref<string | null>(null);
  let more: (cursor: string | null) => Promise<ListPage> = () => Promise.resolve({ rows: [], next: null });
  let reading: AbortController | null = null;

  const labels = computed(() => definitions.value?.label_sets.find((one) => one.code === labelSet.value) ?? null);
  const view = computed<CasesView | null>(() =>
    shows.value === "recurring" && recurring.value
      ? { clusters: recurring.value.clusters.features, cells: recurring.value.cells.features, chosen: chosen.value }
      : null,
  );

  async function load(code: string): Promise<void> {
    within.value = code;
    statistics.value = recurring.value = null;
    await read();
  }
  async function read(): Promise<void> {
    if (!within.value) return;
    reading?.abort();
    const turn = (reading = new AbortController());
    isReading.value = true;
    closeList();
    try {
      definitions.value ??= await loadDefinitions();
      if (shows.value === "figures") {
        const found = await loadStatistics(within.value, period.value, turn.signal);
        if (turn === reading) statistics.value = found;
      } else {
        const found = await loadRecurring(within.value, period.value, turn.signal);
        if (turn === reading) [recurring.value, chosen.value] = [found, null];
      }
    } catch (reason) {
      if (!turn.signal.aborted) fail(reason);
    } finally {
      if (turn === reading) isReading.value = false;
    }
  }
  watch(shows, () => {
    closeList();
    if (shows.value === "figures" ? !statistics.value : !recurring.value) void read();
  });
  function setPeriod(days: Period): void {
    period.value = days;
    statistics.value = recurring.value = null;
    void read();
  }

  async function openList(title: string, count: number, page: typeof more): Promise<void> {
    [listTitle.value, listCount.value, rows.value, more] = [title, count, [], page];
    await readMore(null);
  }
  async function readMore(cursor = next.value): Promise<void> {
    const mine = more;
    try {
      const page = await mine(cursor);
      if (mine === more) [rows.value, next.value] = [[...rows.value, ...page.rows], page.next];
    } catch (reason) {
      fail(reason);
    }
  }
  function closeList(): void {
    [listTitle.value, rows.value, next.value] = ["", [], null];
  }

  return {
    within, period, shows, labelSet, labels, definitions, statistics, recurring, chosen, isReading, listTitle, listCount, rows, next, view,
    load, setPeriod, readMore, closeList,
    open: (query: ListQuery): Promise<void> => openList(query.title, query.count, (cursor) => loadPage(query, cursor)),
    openCluster(title: string, cluster: Cluster): Promise<void> {
      chosen.value = cluster.rank;
      return openList(title, cluster.n, (cursor) => loadOfCluster(cluster.ids, Number(cursor ?? 0)));
    },
  };
}
