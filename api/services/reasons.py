"""Why each grid changes against today, in a sentence of Chinese and one of English: what binds it, and who moves."""

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
    "ceiling": (
        "{of}现有 {before} 户，超过上限 {ceiling} 户",
        "{of_en} has {before} households, above the ceiling of {ceiling}",
    ),
    "floor": (
        "{of}现有 {before} 户，不足下限 {floor} 户",
        "{of_en} has {before} households, below the floor of {floor}",
    ),
    "barrier": (
        "{of}被铁路、河流等障碍隔成 {pieces} 片，须各自连通",
        "{of_en} is cut into {pieces} pieces by a railway, a river or another barrier; a grid has to be connected",
    ),
    "compound": (
        "小区 {compounds} 原分在几个网格，现归在一起",
        "compound {compounds} lay in several grids and is put together",
    ),
    "community": (
        "网格不出社区，{community} 的 {total} 户没有分成全部达标的网格",
        "a grid stays inside its community, and the {total} households of {community} are not divided into grids that "
        "are all in the band",
    ),
    "shape": (
        "本网格与往来的网格现状均在区间内，为整体方案传递住户，或使边界更平直",
        "this grid and those it exchanges units with are in the band today; it passes households on, or its border "
        "becomes plainer",
    ),
}
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


@dataclass(frozen=True)
class _Change:
    """A grid of the plan that changes: its code, today's code it goes on as, and the units that come and go."""

    code: str
    old: str | None
    community: str
    into: pd.DataFrame
    out: pd.DataFrame


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
    units["going_on"] = pd.Series([successor.get(str(code)) for code in units["grid"]], dtype=object)
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
    binding, clause = _binding(plan, sides, _Change(code, old, community, into, out))
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


def _binding(plan: Plan, sides: _Sides, change: _Change) -> tuple[str, tuple[str, str]]:
    """Find what binds a grid that changes: that it can't be in the band, else what asks for the change most."""
    is_outside = sides.side(sides.after[change.code]) is not None
    own = set(sides.units.loc[sides.units["grid"] == change.code, "code"])
    impossible = [one for one in plan.metrics.get("infeasible", []) if one.get("unit") in own]
    if is_outside and impossible:
        return _BY_CAUSE.get(impossible[0].get("cause", ""), "community"), (
            impossible[0]["text"],
            impossible[0]["text_en"],
        )
    needs = _needs(sides, change)
    if needs:
        binding, of, more = needs[0]
    elif is_outside:
        total = int(sides.units.loc[sides.units["community"] == change.community, "households"].sum())
        binding, of, more = "community", change.code, {"community": change.community, "total": total}
    else:
        binding, of, more = "shape", change.code, {}
    return binding, _words(sides, of, binding, **more)


def _needs(sides: _Sides, change: _Change) -> list[tuple[str, str, dict[str, Any]]]:
    """What asks for the change, the strongest first: the grid's size today, its pieces, compounds, partners' sizes."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    if change.old is not None:
        if side := sides.side(sides.before[change.old]):
            found.append((side, change.old, {}))
        if sides.pieces[change.old] > 1:
            found.append(("barrier", change.old, {}))
    if joined := _joined_compounds(sides, pd.concat([change.into, change.out])):
        found.append(("compound", change.code, {"compounds": _list(joined)}))
    partners = sorted({*change.into["today"].dropna(), *change.out["going_on"].dropna()} - {change.old})
    sizes = ((partner, sides.side(sides.before.get(partner, sides.floor))) for partner in partners)
    found += [(side, partner, {}) for partner, side in sizes if side]
    return found + [("barrier", partner, {}) for partner in partners if sides.pieces.get(partner, 1) > 1]


def _joined_compounds(sides: _Sides, moved: pd.DataFrame) -> list[str]:
    """Find compounds of moved units that lie in several grids today, and in one in the plan."""
    whole = sides.units[sides.units["compound"].isin(set(moved["compound"].dropna()))].groupby("compound")
    counts = whole[["today", "grid"]].nunique()
    return sorted(counts.index[(counts["today"] > 1) & (counts["grid"] == 1)])


def _words(sides: _Sides, of: str, binding: str, **more: Any) -> tuple[str, str]:
    """Write the clause of what binds."""
    values = {
        "of": f"网格 {of} ",
        "of_en": f"grid {of}",
        "before": sides.before.get(of, 0),
        "pieces": sides.pieces.get(of, 1),
        "floor": sides.floor,
        "ceiling": sides.ceiling,
        **more,
    }
    zh, en = CLAUSES[binding]
    return zh.format(**values), en.format(**values)


def _list(codes: list[str]) -> str:
    """Name the first of some codes."""
    return ", ".join(codes[:NAMED]) + (f" (+{len(codes) - NAMED})" if len(codes) > NAMED else "")
