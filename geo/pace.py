"""How fast people walk: metres to minutes."""

from dataclasses import dataclass

from geo.arrays import FloatArray


@dataclass(frozen=True)
class Pace:
    """A walking pace for planning.

    Attributes
    ----------
    metres_a_minute
        > 0.
    source
        Where the figure is from, and how sure it is.
    """

    metres_a_minute: float
    source: str

    def minutes(self, distance_m: FloatArray) -> FloatArray:
        """Give the minutes of walks; an unknown walk (NaN) stays unknown."""
        return distance_m / self.metres_a_minute


ADULT = Pace(
    60.0,
    "planning pace of an adult: GB 50180-2018 and TD/T 1062-2021 set 5, 10 and 15 minutes beside 300, 500 and "
    "800-1000 m (300 m in 5 minutes is 60 m/min)",
)
ELDER = Pace(48.0, "0.8 m/s, the usual design speed for elders; from memory of the literature, so medium confidence")
