"""Red, yellow, blue (三色): a place rated by how many of its open incidents are overdue, for a while.

Only areas and grids are rated, never people. A rating says by which criteria it was made and when it expires; what
shows it after that shows no colour.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from api.settings import Settings

Colour = Literal["red", "yellow", "blue"]


@dataclass(frozen=True)
class Criteria:
    """From which number of overdue incidents on, and from which share of the open ones, a place is red or yellow.

    Attributes
    ----------
    red_percent, yellow_percent
        Overdue of open, 0 to 100; both the number and the share must be reached.
    valid_s
        How long a rating holds, seconds.
    """

    red_count: int
    red_percent: int
    yellow_count: int
    yellow_percent: int
    valid_s: int

    @classmethod
    def of(cls, settings: Settings) -> "Criteria":
        """Take those that are set."""
        return cls(
            settings.rating_red_count, settings.rating_red_percent, settings.rating_yellow_count,
            settings.rating_yellow_percent, settings.rating_valid_s,
        )  # fmt: skip

    def rate(self, open_count: int, overdue_count: int) -> Colour:
        """Rate a place by its open and overdue incidents."""
        if overdue_count >= self.red_count and overdue_count * 100 >= self.red_percent * open_count:
            return "red"
        if overdue_count >= self.yellow_count and overdue_count * 100 >= self.yellow_percent * open_count:
            return "yellow"
        return "blue"

    def words(self) -> list[dict[str, str]]:
        """Say the criteria in both languages, the worst first."""
        share = "% or more of the open ones"
        return [
            {
                "colour": "red",
                "words": f"超时未结不少于 {self.red_count} 件，且占在办的 {self.red_percent}% 及以上",
                "words_en": f"at least {self.red_count} overdue, and {self.red_percent}{share}",
            },
            {
                "colour": "yellow",
                "words": f"不到红色，超时未结不少于 {self.yellow_count} 件，且占在办的 {self.yellow_percent}% 及以上",
                "words_en": f"below red, at least {self.yellow_count} overdue, and {self.yellow_percent}{share}",
            },
            {"colour": "blue", "words": "其余", "words_en": "all others"},
        ]


def rated(figures: dict[str, Any], criteria: Criteria, now: datetime) -> dict[str, Any]:
    """Add ratings to an area's figures: its own, and those of the areas inside."""
    own = criteria.rate(figures["incidents_open"], figures["incidents_overdue"])
    children = [{**child, "colour": criteria.rate(child["open"], child["overdue"])} for child in figures["by_child"]]
    expires_at = now + timedelta(seconds=criteria.valid_s)
    rating = {"colour": own, "rated_at": now, "expires_at": expires_at, "criteria": criteria.words()}
    return {**figures, "by_child": children, "rating": rating}
