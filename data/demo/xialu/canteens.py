"""Canteens: when they cook which meal, what it costs and for whom less, how many they cook, where they deliver."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd

from data.demo.xialu.facilities import Sites, phone_number
from data.demo.xialu.scene import Places, Scene
from data.demo.xialu.terrain import Array

COUNT, PLANNED_COUNT = 32, 4
DELIVERY_M = 600.0
# hours, and the meals that make them
MEALS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Mo-Su,PH 11:00-13:00", {"lunch": "Mo-Su,PH 11:00-13:00"}),
    ("Mo-Su 11:00-12:30,17:00-18:30", {"lunch": "Mo-Su 11:00-12:30", "dinner": "Mo-Su 17:00-18:30"}),
    (
        "Mo-Fr 07:00-09:00,11:00-13:00; Sa-Su,PH 11:00-13:00",
        {"breakfast": "Mo-Fr 07:00-09:00; PH off", "lunch": "Mo-Su,PH 11:00-13:00"},
    ),
    (
        "Mo-Fr 07:00-08:30,11:00-12:30,17:00-18:30; Sa-Su 11:00-12:30",
        {"breakfast": "Mo-Fr 07:00-08:30", "lunch": "Mo-Su 11:00-12:30", "dinner": "Mo-Fr 17:00-18:30"},
    ),
    ("Mo-Fr 11:00-13:00; PH off", {"lunch": "Mo-Fr 11:00-13:00; PH off"}),
)
REDUCTIONS = ("60 岁及以上 8 折", "60 岁及以上减 2 元，80 岁及以上减 4 元", "80 岁及以上减 3 元；低保对象减 5 元")


def build_canteens(rng: np.random.Generator, scene: Scene, places: Places, elders: Array, today: date) -> pd.DataFrame:
    """Place 幸福食堂 where elders live, not one in every community; 4 are planned."""
    sites = Sites(rng, scene, places)
    chosen = sites.choose_one_each(elders, COUNT, 300.0)
    planned = sites.draw(chosen, PLANNED_COUNT)
    for number, building in enumerate(chosen, start=1):
        community = scene.communities[int(places.building_community[building])]
        seats = int(rng.integers(6, 24)) * 6
        is_planned = building in planned
        opens_on = today + timedelta(days=int(rng.integers(30, 240))) if is_planned else None
        hours, meals = MEALS[int(rng.integers(len(MEALS)))]
        delivers = bool(rng.random() < 0.55)
        sites.add(
            f"XLC{number:03d}",
            building,
            name=f"{community.name}幸福食堂",
            name_en=f"{community.name_en.removesuffix(' Community')} Canteen",
            status="planned" if is_planned else "open",
            opens_on=opens_on,
            phone=phone_number(2, number),
            hours=hours,
            services="堂食;外带" + (";送餐上门" if delivers else ""),
            capacity=seats,
            price=int(rng.choice([8, 10, 12, 15])),
            price_note=REDUCTIONS[number % len(REDUCTIONS)],
            meals_per_day=int(seats * rng.uniform(1.1, 2.4)),
            meals=json.dumps(meals),
            delivers_to=";".join(_communities_near(scene, places, building)) if delivers else None,
        )
    return sites.frame()


def _communities_near(scene: Scene, places: Places, building: int) -> list[str]:
    """Give the codes of the communities that have a building within delivery."""
    centre = np.array([(p.centroid.x, p.centroid.y) for p in scene.town.footprint])
    is_near = np.hypot(*(centre - centre[building]).T) <= DELIVERY_M
    return [scene.communities[int(i)].code for i in np.unique(places.building_community[is_near])]
