"""The words, figures and lists of a life-circle report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from data.lifecircle.content import Report, Share
from data.lifecircle.promises import Promise
from data.rules.frames import basis
from geo.arrays import FloatArray, IntArray
from geo.tally import Ranking, Tally
from geo.verdicts import Judgement, Reason, Rule, Verdict
from geo.walking import ADULT, ELDER

DEMANDS = {"households": "户", "residents_60": "60岁以上居民", "residents_80": "80岁以上居民"}
COUNTERS = {"households": "户", "residents_60": "人", "residents_80": "人"}
BINDINGS = {"must": "应（强制）", "should": "宜", "may": "可"}
METRICS = {"walk": "步行", "line": "直线"}
CONFIDENCES = {"H": "高", "M": "中", "L": "低"}
STATES = {"reached": "已完成", "on_the_way": "进行中", "late": "已逾期", "unknown": "无数据"}
REASONS = {
    Reason.UNIT_WITHOUT_PLACE: "楼栋没有位置", Reason.UNIT_NOT_SNAPPED: "楼栋离道路超过接入限值",
    Reason.NO_FACILITY_REACHABLE: "道路断开，走不到任何设施",
    Reason.FACILITY_NOT_SNAPPED: "附近设施离道路太远，步行距离不明",
    Reason.FACILITY_CUT_OFF: "附近设施在断开的另一片道路上",
}  # fmt: skip
MOST_UNITS, MOST_GRIDS = 20, 50
"""How many buildings a list names for each rule, and how many grids; the others are counted."""


@dataclass(frozen=True)
class RuleWords:
    """What one rule finds in the area; texts, the red ones beside their clause, metres, data day and confidence."""

    name: str
    level: str
    threshold: str
    basis: str
    binding: str
    confidence: str
    whom: str
    demand: str
    met: str
    not_met: str
    unknown: str
    ratio: str
    metres: str
    data_on: str
    is_red: bool
    note: str
    unknown_why: str
    communities: tuple[tuple[str, ...], ...]
    units: tuple[tuple[str, ...], ...]
    units_more: int


@dataclass(frozen=True)
class Wording:
    """What both forms of a report say.

    Attributes
    ----------
    facts
        Label and value, in order.
    ranks
        A row a community: rank, name, households, mean share not served, then by rule the demand not served.
    grid_ranks, grids
        The same of the grids in most need, and how many grids there are.
    capacities, community_capacities, promises, rules
        Rows of texts.
    milestones
        What is planned with a day, by promise and day: promise, day, place, how much there will be then.
    without_data
        Rules that nothing can be said of: name, threshold, basis, confidence.
    """

    title: str
    opening: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    found: tuple[RuleWords, ...]
    rank_headings: tuple[str, ...]
    ranks: tuple[tuple[str, ...], ...]
    grid_ranks: tuple[tuple[str, ...], ...]
    grids: int
    capacities: tuple[tuple[str, ...], ...]
    capacity_community_headings: tuple[str, ...]
    community_capacities: tuple[tuple[str, ...], ...]
    promises: tuple[tuple[str, ...], ...]
    milestones: tuple[tuple[str, ...], ...]
    without_data: tuple[tuple[str, ...], ...]
    rules: tuple[tuple[str, ...], ...]
    methods: tuple[str, ...]
    marks: tuple[str, ...]
    footer: str


COMMUNITY_HEADINGS = (
    "社区",
    "服务对象",
    "达标",
    "未达标",
    "未知",
    "未达标比例",
    "实测（未达标者）",
    "依据",
    "数据日期",
    "可信度",
)
UNIT_HEADINGS = ("社区", "楼栋", "未达标", "实测步行", "直线", "绕行", "最近设施", "依据", "数据日期", "可信度")
CAPACITY_HEADINGS = (
    "设施容量", "总量", "服务对象", "步行范围", "每百人（户）平均", "不足平均一半（2SFCA）",
    "不足平均一半（E2SFCA）", "范围内一处没有", "说明",
)  # fmt: skip
PROMISE_HEADINGS = ("承诺", "期限", "已完成", "计划中", "进度", "状态", "计划全部建成", "出处")
MILESTONE_HEADINGS = ("承诺", "计划日期", "地点", "届时累计")
RULE_HEADINGS = ("代码", "设施", "服务对象", "距离", "约束", "依据", "可信度", "说明")
WITHOUT_HEADINGS = ("设施", "距离", "依据", "可信度")


def word(report: Report, *, approval: str = "") -> Wording:
    """Put a report into words.

    Parameters
    ----------
    approval
        The map's approval number (审图号); without one the maps say 示意图.
    """
    facts, book = report.facts, report.book
    found = tuple(
        _found(report, judged, total, parts)
        for judged, total, parts in zip(report.circles.judgements, report.totals, report.by_community, strict=True)
    )
    households = float(np.nansum(report.units["households"].to_numpy(dtype=np.float64)))
    network = report.circles.network.report
    pieces = f"{network.pieces} 片，片与片之间走不通" if network.pieces > 1 else "连成一片"
    return Wording(
        title=f"{facts['name']}生活圈体检报告",
        opening=(
            f"按规则集“{book.code}”第 {book.version} 版，沿道路实测{facts['name']}每栋楼到各类设施的步行距离，"
            "逐条对照标准。距离从楼栋到设施，含两端接入道路的直线段；走不通或离道路太远的记为“未知”，不计入达标，也不计入未达标。"
        ),
        summary=_summary(report, found),
        facts=(
            ("范围", f"{facts['name']}（{facts['code']}），{len(report.units):,} 栋楼，{_number(households)} 户"),
            ("编制时间", report.made_at.astimezone(ZoneInfo(facts["time_zone"])).strftime("%Y-%m-%d %H:%M")),
            ("规则集", f"{book.code}@{book.version}，{len(book.rules)} 条，校验码 {book.digest[:16]}"),
            ("数据日期", _dates(report)),
            (
                "步行道路",
                f"{network.length_m / 1000:,.1f} 千米，{pieces}；接入限值 {report.circles.snap_limit_m:g} 米",
            ),
        ),
        found=found,
        rank_headings=("名次", "社区", "户数", "平均未达标比例", *(f"{one.name}未达标" for one in found)),
        ranks=tuple(_ranks(report)),
        grid_ranks=tuple(_grid_ranks(report)[:MOST_GRIDS]),
        grids=len(report.grids),
        capacities=tuple(_capacity(one) for one in report.shares),
        capacity_community_headings=(
            "社区", *(f"{one.name} {method}" for one in report.shares for method in ("2SFCA", "E2SFCA")),
        ),
        community_capacities=tuple(_community_capacities(report)),
        promises=tuple(_promise(one) for one in report.promises),
        milestones=tuple(row for one in report.promises for row in _milestones(one)),
        without_data=tuple(
            (rule.facility_name, _threshold(rule), basis(rule), CONFIDENCES[rule.confidence])
            for rule in report.circles.without_data
        ),
        rules=tuple(_rule(rule) for rule in book.rules),
        methods=METHODS,
        marks=(
            f"审图号：{approval}" if approval else "示意图：界线仅供示意，不作为权属和行政区划依据",
            *(("示例数据：楼栋、户数、设施为虚构，承诺进度也按虚构设施计，仅供演示",) if facts["is_sample"] else ()),
        ),
        footer=f"一网图 · 生活圈体检 · 规则集 {book.code}@{book.version}",
    )  # fmt: skip


METHODS = (
    "步行距离：楼栋到最近道路、沿道路、道路到设施三段之和；多源最短路，只算可步行道路。",
    "判定：距离不超过阈值为达标（等于也算）；距离未知，或虽超过阈值但直线阈值内另有设施量不出步行距离的，为未知。",
    "只计开放的设施；计划中、已停用的不计。区域外 3 千米内的设施和道路一并计算。",
    "排名：各规则“未达标 ÷（达标＋未达标）”的简单平均，由高到低；没有已知结果的社区排在最后。",
    "容量：两步移动搜索法（2SFCA）；E2SFCA 按阈值的三分之一分带，权重 1、0.68、0.22。"
    "容量不明的设施不分配；区域外的设施和居民一并分配。",
    f"步行分钟：成人每分钟 {ADULT.metres_a_minute:g} 米（规划步速），"
    f"老人每分钟 {ELDER.metres_a_minute:g} 米（可信度中）。",
    "可信度：高＝见到原文或两处一致；中＝单一或二手来源；低＝默认值或来源有矛盾。条号写“待核”的须查购买的标准文本。",
)


def rule_label(rule: Rule) -> str:
    """Name a rule shortly: its facility and its distance."""
    return f"{rule.facility_name} {METRICS[rule.metric]}{rule.threshold_m:g}米"


def day(value: date | None) -> str:
    """Write the day of data."""
    return "未记录" if value is None else value.isoformat()


def _summary(report: Report, found: tuple[RuleWords, ...]) -> str:
    """Say the outcome in two sentences."""
    red = [one for one in found if one.is_red]
    worst = [at for at in report.ranking.order[:3].tolist() if report.ranking.score[at] > 0]
    names = [report.communities["name"].iloc[at] for at in worst]
    text = f"共检查 {len(found)} 条规则，其中 {len(red)} 条有未达标的服务对象"
    text += (
        f"；另有 {len(report.circles.without_data)} 条因没有设施数据未检查。" if report.circles.without_data else "。"
    )
    return text + (f"平均未达标比例最高的社区：{'、'.join(names)}。" if len(report.communities) > 1 and names else "")


def _found(report: Report, judged: Judgement, total: Tally, parts: Tally) -> RuleWords:
    """Put one rule's findings into words."""
    rule = judged.rule
    counter = COUNTERS[rule.demand]
    data_on, confidence = day(report.data_on(rule)), CONFIDENCES[rule.confidence]
    reasons = Counter(judged.reason[(judged.verdict == Verdict.UNKNOWN) & (judged.demand != 0)].tolist())
    order = [at for at in report.ranking.order.tolist() if parts.units[at]]
    communities = tuple(
        (str(report.communities["name"].iloc[at]), *_counts(parts, at, counter), basis(rule), data_on, confidence)
        for at in order
    )
    units, more = _units(report, judged, (basis(rule), data_on, confidence))
    whole = _counts(total, 0, counter)
    return RuleWords(
        name=rule.facility_name, level="—" if rule.level is None else f"{rule.level}分钟", threshold=_threshold(rule),
        basis=basis(rule), binding=BINDINGS[rule.binding], confidence=confidence, whom=DEMANDS[rule.demand],
        demand=whole[0], met=whole[1], not_met=whole[2], unknown=whole[3], ratio=whole[4], metres=whole[5],
        data_on=data_on, is_red=bool(total.units_not_met[0]), note=rule.note,
        unknown_why="；".join(f"{REASONS[Reason(reason)]} {count} 栋" for reason, count in sorted(reasons.items())),
        communities=communities, units=units, units_more=more,
    )  # fmt: skip


