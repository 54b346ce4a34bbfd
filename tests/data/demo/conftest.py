"""The sample city, built once for all tests of it."""

from datetime import date, datetime

import geopandas as gpd
import pytest

from data.demo.xialu.city import City, build_city
from data.demo.xialu.incidents import DEMO_SEED

TODAY = date(2026, 3, 2)
NOW = datetime.fromisoformat("2026-03-02T10:30:00+08:00")


@pytest.fixture(scope="session")
def whole_city() -> City:
    """The city of the demo seed on a fixed day, as it is shipped."""
    return build_city(DEMO_SEED, TODAY, NOW)


@pytest.fixture(scope="session")
def city(whole_city: City) -> dict[str, gpd.GeoDataFrame]:
    """Its layers."""
    return whole_city.layers


@pytest.fixture(scope="session")
def metres(city: dict[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """The same layers in EPSG:4547."""
    return {name: frame.to_crs(4547) for name, frame in city.items()}
