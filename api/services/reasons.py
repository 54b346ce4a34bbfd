"""Why each grid changes against today, in a sentence: what binds it, who moves, whose round changes. Chinese and English."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from api.services import plans
from api.services.plans import Plan
from data.assigned import Assigned, read_assigned, successor_codes
from data.lots import ensure_drawn
from geo.assignment import measure
from layers.viewer import Viewer

NAMED = 3
_WORKERS = text(
    "SELECT g.code, count(*) FROM grid g JOIN membership m ON m.role = 'worker' AND m.path = g.path "
    "JOIN account a ON a.id = m.account_id AND a.is_active WHERE g.is_effective AND g.path <@ CAST(:path AS ltree) "
    "GROUP BY g.code"
)
# what binds -> the clause in Chinese and in English
CLAUSES = {
    "ceiling": ("{of}现有 {before} 户，超过上限 {ceiling} 户", "{of_en} has {before} households, above the ceiling of {ceiling}"),
    "floor": ("{of}现有 {before} 户，不足下限 {floor} 户", "{of_en} has {before} households, below the floor of {floor}"),
    "barrier": (
        "{of}被铁路、河流等障碍隔成 {pieces} 片，须各自连通",
        "{of_en} is cut into {pieces} pieces by a railway, a river or another barrier; a grid has to be connected",
    ),
    "compound": (
        "小区 {compounds} 原分在几个网格，现归在一起",
        "compound {compounds} lay in several grids and is put together",
    ),
    "community": (
        "网格不出社区，{community} 的 {total} 户分不成全部达标的网格",
        "a grid stays inside its community, and the {total} households of {community} do not divide into grids in the band",
    ),
    "shape": (
        "各网格户数均可，调整使边界更平直、更均衡",
        "all sizes are within the band; the change makes borders plainer and loads more even",
    ),
}  # fmt: skip
_BY_CAUSE = {
    "unit_over_ceiling": "ceiling", "total_below_floor": "community", "no_whole_number": "community",
    "pocket_below_floor": "barrier", "boxed_in": "compound",
}  # fmt: skip


@dataclass(frozen=True)
class _Sides:
    """Today and the plan, side by side.

    Attributes
    ----------
    units
        code, households, community, compound, grid, today of each unit, and `going_on`: the code of today's grid that
        its new grid goes on as, None for a new grid.
    before, after
        Households of today's grids and of the plan's, by code.
    pieces
        Connected parts of today's grids, by code.
    """

    units: pd.DataFrame
    before: dict[str, int]
    after: dict[str, int]
    pieces: dict[str, int]
    floor: int
    ceiling: int

    def side(self, households: int) -> str | None:
        """Tell which end of the band some households are beyond."""
        return "ceiling" if households > self.ceiling else "floor" if households < self.floor else None


def reasons(connection: Connection, viewer: Viewer, plan_id: int) -> list[dict[str, Any]]:
    """Say of every grid that changes why; grids of today that end come last."""
    plan = plans.get(connection, viewer, plan_id)
    ensure_drawn(connection, plan.area)
    assigned = read_assigned(connection, plan.id, plan.path)
    if assigned.units["today"].isna().all():
        return []
    sides = _sides(plan, assigned)
    workers = dict(map(tuple, connection.execute(_WORKERS, {"path": plan.path})))
    going_on = dict(zip(sides.units["grid"], sides.units["going_on"], strict=True))
    homes = dict(zip(assigned.grids["code"], assigned.grids["community"], strict=True))
    found = [_changed(plan, sides, code, going_on.get(code), homes[code]) for code in sorted(sides.after)]
    ended = sorted(set(sides.before) - set(going_on.values()))
    found += [_ended(sides, code) for code in ended]
    return [one | {"workers": workers.get(one.pop("old"), 0)} for one in found if one is not None]


def _sides(plan: Plan, assigned: Assigned) -> _Sides:
    """Lay the two side by side."""
    units = pd.DataFrame(assigned.units.drop(columns=["geom", "geometry"], errors="ignore"))
    todays = sorted(units["today"].dropna().unique())
    successor = (
        successor_codes(assigned)
        if plan.parameters.get("mode") == "redraw"
        else {code: code for code in assigned.grids["code"] if code in set(todays)}
    )
    units = units.assign(going_on=[successor.get(code) for code in units["grid"]])
    today = pd.Index(todays).get_indexer(pd.Index(units["today"], dtype=object)).astype(np.int64)
    pieces = measure(assigned.ground, today, len(todays)).pieces
    return _Sides(
        units,
        before={str(code): int(sum_) for code, sum_ in units.groupby("today")["households"].sum().items()},
        after={str(code): int(sum_) for code, sum_ in units.groupby("grid")["households"].sum().items()},
        pieces=dict(zip(todays, pieces.tolist(), strict=True)),
        floor=plan.floor,
        ceiling=plan.ceiling,
    )


def _changed(plan: Plan, sides: _Sides, code: str, old: str | None, community: str) -> dict[str, Any] | None:
    """Say why one of the plan's grids changes; None when it does not."""
    units = sides.units
    into = units[(units["grid"] == code) & ((units["today"] != old) if old else True)]
    out = units[(units["today"] == old) & (units["grid"] != code)] if old else units.iloc[:0]
    if into.empty and out.empty:
        return None
    partners = sorted({*into["today"].dropna(), *out["going_on"].dropna()} - {old})
    binding, clause = _binding(plan, sides, code, old, community, pd.concat([into, out]), partners)
    came, gone, now = int(into["households"].sum()), int(out["households"].sum()), sides.after[code]
    new = ("新设网格：", "a new grid: ") if old is None else ("", "")
    zh = f"{new[0]}{clause[0]}；划入 {came} 户，划出 {gone} 户，调整后 {now} 户。"
    en = f"{new[1]}{clause[1]}; {came} households come, {gone} go, {now} afterwards."
    return {
        "code": code, "old": old, "sentence": zh, "sentence_en": en[0].upper() + en[1:], "binding": binding,
        "households_in": came, "households_out": gone, "units": len(into) + len(out),
    }  # fmt: skip


