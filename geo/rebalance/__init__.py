"""Grid rebalancing: which unit belongs to which grid, so that grids hold a band of households.

`prepare` makes one frozen `CommunityProblem` a community, an engine (`solve_community`) turns each into a
`CommunitySolution`, `assemble` makes the `RebalancePlan`; `rebalance` does all three.
"""

from geo.rebalance.engine import rebalance, rebalance_front
from geo.rebalance.outlines import grid_frame
from geo.rebalance.plan import Bridge, CommunityResult, Grid, RebalancePlan
from geo.rebalance.problem import Band, CommunityProblem, CommunitySolution, Shortfall
from geo.rebalance.reasons import Reason, explain
from geo.rebalance.solve import solve_community

__all__ = [
    "Band",
    "Bridge",
    "CommunityProblem",
    "CommunityResult",
    "CommunitySolution",
    "Grid",
    "Reason",
    "RebalancePlan",
    "Shortfall",
    "explain",
    "grid_frame",
    "rebalance",
    "rebalance_front",
    "solve_community",
]