def _counts(parts: Tally, at: int, counter: str) -> tuple[str, str, str, str, str, str]:
    """Write a tally: demand, met, not met, unknown, share not served, metres of those not served."""
    if parts.units_uncounted[at] == parts.units[at]:
        counts = [f"{one[at]:,} 栋" for one in (parts.units, parts.units_met, parts.units_not_met, parts.units_unknown)]
        return counts[0], counts[1], counts[2], counts[3], "—", _metres(parts, at)
    sums = (parts.demand, parts.demand_met, parts.demand_not_met, parts.demand_unknown)
    counts = [f"{_number(one[at])} {counter}" for one in sums]
    return counts[0], counts[1], counts[2], counts[3], _percent(parts.unserved_ratio[at]), _metres(parts, at)


def _metres(parts: Tally, at: int) -> str:
    """Write how far those who are not served walk."""
    if not parts.units_not_met[at]:
        return "—"
    longest_m = parts.unserved_longest_m[at]
    if np.isinf(longest_m):
        return "没有开放的设施"
    mean_m = parts.unserved_mean_m[at]
    return ("" if np.isnan(mean_m) else f"平均 {mean_m:,.0f} 米，") + f"最远 {longest_m:,.0f} 米"


def _units(report: Report, judged: Judgement, tail: tuple[str, str, str]) -> tuple[tuple[tuple[str, ...], ...], int]:
    """List the buildings with most unserved demand, farthest first among equals, and count the rest."""
    unserved = np.where(np.isnan(judged.unserved), 0.0, judged.unserved)
    rows = np.flatnonzero((judged.verdict == Verdict.NOT_MET) & (unserved > 0))
    rows = rows[np.lexsort((-judged.measured_m[rows], -unserved[rows]))]
    names = dict(zip(report.communities["code"], report.communities["name"], strict=True))
    facilities = report.facilities[judged.rule.facility_kind]
    listed = []
    for at in rows[:MOST_UNITS].tolist():
        unit, facility = report.units.iloc[at], int(judged.facility[at])
        detour = judged.detour_ratio[at]
        listed.append(
            (
                str(names.get(unit["community"], "—")), str(unit["address"] or unit["code"]),
                f"{_number(unserved[at])} {COUNTERS[judged.rule.demand]}", _walked(judged.walk_m[at], judged.rule),
                _distance(judged.straight_m[at]), "—" if np.isnan(detour) else f"{detour:.1f} 倍",
                str(facilities["name"].iloc[facility]) if facility >= 0 else "—", *tail,
            )
        )  # fmt: skip
    return tuple(listed), len(rows) - len(listed)


