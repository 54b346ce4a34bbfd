"""Stations, elder care and parking: where they stand, when they open, what they offer.

The tables say how many and of what tier. Telephone numbers begin with 0714-000, which no exchange has.
"""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from data.demo.xialu.scene import Places, Scene
from data.demo.xialu.terrain import Array

STATION_COUNT, LEADING_COUNT, PLANNED_STATIONS = 100, 8, 16
REGIONAL_COUNT, HOME_POINT_COUNT = 6, 58
PARKING_COUNT, ADDED_LOTS, ADDED_SPACES = 74, 20, 2_000
UNKNOWN_HOURS_RATIO = 0.04
BASIC = ["歇脚饮水", "手机充电", "便民咨询"]
STANDARD = [*BASIC, "代办代收", "应急药箱", "图书阅览", "邻里议事", "医保缴费", "老年人优待证办理"]
LEADING = [*STANDARD, "政务自助", "健康小屋", "儿童托管", "志愿者积分兑换", "社保查询", "高龄津贴申请"]
SERVICES = {"basic": BASIC, "standard": STANDARD, "leading": LEADING}
STATION_HOURS = {
    "basic": ("Mo-Su 08:00-18:00", "Mo-Su,PH 07:00-20:00", "24/7"),
    "standard": (
        "Mo-Fr 08:30-12:00,14:00-17:30; Sa 09:00-12:00; PH off",
        "Mo-Fr 08:30-17:30; Sa-Su 09:00-16:00",
    ),
    "leading": ("Mo-Su 08:00-21:00; PH 09:00-17:00", "Mo-Fr 08:00-20:30; Sa-Su,PH 08:30-18:00"),
}
CARE_SERVICES = {
    "district_center": ["机构养老", "康复护理", "医养结合", "失能照护", "培训指导"],
    "regional_station": ["短期托养", "日间照料", "康复训练", "上门服务", "助浴"],
    "home_point": ["日间照料", "探访关爱", "助餐", "健康监测"],
}
CARE_TITLES = {"district_center": "区康养中心", "regional_station": "区域性养老服务站", "home_point": "居家养老服务点"}
CARE_HOURS = {
    "district_center": "24/7",
    "regional_station": "Mo-Su,PH 08:00-20:00",
    "home_point": "Mo-Fr 08:30-17:30; PH off",
}
CARE_BEDS = {"district_center": (160, 240), "regional_station": (24, 60), "home_point": (0, 10)}


@dataclass
class Sites:
    """Chooses doors of buildings for facilities, far enough from one another, and writes facility rows."""

    rng: np.random.Generator
    scene: Scene
    places: Places
    rows: list[dict[str, Any]] = field(default_factory=list)

    def choose(self, weight: Array, quota: list[int], spacing_m: float) -> list[int]:
        """Choose buildings, `quota[c]` in community c, by weight; spacing yields where a community is too small."""
        key = np.where(weight > 0, self.rng.random(len(weight)) ** (1.0 / np.maximum(weight, 1e-9)), -1.0)
        centre = np.array([(p.centroid.x, p.centroid.y) for p in self.scene.town.footprint])
        chosen: list[int] = []
        for community, wanted in enumerate(quota):
            own = np.flatnonzero((self.places.building_community == community) & (weight > 0))
            order = own[np.argsort(-key[own], kind="stable")]
            taken: list[int] = []
            reach = spacing_m
            while len(taken) < min(wanted, len(order)):
                for i in order:
                    near = chosen + taken
                    if len(taken) < wanted and i not in near and _clear(centre, int(i), near, reach):
                        taken.append(int(i))
                reach /= 2
            chosen += taken
        return chosen

    def choose_one_each(self, weight: Array, count: int, spacing_m: float) -> list[int]:
        """Choose a building in each of the `count` communities with the most weight."""
        by_community = per_community(self.scene, self.places, weight)
        quota = [0] * len(by_community)
        for community in np.argsort(-by_community, kind="stable")[:count]:
            quota[community] = 1
        return self.choose(weight, quota, spacing_m)

    def draw(self, buildings: list[int], count: int) -> set[int]:
        """Draw some of the buildings, each as likely as the others."""
        return set(self.rng.permutation(buildings)[:count].tolist())

    def add(self, code: str, building: int, **fields: Any) -> None:
        """Write one facility at a building's door; `attributes` gains the mark of the sample."""
        place = self.places.door(building)
        attributes = {"sample": True, **fields.pop("attributes", {})}
        row = {
            "code": code,
            "name_en": None,
            "community": self.community_code(building),
            "tier": None,
            "status": "open",
            "opens_on": None,
            "address": self.places.address(place),
            "phone": None,
            "hours": None,
            "services": None,
            "capacity": None,
            "is_accessible": bool(self.rng.random() < 0.72),
        }
        self.rows.append({**row, **fields, "attributes": json.dumps(attributes, ensure_ascii=False), "geometry": place})

    def community_code(self, building: int) -> str:
        """Give the code of the community a building stands in."""
        return self.scene.communities[int(self.places.building_community[building])].code

    def frame(self) -> pd.DataFrame:
        """Give the rows as a table; unknown values are None."""
        frame = pd.DataFrame(self.rows)
        frame["capacity"] = frame["capacity"].astype("Int64")
        return frame


def _clear(centre: Array, building: int, near: list[int], reach_m: float) -> bool:
    """Tell whether a building is at least `reach_m` from all those near it."""
    return not near or float(np.hypot(*(centre[near] - centre[building]).T).min()) >= reach_m


