"""多网合一: several grid layers over the same units, where they conflict, and the one plan that changes least."""

from geo.merge.conflicts import Conflicts, Overlap, find_conflicts
from geo.merge.engine import LayerOutcome, MergePlan, merge
from geo.merge.layers import GridLayer, layer_of_polygons

__all__ = [
    "Conflicts",
    "GridLayer",
    "LayerOutcome",
    "MergePlan",
    "Overlap",
    "find_conflicts",
    "layer_of_polygons",
    "merge",
]