def _ranks(report: Report) -> list[tuple[str, ...]]:
    """List the communities in order of need."""
    names = [str(name) for name in report.communities["name"]]
    return _ranked(report, names, report.by_community, report.ranking, report.group)


def _grid_ranks(report: Report) -> list[tuple[str, ...]]:
    """List the grids in order of need."""
    number = {code: at for at, code in enumerate(report.grids)}
    group = np.array([number.get(code, -1) for code in report.units["grid"]], dtype=np.int64)
    return _ranked(report, report.grids, report.by_grid, report.grid_ranking, group)


def _ranked(
    report: Report, names: Sequence[str], tallies: Sequence[Tally], ranking: Ranking, group: IntArray
) -> list[tuple[str, ...]]:
    """List groups of buildings in order of need."""
    households = np.nan_to_num(report.units["households"].to_numpy(dtype=np.float64))
    homes = np.bincount(group[group >= 0], households[group >= 0], minlength=len(names))
    return [
        (
            str(place), names[at], _number(homes[at]),
            _percent(ranking.score[at]) if np.isfinite(ranking.score[at]) else "未知",
            *(
                f"{_number(one.demand_not_met[at])} {COUNTERS[judged.rule.demand]}"
                for one, judged in zip(tallies, report.circles.judgements, strict=True)
            ),
        )
        for place, at in enumerate(ranking.order.tolist(), start=1)
    ]  # fmt: skip