def _allot(weight: Array, count: int, least: int) -> list[int]:
    """Share `count` out by weight, at least `least` each, by largest remainder."""
    exact = weight / weight.sum() * (count - least * len(weight))
    quota = np.floor(exact).astype(int)
    for i in np.argsort(-(exact - quota), kind="stable")[: int(count - least * len(weight) - quota.sum())]:
        quota[i] += 1
    return [int(q) + least for q in quota]


def per_community(scene: Scene, places: Places, weight: Array) -> Array:
    """Add a weight of buildings up by community."""
    total: Array = np.bincount(places.building_community, weights=weight, minlength=len(scene.communities))
    return total


def phone_number(kind: int, number: int) -> str:
    """Make a telephone number that cannot exist."""
    return f"0714-000-{kind}{number:03d}"


def build_stations(rng: np.random.Generator, scene: Scene, places: Places, today: date) -> pd.DataFrame:
    """Place 100 初心驿站: in each community a standard or leading one first, the rest basic, 16 of these planned."""
    sites = Sites(rng, scene, places)
    homes = np.array(scene.town.households, dtype=float)
    quota = _allot(per_community(scene, places, homes), STATION_COUNT, 1)
    chosen = sites.choose(homes, quota, 260.0)
    first = [i for n, i in enumerate(chosen) if n in set(np.cumsum([0, *quota[:-1]]).tolist())]
    leading = sites.draw(first, LEADING_COUNT)
    rest = [i for i in chosen if i not in set(first)]
    planned = sites.draw(rest, PLANNED_STATIONS)
    for number, building in enumerate(chosen, start=1):
        tier = "leading" if building in leading else "standard" if building in first else "basic"
        is_planned = building in planned
        community = scene.communities[int(places.building_community[building])]
        local = "" if building in first else _local_name(scene, places, building)
        hours = str(rng.choice(STATION_HOURS[tier]))
        sites.add(
            f"XLS{number:03d}",
            building,
            name=f"{community.name}{local}初心驿站",
            name_en=f"{community.name_en.removesuffix(' Community')} Service Station {number}",
            tier=tier,
            status="planned" if is_planned else "open",
            opens_on=today + timedelta(days=int(rng.integers(20, 400))) if is_planned else None,
            phone=phone_number(1, number),
            hours=None if rng.random() < UNKNOWN_HOURS_RATIO else hours,
            services=";".join(SERVICES[tier]),
            capacity={"basic": 12, "standard": 30, "leading": 80}[tier],
        )
    return sites.frame()


def _local_name(scene: Scene, places: Places, building: int) -> str:
    """Name the compound a building stands in, or else its street."""
    compound = scene.town.compound[building]
    if compound >= 0:
        return scene.town.compounds[compound].name
    return places.street(places.door(building))


def build_elder_care(rng: np.random.Generator, scene: Scene, places: Places, elders: Array) -> pd.DataFrame:
    """Place the three tiers: one centre, regional stations spread over the streets, many home points."""
    sites = Sites(rng, scene, places)
    quota = _allot(per_community(scene, places, elders), HOME_POINT_COUNT + REGIONAL_COUNT + 1, 1)
    chosen = sites.choose(elders, quota, 240.0)
    first = [chosen[at] for at in np.cumsum([0, *quota[:-1]])]
    centre = first[int(np.argmax(per_community(scene, places, elders)))]
    spread = [i for i in first[:: len(first) // REGIONAL_COUNT] if i != centre][:REGIONAL_COUNT]
    counts = dict.fromkeys(CARE_TITLES, 0)
    for building in [centre, *spread, *(i for i in chosen if i not in {centre, *spread})]:
        tier = "district_center" if building == centre else "regional_station" if building in spread else "home_point"
        counts[tier] += 1
        number = sum(counts.values())
        community = scene.communities[int(places.building_community[building])]
        local = _local_name(scene, places, building) if tier == "home_point" else ""
        title = CARE_TITLES[tier]
        sites.add(
            f"XLE{number:03d}",
            building,
            name=f"下陆{title}" if tier == "district_center" else f"{community.name}{local}{title}",
            tier=tier,
            phone=phone_number(3, number),
            hours=CARE_HOURS[tier],
            services=";".join(CARE_SERVICES[tier]),
            capacity=int(rng.integers(*CARE_BEDS[tier])),
        )
    return sites.frame()


def build_parking(rng: np.random.Generator, scene: Scene, places: Places, today: date) -> pd.DataFrame:
    """Place car parks by shops, offices and old housing; 20 with 2,000 spaces were added in the last two years."""
    sites = Sites(rng, scene, places)
    wish = {"commerce": 60.0, "office": 50.0, "hospital": 60.0, "old": 14.0, "work_unit": 12.0, "commodity": 6.0}
    weight = np.array([wish.get(kind, 0.5) for kind in scene.town.kind])
    quota = _allot(per_community(scene, places, weight), PARKING_COUNT, 1)
    chosen = sites.choose(weight, quota, 150.0)
    added = rng.permutation(len(chosen))[:ADDED_LOTS].tolist()
    spaces = rng.multinomial(ADDED_SPACES - 40 * ADDED_LOTS, np.full(ADDED_LOTS, 1 / ADDED_LOTS)) + 40
    for number, building in enumerate(chosen, start=1):
        attributes: dict[str, Any] = {"night_shared": bool(rng.random() < 0.4)}
        capacity = int(rng.integers(4, 40)) * 5
        if number - 1 in added:
            capacity = int(spaces[added.index(number - 1)])
            attributes["added_on"] = (today - timedelta(days=int(rng.integers(10, 730)))).isoformat()
        sites.add(
            f"XLP{number:03d}",
            building,
            name=f"{_local_name(scene, places, building)}停车场",
            hours="24/7",
            capacity=capacity,
            attributes=attributes,
        )
    return sites.frame()
