"""Counts of residents for each building from its households and kind of housing. Counts only, no person."""

import numpy as np
from numpy.typing import NDArray

from data.demo.xialu.compounds import Town
from data.demo.xialu.terrain import Array

PER_HOUSEHOLD = {"commodity": 2.75, "old": 2.3, "work_unit": 2.2, "resettlement": 2.9, "village": 3.1, "single": 2.2}
SHARE_60 = {"commodity": 0.14, "old": 0.29, "work_unit": 0.34, "resettlement": 0.2, "village": 0.31, "single": 0.3}
SHARE_80_OF_60 = {
    "commodity": 0.1,
    "old": 0.15,
    "work_unit": 0.18,
    "resettlement": 0.12,
    "village": 0.16,
    "single": 0.17,
}


def count_residents(rng: np.random.Generator, town: Town) -> tuple[Array, Array, Array]:
    """Draw residents, residents of 60 and over, and of 80 and over, for every building; 80+ <= 60+ <= all."""
    households = np.array(town.households)
    spread = rng.normal(1.0, 0.06, len(households)).clip(0.8, 1.2)

    def of_kind(table: dict[str, float]) -> NDArray[np.float64]:
        return np.array([table.get(kind, 0.0) for kind in town.kind], dtype=np.float64)

    residents = np.rint(households * of_kind(PER_HOUSEHOLD) * spread).astype(int)
    elders = rng.binomial(residents, np.clip(of_kind(SHARE_60) * rng.normal(1.0, 0.15, len(spread)), 0.0, 0.6))
    old_elders = rng.binomial(elders, of_kind(SHARE_80_OF_60))
    return residents, elders, old_elders