def _capacity(one: Share) -> tuple[str, ...]:
    """Write one capacity: over a whole city both methods have one mean; who has less than half of it tells more."""
    is_known = ~np.isnan(one.access)
    heads = np.where(is_known, np.nan_to_num(one.demand), 0.0)
    everyone, unknown = heads.sum(), np.nan_to_num(one.demand)[~is_known].sum()
    notes = [f"{one.untold} 处容量不明，未计入"] if one.untold else []
    notes += [f"另有 {_number(unknown)} {COUNTERS[one.rule.demand]}离道路太远，未知"] if unknown else []

    def mean(access: FloatArray) -> float:
        return float((np.nan_to_num(access) * heads).sum() / everyone) if everyone else 0.0

    def below(access: FloatArray, most: float) -> str:
        lacking = heads[access <= most].sum()
        return f"{_number(lacking)} {COUNTERS[one.rule.demand]}" + (f"（{lacking / everyone:.1%}）" if everyone else "")

    return (
        f"{one.rule.facility_name}：{one.name}", _number(one.supply), f"{DEMANDS[one.rule.demand]} {_number(everyone)}",
        f"{one.rule.threshold_m:g} 米", f"{mean(one.access) * 100:.1f}",
        below(one.access, mean(one.access) / 2), below(one.access_e, mean(one.access_e) / 2), below(one.access, 0.0),
        "；".join(notes),
    )  # fmt: skip


