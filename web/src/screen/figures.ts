/** The key figures: how each is shown, what it counts, and where the list behind it comes from. */
import { get, itemsPath, type Params } from "../shared/api";
import { formatCount, formatRatio } from "../shared/format";
import { either, nameOf } from "../shared/i18n";
import type { Area, Feature, FeaturePage, Figures, Incident, IncidentProperties } from "../shared/types";
import { t } from "./messages";
import type { Moment } from "./replay";

export const FIGURE_KEYS = ["open", "overdue", "today", "closed", "outside", "coverage"] as const;
export type FigureKey = (typeof FIGURE_KEYS)[number];

export interface FigureItem {
  key: FigureKey;
  label: string;
  value: string;
  note: string;
  tone?: "bad" | "warn";
}

/** A line of the list behind a figure that counts no incidents. */
export interface Line {
  code: string;
  name: string;
  value: string;
}

export interface ListPage {
  incidents: Incident[];
  lines: Line[];
  cursor: string | null;
}

const tone = <T extends string>(when: boolean | undefined | null, name: T): { tone?: T } => (when ? { tone: name } : {});

/** The figures of an area as it is now. */
export function liveItems(f: Figures | null): FigureItem[] {
  const share = f && f.incidents_open > 0 ? t("ofOpen", { ratio: formatRatio(f.incidents_overdue / f.incidents_open, 0) }) : "";
  return [
    { key: "open", label: t("open"), value: formatCount(f?.incidents_open), note: f ? t("reported30", { n: formatCount(f.reported_30d) }) : "" },
    { key: "overdue", label: t("overdue"), value: formatCount(f?.incidents_overdue), note: f?.incidents_supervised ? t("supervised", { n: formatCount(f.incidents_supervised) }) : share, ...tone(f && f.incidents_overdue > 0, "bad") },
    {
      key: "today",
      label: t("today"),
      value: formatCount(f?.incidents_today),
      note: f ? t("facilities", { stations: formatCount(f.stations_open), canteens: formatCount(f.canteens_open) }) : "",
    },
    {
      key: "closed",
      label: t("closedRatio"),
      value: formatRatio(f?.closed_ratio_30d),
      note: f ? t("closedOf", { closed: formatCount(f.closed_30d), all: formatCount(f.reported_30d) }) : "",
    },
    {
      key: "outside",
      label: t("outside"),
      value: formatCount(f?.grids_outside_band),
      note: f?.grids != null ? t("ofGrids", { n: formatCount(f.grids) }) : "",
      ...tone((f?.grids_outside_band ?? 0) > 0, "warn"),
    },
    {
      key: "coverage",
      label: t("coverage"),
      value: formatRatio(f?.covered_ratio),
      note: !f ? "" : f.covered_ratio === null ? t("notComputed") : t("households", { n: formatCount(f.households) }),
    },
  ];
}

/** The figures that a day's steps can tell. */
export function replayItems(moment: Moment): FigureItem[] {
  const { open, overdue, reported, closed } = moment;
  const share = open > 0 ? t("ofOpen", { ratio: formatRatio(overdue / open, 0) }) : "";
  return [
    { key: "open", label: t("open"), value: formatCount(open), note: t("atThatTime") },
    { key: "overdue", label: t("overdue"), value: formatCount(overdue), note: share, ...tone(overdue > 0, "bad") },
    { key: "today", label: t("reportedThatDay"), value: formatCount(reported), note: t("untilThen") },
    { key: "closed", label: t("closedThatDay"), value: formatCount(closed), note: t("untilThen") },
  ];
}

/** What the list of a figure of incidents asks for. */
export function listParams(key: FigureKey, figures: Figures): Params | null {
  switch (key) {
    case "open":
      return { is_open: true };
    case "overdue":
      return { is_overdue: true, order: "due" };
    case "today":
      return { reported_from: figures.today_from };
    case "closed":
      return { reported_from: figures.recent_from, is_open: false };
    default:
      return null;
  }
}

interface GridProperties {
  code: string;
  name: string | null;
  households: number;
  floor: number;
  ceiling: number;
}

