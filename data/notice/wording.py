"""The words, figures and lists of a notice."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from data.notice.content import Notice, day_of

STATUSES = {
    "proposed": "计算方案", "draft": "草案", "submitted": "待批准", "approved": "已批准，待生效", "effective": "已生效",
    "retired": "已停用",
}  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """How residents can answer a notice; what is not given is left blank, to be filled in by hand.

    Attributes
    ----------
    opens_on, closes_on
        First and last day of the 公示, both included.
    feedback
        Where opinions go: an office, a telephone, an address.
    """

    opens_on: date | None = None
    closes_on: date | None = None
    feedback: str = ""

    @property
    def period(self) -> str:
        """The days in words."""
        first = day_of(self.opens_on) if self.opens_on else ""
        last = day_of(self.closes_on) if self.closes_on else ""
        if self.opens_on and self.closes_on:
            return f"{first}至{last}（共 {(self.closes_on - self.opens_on).days + 1} 天）"
        return f"{first}起" if first else f"至{last}止" if last else ""


BLANK = Terms()


@dataclass(frozen=True)
class Wording:
    """What both forms of a notice say.

    Attributes
    ----------
    facts
        Label and value, in order.
    grids
        A row a grid: community, code, name, old code, households before and after, households in and out, in the band.
    changed
        A row a building: community, code, address, old grid, new grid, households.
    answers
        Label and value of the 公示期限, of where opinions go, and of the seal; "" is a blank to be filled in.
    marks
        示意图 or the approval number, 示例数据 where the data is a sample.
    """

    title: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    summary: str
    grids: tuple[tuple[str, ...], ...]
    changed: tuple[tuple[str, ...], ...]
    gone: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]
    marks: tuple[str, ...]
    footer: str


GRID_HEADINGS = ("社区", "网格编码", "原网格", "原户数", "现户数", "调入", "调出", "区间")
CHANGED_HEADINGS = ("社区", "楼栋编码", "地址", "原网格", "新网格", "户数")


def word(notice: Notice, *, approval: str = "", terms: Terms = BLANK) -> Wording:
    """Put a notice into words."""
    facts, changed = notice.facts, notice.changed
    households = int(notice.units["households"].sum())
    moved = int(changed["households"].sum())
    share = f"{moved / households:.1%}" if households else "0%"
    band = f"{facts['floor']}—{facts['ceiling']}户"
    in_band = [facts["floor"] <= size <= facts["ceiling"] for size in notice.after["households"]]
    was_in_band = [facts["floor"] <= size <= facts["ceiling"] for size in notice.before["households"]]
    lineages = set(notice.after["lineage"])
    return Wording(
        title=f"{facts['area_name']}网格划分调整方案公示",
        opening=(
            f"为优化网格设置，便于服务居民，现按每个网格{band}的标准，对{facts['area_name']}的网格划分作出调整。"
            "调整以楼栋为单位，网格不跨社区，同一网格内的楼栋相连。现将方案予以公示，欢迎居民提出意见。"
        ),
        facts=(
            ("方案", f"{facts['name']}（编号 {facts['id']}，第 {facts['version']} 版，{STATUSES[facts['status']]}）"),
            ("范围", f"{facts['area_name']}（{facts['area_code']}）"),
            ("网格标准", f"{facts['scheme']}：每格 {band}"),
            ("依据", str(facts["source"])),
            ("对照", str(facts["against"])),
            ("编制日期", day_of(facts["created_at"])),
            ("生效日期", day_of(facts["effective_on"])),
        ),
        summary=(
            f"网格由 {len(notice.before)} 个调整为 {len(notice.after)} 个；户数在标准区间内的网格由 "
            f"{sum(was_in_band)} 个变为 {sum(in_band)} 个；{len(changed)} 栋楼、{moved} 户改变所属网格，"
            f"占总户数（{households} 户）的 {share}。"
        ),
        grids=tuple(_grid_rows(notice, in_band)),
        changed=tuple(
            (one.community_name, one.code, one.address or "—", one.before or "—", one.after, str(one.households))
            for one in changed.itertuples()
        ),
        gone=tuple(code for code in notice.before["code"] if code not in lineages),
        answers=(("公示期限", terms.period), ("意见反馈", terms.feedback), ("公示单位（盖章）", "")),
        marks=(
            f"审图号：{approval}" if approval else "示意图：界线仅供示意，不作为权属和行政区划依据",
            *(("示例数据：户数、楼栋、地名为虚构，仅供演示",) if facts["is_sample"] else ()),
        ),
        footer=f"一网图 · 方案 {facts['id']} 第 {facts['version']} 版",
    )


def _grid_rows(notice: Notice, in_band: list[bool]) -> list[tuple[str, ...]]:
    """List the grids that change in any way, and how; those that stay as they are are not listed."""
    old: dict[str, Any] = dict(zip(notice.before["code"], notice.before["households"], strict=True))
    moved = notice.changed
    arrivals: pd.Series = moved.groupby("after")["households"].sum()
    leavers: pd.Series = moved.groupby("before")["households"].sum()
    rows: list[tuple[str, ...]] = []
    for one, holds in zip(notice.after.itertuples(), in_band, strict=True):
        came, went = int(arrivals.get(one.code, 0)), int(leavers.get(one.lineage, 0))
        was = old.get(one.lineage)
        if came or went or one.code != one.lineage or was is None:
            rows.append(
                (
                    one.community_name, one.code, one.lineage if was is not None else "新设",
                    "—" if was is None else str(was), str(one.households), str(came), str(went),
                    "区间内" if holds else "区间外",
                )
            )  # fmt: skip
    return rows
