"""Shops that take volunteers' points: what each gives for how many, and since when it takes part."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from data.demo.xialu.facilities import Sites, phone_number
from data.demo.xialu.scene import Places, Scene

COUNT, PLANNED_COUNT = 34, 4
JOINED_WITHIN_DAYS = 500
# sort of shop in Chinese and English, hours, what it gives: items of data/reference/service_item.csv
SHOPS = (
    ("爱心超市", "Charity Shop", "Mo-Su,PH 09:00-18:00", "洗衣液（30 积分）;大米 2 公斤（50 积分）;毛巾（10 积分）"),
    ("便民超市", "Corner Shop", "Mo-Su,PH 07:30-21:30", "食用油（60 积分）;大米 2 公斤（50 积分）;洗衣液（30 积分）"),
    ("便民理发店", "Hairdresser", "Tu-Su 09:00-19:00", "理发一次（40 积分）"),
    ("便民早餐店", "Breakfast Shop", "Mo-Su 06:00-10:30", "早餐一份（15 积分）"),
)  # fmt: skip


def build_exchanges(rng: np.random.Generator, scene: Scene, places: Places, today: date) -> pd.DataFrame:
    """Place 积分兑换点 in the communities with the most households, one each; 4 join later."""
    sites = Sites(rng, scene, places)
    chosen = sites.choose_one_each(np.array(scene.town.households, dtype=float), COUNT, 300.0)
    planned = sites.draw(chosen, PLANNED_COUNT)
    for number, building in enumerate(chosen, start=1):
        community = scene.communities[int(places.building_community[building])]
        title, title_en, hours, gives = SHOPS[number % len(SHOPS)]
        since = today - timedelta(days=int(rng.integers(0, JOINED_WITHIN_DAYS)))
        sites.add(
            f"XLX{number:03d}",
            building,
            name=f"{community.name}{title}",
            name_en=f"{community.name_en.removesuffix(' Community')} {title_en}",
            status="planned" if building in planned else "open",
            opens_on=today + timedelta(days=int(rng.integers(10, 60))) if building in planned else since,
            phone=phone_number(5, number),
            hours=hours,
            services=gives,
        )
    return sites.frame()