async function gridsOutside(area: Area): Promise<Line[]> {
  // neighbours touch a grid, so its own comes from its community's
  const within = area.level === "grid" ? area.parent : area.code;
  const found: Feature<GridProperties>[] = [];
  for (const state of ["below", "above"]) {
    let cursor: string | null = null;
    do {
      const page: FeaturePage<GridProperties> = await get(itemsPath("grid"), { within, state, limit: 1000, cursor });
      found.push(...page.features);
      cursor = page.next_cursor;
    } while (cursor !== null);
  }
  return found
    .filter(({ properties }) => area.level !== "grid" || properties.code === area.code)
    .map(({ properties: { code, name, households, floor, ceiling } }) => ({
      code,
      name: name ?? code,
      value: t("bandOf", { n: formatCount(households), floor, ceiling }),
    }));
}

function coverageLines(figures: Figures): Line[] {
  return figures.coverage.map((one) => ({
    code: one.code,
    name: nameOf(one),
    value: t("coveredOf", { ratio: formatRatio(one.examined ? one.covered / one.examined : null), n: formatCount(one.covered), all: formatCount(one.examined) }),
  }));
}

/** A page of the list behind a figure. */
export async function readList(key: FigureKey, figures: Figures, area: Area, cursor: string | null): Promise<ListPage> {
  const params = listParams(key, figures);
  if (params === null) {
    const lines = key === "outside" ? await gridsOutside(area) : coverageLines(figures);
    return { incidents: [], lines, cursor: null };
  }
  const page = await get<FeaturePage<IncidentProperties>>("/api/incidents", { ...params, within: area.code, limit: 100, cursor });
  return { incidents: page.features, lines: [], cursor: page.next_cursor };
}

/** How many rows the list has when all of it is read: the figure itself. */
export function listLength(key: FigureKey, figures: Figures): number {
  const lengths: Record<FigureKey, number> = {
    open: figures.incidents_open,
    overdue: figures.incidents_overdue,
    today: figures.incidents_today,
    closed: figures.closed_30d,
    outside: figures.grids_outside_band ?? 0,
    coverage: figures.coverage.length,
  };
  return lengths[key];
}

const DEFINITIONS: Record<FigureKey, readonly [zh: string, en: string]> = {
  open: [
    "已上报、尚未结案、作废或并案的事件，含挂起中的。",
    "Incidents that were reported and are not yet closed, rejected or joined into another; paused ones count.",
  ],
  overdue: [
    "在办事件中，办理期限已过且当时尚未处置完成的；挂起期间不计时。期限按工作时、工作日或自然日及国家节假日安排计算。",
    "Open incidents whose time limit passed before they were resolved; the clock stands still while one is paused. Limits are counted in working hours, working days or calendar days with the public holidays.",
  ],
  today: ["当地时间今日零时以来上报的事件，不论现状。", "Incidents reported since midnight here, whatever became of them."],
  closed: [
    "近 30 天上报的事件中，现已结案、作废或并案的比例；未结的计入分母。",
    "Of the incidents reported in the last 30 days, the share that is closed, rejected or joined by now; open ones count below the line.",
  ],
  outside: [
    "现行网格方案中，户数低于下限或高于上限的网格。",
    "Grids of the plan in force whose households are below the floor or above the ceiling of its scheme.",
  ],
  coverage: [
    "最近一次生活圈体检中，步行可在规定距离内到达初心驿站的户数占受检户数的比例；未能测量的计为未覆盖。",
    "Of the households in the newest life-circle examination, the share that reaches a station on foot within the rule's distance; what could not be measured counts as not covered.",
  ],
};
const DEFINITIONS_THEN: Partial<Record<FigureKey, readonly [zh: string, en: string]>> = {
  overdue: [
    "回放时刻在办、期限已过且当时尚未处置完成的；期限以今日所知为准，事后批准的延期已计入。",
    "Open at the moment shown, with the time limit passed before they were resolved; limits are those known today, extensions granted later included.",
  ],
  today: ["当日零时至回放时刻上报的事件。", "Incidents reported from midnight of that day until the moment shown."],
  closed: ["当日零时至回放时刻结案、作废或并案的事件。", "Incidents closed, rejected or joined from midnight of that day until the moment shown."],
};

export function definitionOf(key: FigureKey, isReplay: boolean): string {
  return either(...((isReplay ? DEFINITIONS_THEN[key] : undefined) ?? DEFINITIONS[key]));
}
