"""Where to build: LSCP, MCLP, p-median and p-center on walking distances, each with its proven bound.

- `siting_problem(distance_m, weight, radius_m=..., is_existing=..., capacity=...) -> SitingProblem`
- `solve_siting(problem, model=..., p=...) -> SitingAnswer`
"""

from geo.siting.answer import SitingAnswer
from geo.siting.engine import solve_siting
from geo.siting.problem import SitingModel, SitingProblem, siting_problem

__all__ = ["SitingAnswer", "SitingModel", "SitingProblem", "siting_problem", "solve_siting"]
