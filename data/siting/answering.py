"""Answer a siting question: the sites, who is served before and after, and what could be done beside building."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from data.siting.question import Question
from geo.arrays import BoolArray, FloatArray
from geo.siting import SitingAnswer, SitingModel, solve_siting
from geo.siting.answer import nearest_open
from geo.siting.choose import Progress
from geo.siting.engine import REACH_M
from geo.siting.options import SitingOption, weigh_options
from geo.siting.town import SitingTown, place_town
from geo.walking import pairs_within


@dataclass(frozen=True)
class Answered:
    """A question and its answer.

    Attributes
    ----------
    is_served_before, is_served_after
        Shape (n_unit,), within the radius of an open site that stands, and of one of these or a chosen one.
    options
        What existing sites could do; `site` counts rows of the question's `existing`.
    """

    question: Question
    placed: SitingTown
    answer: SitingAnswer
    is_served_before: BoolArray
    is_served_after: BoolArray
    options: tuple[SitingOption, ...]


def answer_question(question: Question, *, progress: Progress | None = None) -> Answered:
    """Choose the sites.

    Raises
    ------
    InvalidInputError
        If p is more than the candidates, or p sites cannot reach all demand (p-center).
    """
    wish, existing = question.wish, question.existing
    model = SitingModel(wish.model)
    is_open = existing["is_open"].to_numpy(dtype=bool)
    placed = place_town(
        question.network, question.units, question.candidates, existing=existing[is_open], weight="weight",
        model=model, radius_m=wish.radius_m,
    )  # fmt: skip
    answer = solve_siting(
        placed.problem, model=model, p=wish.p, gap=wish.gap, time_limit_s=wish.time_limit_s, progress=progress
    )
    before_m = nearest_open(placed.problem, placed.problem.is_existing)[1]
    return Answered(
        question=question,
        placed=placed,
        answer=answer,
        is_served_before=_is_near(before_m, wish.radius_m),
        is_served_after=_is_near(answer.nearest_m, wish.radius_m),
        options=tuple(_options(question, is_open)),
    )


def _is_near(metres: FloatArray, radius_m: float) -> BoolArray:
    """Tell who is within the radius; nobody whose way is unknown."""
    near: BoolArray = np.nan_to_num(metres, nan=np.inf) <= radius_m + REACH_M
    return near


def _options(question: Question, is_open: BoolArray) -> list[SitingOption]:
    """Weigh opening longer and delivering from what stands."""
    wish, existing = question.wish, question.existing
    if existing.empty or (is_open.all() and wish.deliver_m is None):
        return []
    network = question.network
    pairs = pairs_within(
        network.graph, network.places(question.units, "units"), network.places(existing, "existing sites"),
        radius_m=max(wish.radius_m, wish.deliver_m or 0),
    )  # fmt: skip
    return weigh_options(
        csr_array(pairs.distance_m), question.units["weight"].to_numpy(dtype=np.float64), radius_m=wish.radius_m,
        is_open=is_open, deliver_m=wish.deliver_m,
    )  # fmt: skip
