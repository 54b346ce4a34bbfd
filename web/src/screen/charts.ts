/** The wall's two charts as ECharts options; every text has its size, in pixels of the wall's rem. */
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsCoreOption, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { formatCount, formatDate } from "../shared/format";
import { language, nameOf } from "../shared/i18n";
import type { Figures } from "../shared/types";
import { t } from "./messages";

use([AriaComponent, BarChart, CanvasRenderer, GridComponent, LegendComponent, LineChart, TooltipComponent]);

export { init, type EChartsType };

const INK = "#e9eff1";
const INK_2 = "#b4c1c8";
const RULE = "#24313a";
const REPORTED = "#e9b35c";
const CLOSED = "#6cc4b4";
const BAR = "#5f8fb4";
const FONT = '"Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif';

function base(rem: number, isStill: boolean): EChartsCoreOption {
  return {
    animation: !isStill,
    animationDuration: 500,
    aria: { enabled: true },
    textStyle: { fontFamily: FONT, color: INK_2 },
    tooltip: {
      trigger: "axis",
      backgroundColor: "#18222a",
      borderColor: RULE,
      textStyle: { color: INK, fontSize: rem },
      axisPointer: { type: "none" },
    },
  };
}

export function trendOption(trend: Figures["trend"], rem: number, isStill: boolean): EChartsCoreOption {
  const label = { color: INK_2, fontSize: rem };
  const line = (name: string, color: string, data: number[], type: "solid" | "dashed"): object => ({
    name,
    type: "line",
    data,
    showSymbol: false,
    lineStyle: { width: rem * 0.17, color, type },
    itemStyle: { color },
  });
  return {
    ...base(rem, isStill),
    grid: { left: rem * 2.4, right: rem * 0.9, top: rem * 2.4, bottom: rem * 1.9 },
    legend: {
      right: 0,
      top: 0,
      itemWidth: rem * 1.8,
      itemHeight: rem * 0.6,
      icon: "path://M0,4h20v3h-20z",
      textStyle: { ...label, lineHeight: rem * 1.4 },
    },
    xAxis: {
      type: "category",
      data: trend.map((day) => formatDate(day.date, { month: "numeric", day: "numeric" })),
      axisLabel: { ...label, interval: 6, margin: rem * 0.5 },
      axisLine: { lineStyle: { color: RULE } },
      axisTick: { show: false },
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      splitNumber: 3,
      axisLabel: label,
      splitLine: { lineStyle: { color: RULE } },
    },
    series: [
      line(t("reported"), REPORTED, trend.map((day) => day.reported), "solid"),
      line(t("closed"), CLOSED, trend.map((day) => day.closed), "dashed"),
    ],
  };
}

export function categoryOption(categories: Figures["by_category"], rem: number, isStill: boolean): EChartsCoreOption {
  const label = { color: INK, fontSize: rem };
  const room = language.value === "en" ? 11.5 : 8.8;
  return {
    ...base(rem, isStill),
    grid: { left: rem * (room + 0.6), right: rem * 3.2, top: 0, bottom: 0 },
    xAxis: { type: "value", show: false },
    yAxis: {
      type: "category",
      inverse: true,
      data: categories.map(nameOf),
      axisLabel: { ...label, width: rem * room, overflow: "truncate", interval: 0 },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        name: t("count"),
        type: "bar",
        data: categories.map((category) => category.count),
        barWidth: "46%",
        itemStyle: { color: BAR, borderRadius: 2 },
        label: { ...label, show: true, position: "right", formatter: ({ value }: { value: number }) => formatCount(value) },
      },
    ],
  };
}
