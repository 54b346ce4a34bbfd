/** The examinations of an area, the one that is open, and what the chosen rule found there. */
import { computed, ref, shallowRef, watch } from "vue";
import {
  loadCells, loadExaminations, loadFindings, loadOverview, loadRulebooks, loadTargets, newestOf,
  type CellFeature, type Examination, type Overview, type Rulebook, type RuleFindings, type Target,
} from "./findings";

export type LifeCircle = ReturnType<typeof useLifeCircle>;

/** What the map draws of it. */
export interface GapView {
  examination: number;
  place: number;
  facility: string;
  cells: CellFeature[] | null;
}

export function useLifeCircle(fail: (reason: unknown) => void) {
  const within = ref<string | null>(null);
  const list = shallowRef<Examination[]>([]);
  const chosen = shallowRef<Examination | null>(null);
  const overview = shallowRef<Overview | null>(null);
  const rule = ref<string | null>(null);
  const findings = shallowRef<RuleFindings | null>(null);
  const cells = shallowRef<CellFeature[] | null>(null);
  const showsCells = ref(false);
  const books = shallowRef<Rulebook[]>([]);
  const targets = shallowRef<Target[]>([]);
  const showsTargets = ref(false);
  const isReading = ref(false);
  const newest = computed(() => newestOf(books.value));
  let turn = 0;

  async function attempt<T>(mine: number, call: Promise<T>): Promise<T | null> {
    try {
      const found = await call;
      return mine === turn ? found : null;
    } catch (reason) {
      if (mine === turn) fail(reason);
      return null;
    }
  }
  async function load(code: string, wanted: number | null = null): Promise<void> {
    const mine = ++turn;
    within.value = code;
    isReading.value = true;
    const [found, promised, known] = await Promise.all([
      attempt(mine, loadExaminations(code)), attempt(mine, loadTargets(code)), attempt(mine, loadRulebooks()),
    ]);
    if (mine !== turn) return;
    isReading.value = false;
    targets.value = promised ?? [];
    books.value = known ?? [];
    list.value = found ?? [];
    const next = list.value.find((one) => one.id === (wanted ?? chosen.value?.id)) ?? list.value[0] ?? null;
    await open(next);
  }
  async function open(one: Examination | null): Promise<void> {
    const mine = ++turn;
    chosen.value = one;
    if (!one || !within.value) {
      overview.value = findings.value = cells.value = null;
      return;
    }
    const found = await attempt(mine, loadOverview(one, within.value));
    if (!found) return;
    overview.value = found;
    const kept = found.judged.find((judged) => judged.rule === rule.value) ?? found.judged[0];
    await choose(kept?.rule ?? null);
  }
  async function choose(code: string | null): Promise<void> {
    const mine = ++turn;
    rule.value = code;
    cells.value = null;
    if (!chosen.value || !within.value || code === null) {
      findings.value = null;
      return;
    }
    const found = await attempt(mine, loadFindings(chosen.value, code, within.value));
    if (!found) return;
    findings.value = found;
    await readCells();
  }
  async function readCells(): Promise<void> {
    const mine = turn;
    if (!showsCells.value || cells.value || !chosen.value || !within.value || !rule.value) return;
    cells.value = await attempt(mine, loadCells(chosen.value, rule.value, within.value));
  }
  watch(showsCells, () => void readCells());

  const view = computed<GapView | null>(() =>
    chosen.value && findings.value
      ? {
          examination: chosen.value.id,
          place: findings.value.place,
          facility: findings.value.facility_kind,
          cells: showsCells.value ? cells.value : null,
        }
      : null,
  );
  const steps = computed(() => (showsTargets.value ? targets.value : []));

  return {
    within, list, chosen, overview, rule, findings, cells, showsCells, books, newest, targets, showsTargets, steps,
    isReading, view, load, open, choose,
    async reloadBooks(): Promise<void> {
      books.value = await loadRulebooks();
    },
  };
}