def _community_capacities(report: Report) -> list[tuple[str, ...]]:
    """Write what a hundred people of each community can have, in the order of its ranks."""
    inside = report.group >= 0

    def mean(one: Share, access: FloatArray) -> list[str]:
        heads = np.where(inside & ~np.isnan(access), np.nan_to_num(one.demand), 0.0)
        count = len(report.communities)
        asked = np.bincount(report.group[inside], heads[inside], minlength=count)
        had = np.bincount(report.group[inside], (np.nan_to_num(access) * heads)[inside], minlength=count)
        return ["—" if not whole else f"{part / whole * 100:.1f}" for part, whole in zip(had, asked, strict=True)]

    columns = [mean(one, access) for one in report.shares for access in (one.access, one.access_e)]
    names = [str(name) for name in report.communities["name"]]
    return [(names[at], *(column[at] for column in columns)) for at in report.ranking.order.tolist()] if columns else []


def _promise(one: Promise) -> tuple[str, ...]:
    """Write one promise."""
    target = one.target
    unit = target["unit"] or ""
    due = "每年" if target["is_yearly"] else "原文未写明" if target["due_on"] is None else str(target["due_on"])
    known = one.done is not None
    return (
        str(target["title"]), due,
        f"{one.done:,} {unit}" if known else "—", f"{one.planned:,} {unit}" if known else "—",
        _percent(min(1.0, one.done / target["amount"])) if one.done is not None else "—", STATES[one.state],
        "—" if one.reached_on is None else str(one.reached_on),
        f"{target['source']}" + (f"；{target['note']}" if target["note"] else ""),
    )  # fmt: skip


def _milestones(one: Promise) -> list[tuple[str, ...]]:
    """List what is planned with a day, and how much there will be then."""
    total = one.done or 0
    rows: list[tuple[str, ...]] = []
    for step in sorted((step for step in one.steps if not step.is_done and step.on), key=lambda step: str(step.on)):
        total += step.amount
        rows.append((str(one.target["title"]), str(step.on), step.name, f"{total:,} / {one.target['amount']:,}"))
    return rows


def _rule(rule: Rule) -> tuple[str, ...]:
    """Write one rule as it was used."""
    return (
        rule.code, rule.facility_name, DEMANDS[rule.demand], _threshold(rule), BINDINGS[rule.binding], basis(rule),
        CONFIDENCES[rule.confidence], rule.note,
    )  # fmt: skip


def _threshold(rule: Rule) -> str:
    """Write a rule's distance."""
    return f"{METRICS[rule.metric]} ≤ {rule.threshold_m:g} 米"


def _dates(report: Report) -> str:
    """Say when each layer last changed."""
    zone = ZoneInfo(report.facts["time_zone"])
    layers = {"unit": "楼栋", "road": "道路"} | {
        one.rule.facility_kind: one.rule.facility_name for one in report.circles.judgements
    }
    return "；".join(
        f"{name} {day(report.dates[layer].astimezone(zone).date() if layer in report.dates else None)}"
        for layer, name in layers.items()
    )


def _distance(metres: float) -> str:
    """Write metres, or that they are not known."""
    return "未知" if np.isnan(metres) else "没有设施" if np.isinf(metres) else f"{metres:,.0f} 米"


def _walked(metres: float, rule: Rule) -> str:
    """Write walked metres with the minutes they take those whom the rule serves."""
    if not np.isfinite(metres):
        return _distance(metres)
    pace = ADULT if rule.demand == "households" else ELDER
    return f"{metres:,.0f} 米，{metres / pace.metres_a_minute:.0f} 分钟"


def _percent(ratio: float) -> str:
    """Write a share."""
    return "—" if np.isnan(ratio) else f"{ratio:.1%}"


def _number(value: float) -> str:
    """Write a count."""
    return f"{value:,.0f}"
