"""Floating catchments: a drawn street worked out by hand, and PySAL's `access` on random towns."""

import numpy as np
import pandas as pd
import pytest
from access import weights
from access.fca import two_stage_fca
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.sparse import csr_array

from geo.catchment import LUO_QI, floating_catchments
from geo.errors import InvalidInputError


def pairs(rows, shape):
    """Distances of (demand, site, metres); a walk of 0 m is stored."""
    at = np.array([(i, j) for i, j, _ in rows]).reshape(-1, 2)
    return csr_array((np.array([d for *_, d in rows], dtype=float), (at[:, 0], at[:, 1])), shape=shape)


STREET = pairs([(0, 0, 100), (1, 0, 300), (1, 1, 400), (2, 1, 0)], (4, 3))


def test_a_street_by_hand():
    """Canteen 0 (30 seats) has 20 + 40 elders around it, 1/2 a head; canteen 1 (20) 40 + 10, 2/5; 2 nobody."""
    found = floating_catchments(STREET, np.array([20.0, 40, 10, 5]), np.array([30.0, 20, 9]), zones=[(500, 1)])
    assert found.supply_a_head.tolist() == [0.5, 0.4, np.inf]
    assert found.access == pytest.approx([0.5, 0.9, 0.4, 0.0])
    # one seat for two elders is needed: of the 10 at canteen 1 a fifth goes without, the last 5 have none
    assert found.shortfall(np.array([20.0, 40, 10, 5]), 0.5) == pytest.approx([0, 0, 2, 5])


def test_nearer_zones_weigh_more():
    """Weights 1 up to 100 m and 1/2 up to 300: canteen 0 has 20 + 20 heads, 3/4 a head; 400 m is out of reach."""
    found = floating_catchments(
        STREET, np.array([20.0, 40, 10, 5]), np.array([30.0, 20, 9]), zones=[(100, 1), (300, 0.5)]
    )
    assert found.access == pytest.approx([0.75, 0.375, 2.0, 0.0])


sizes = st.integers(1, 9)


@st.composite
def towns(draw):
    """Places, sites and whole metres between some of them."""
    places, sites = draw(sizes), draw(sizes)
    metres = draw(arrays.arrays(np.int64, (places, sites), elements=st.integers(0, 1400)))
    is_known = draw(arrays.arrays(np.bool_, (places, sites)))
    demand = draw(arrays.arrays(np.float64, places, elements=st.integers(1, 500)))
    supply = draw(arrays.arrays(np.float64, sites, elements=st.integers(0, 90)))
    return metres, is_known, demand, supply


@pytest.mark.parametrize("zones", [((1000.0, 1.0),), tuple((share * 900, weight) for share, weight in LUO_QI)])
@given(town=towns())
def test_equal_to_access(zones, town):
    metres, is_known, demand, supply = town
    rows, sites = np.nonzero(is_known)
    distance = csr_array((metres[is_known].astype(float), (rows, sites)), shape=metres.shape)
    found = floating_catchments(distance, demand, supply, zones=zones)
    cost = pd.DataFrame({"origin": rows, "dest": sites, "cost": metres[is_known].astype(float)})
    asked = two_stage_fca(
        demand_df=pd.DataFrame({"demand": demand}), supply_df=pd.DataFrame({"supply": supply}), cost_df=cost,
        max_cost=zones[-1][0], demand_index=True, demand_name="demand", supply_index=True, supply_name="supply",
        weight_fn=weights.step_fn(dict(zones)),
    )  # fmt: skip
    expected = asked.reindex(range(len(demand))).fillna(0).to_numpy(dtype=float)
    np.testing.assert_allclose(found.access, expected, rtol=1e-9, atol=1e-9)
    # all that is shared out is used: supply of the sites somebody can walk to with some weight
    assert (found.access * demand).sum() == pytest.approx(supply[np.isfinite(found.supply_a_head)].sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zones": []}, "at least one zone"), ({"zones": [(300, 1), (300, 0.5)]}, "rise"),
        ({"zones": [(300, -1)]}, "weights of at least 0"), ({"zones": [(0, 1)]}, "above 0 m"),
        ({"demand": np.array([1.0, np.nan, 1, 1])}, "row 2, demand: nan"),
        ({"supply": np.array([1.0, 2, -3])}, "row 3, supply: -3.0"), ({"supply": np.ones(2)}, "2 sites"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(change, message):
    given = {"demand": np.ones(4), "supply": np.ones(3), "zones": [(500, 1)], **change}
    with pytest.raises(InvalidInputError, match=message):
        floating_catchments(STREET, given["demand"], given["supply"], zones=given["zones"])
