"""Why grids are outside the band, and what would help, in one sentence each: Chinese first, English second."""

from dataclasses import dataclass

from geo.rebalance.problem import Band, Cause, Shortfall

WORDS: dict[Cause, tuple[str, str, str, str]] = {
    "unit_over_ceiling": (
        "{place}有 {households:g} 户，超过上限 {ceiling:g} 户，独立成一个网格",
        "可把该单元按楼门拆成几个单元，或提高上限",
        "{place_en} has {households:g} households, above the ceiling of {ceiling:g}: a grid of its own",
        "split the unit by entrance, or raise the ceiling",
    ),
    "total_below_floor": (
        "共 {households:g} 户，不足一个网格的下限 {floor:g} 户",
        "可与相邻社区合并，或降低下限",
        "{households:g} households in all are fewer than the floor of {floor:g}",
        "merge it with a neighbouring community, or lower the floor",
    ),
    "pocket_below_floor": (
        "{place}所在的一片（{units} 个单元、{households:g} 户）与其余单元隔开，不足下限 {floor:g} 户",
        "可打通障碍（桥、门），或把这一片划给相邻社区",
        "the pocket around {place_en} ({units} units, {households:g} households) is cut off from the rest and has "
        "fewer than the floor of {floor:g}",
        "open the barrier (a bridge, a gate), or give the pocket to a neighbouring community",
    ),
    "no_whole_number": (
        "{households:g} 户分不成整数个 {floor:g}-{ceiling:g} 户的网格",
        "可放宽户数区间",
        "{households:g} households fill no whole number of grids of {floor:g} to {ceiling:g}",
        "widen the band",
    ),
    "boxed_in": (
        "{place}所在的整体（{units} 个单元、{households:g} 户）不足下限 {floor:g} 户，"
        "与任一相邻整体合并又超过上限 {ceiling:g} 户",
        "可允许拆分这个小区或相邻小区，或放宽区间",
        "the compound or unit around {place_en} ({units} units, {households:g} households) is below the floor of "
        "{floor:g}, and above the ceiling of {ceiling:g} together with any neighbour",
        "allow it or a neighbouring compound to be split, or widen the band",
    ),
    "no_connected_plan": (
        "{units} 个单元、{households:g} 户没有任何连通且全部达标的划法（已穷尽证明）",
        "可允许拆分小区、解除锁定，或放宽户数区间",
        "no way to cut {units} units with {households:g} households into connected grids in the band exists (proven by "
        "exact search)",
        "allow compounds to be split, lift locks, or widen the band",
    ),
    "not_found": (
        "{units} 个单元、{households:g} 户没有找到全部达标的划法（未证明无解）",
        "可允许拆分小区、放宽区间，或换一个种子再试",
        "no plan with every grid in the band was found for {units} units with {households:g} households "
        "(not proven impossible)",
        "allow compounds to be split, widen the band, or try another seed",
    ),
}


@dataclass(frozen=True)
class Reason:
    """One shortfall in words."""

    text: str
    remedy: str
    text_en: str
    remedy_en: str


def explain(shortfall: Shortfall, band: Band, *, code: str | None = None) -> Reason:
    """Put a shortfall into words.

    Parameters
    ----------
    code
        Name of the unit that the shortfall points at; its row, counted from 1, without one.
    """
    values = {
        "place": f"第 {shortfall.unit + 1} 行单元" if code is None else f"单元 {code}",
        "place_en": f"the unit in row {shortfall.unit + 1}" if code is None else f"unit {code}",
        "units": shortfall.units,
        "households": shortfall.households,
        "floor": band.floor,
        "ceiling": band.ceiling,
    }
    return Reason(*(words.format(**values) for words in WORDS[shortfall.cause]))