def _ended(sides: _Sides, code: str) -> dict[str, Any]:
    """Say why one of today's grids ends."""
    units = sides.units[sides.units["today"] == code]
    gone, into = sides.before[code], sorted(set(units["grid"].dropna()))
    binding = sides.side(gone) or "shape"
    words = _words(sides, code, binding)
    zh = f"撤销网格：{words[0]}；{gone} 户并入 {_list(into)}。"
    en = f"this grid ends: {words[1]}; its {gone} households go to {_list(into)}."
    return {
        "code": code, "old": code, "sentence": zh, "sentence_en": en[0].upper() + en[1:], "binding": binding,
        "households_in": 0, "households_out": gone, "units": len(units),
    }  # fmt: skip


def _binding(
    plan: Plan, sides: _Sides, code: str, old: str | None, community: str, moved: pd.DataFrame, partners: list[str]
) -> tuple[str, tuple[str, str]]:  # fmt: skip
    """Find what binds a grid that changes: its own size today, pieces, compounds, then the size of who it exchanges with."""
    if sides.side(sides.after[code]):
        for one in plan.metrics.get("infeasible", []):
            if one["community"] == community and "text" in one:
                return _BY_CAUSE.get(one.get("cause", ""), "community"), (one["text"], one["text_en"])
    if old is not None and (own := sides.side(sides.before[old])):
        return own, _words(sides, old, own)
    if old is not None and sides.pieces[old] > 1:
        return "barrier", _words(sides, old, "barrier")
    joined = _joined_compounds(sides, moved)
    if joined:
        return "compound", _words(sides, code, "compound", compounds=_list(joined))
    for partner in partners:
        if side := sides.side(sides.before.get(partner, sides.floor)):
            return side, _words(sides, partner, side)
    if sides.side(sides.after[code]):
        total = int(sides.units.loc[sides.units["community"] == community, "households"].sum())
        return "community", _words(sides, code, "community", community=community, total=total)
    return "shape", _words(sides, code, "shape")


def _joined_compounds(sides: _Sides, moved: pd.DataFrame) -> list[str]:
    """Find compounds of moved units that lie in several grids today, and in one in the plan."""
    whole = sides.units[sides.units["compound"].isin(set(moved["compound"].dropna()))].groupby("compound")
    counts = whole[["today", "grid"]].nunique()
    return sorted(counts.index[(counts["today"] > 1) & (counts["grid"] == 1)])


def _words(sides: _Sides, of: str, binding: str, **more: Any) -> tuple[str, str]:
    """Write the clause of what binds."""
    values = {
        "of": f"网格 {of} ", "of_en": f"grid {of}", "before": sides.before.get(of, 0), "pieces": sides.pieces.get(of, 1),
        "floor": sides.floor, "ceiling": sides.ceiling, **more,
    }  # fmt: skip
    zh, en = CLAUSES[binding]
    return zh.format(**values), en.format(**values)


def _list(codes: list[str]) -> str:
    """Name the first of some codes."""
    return ", ".join(codes[:NAMED]) + (f" (+{len(codes) - NAMED})" if len(codes) > NAMED else "")
