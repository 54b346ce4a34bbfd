"""Rebalance a town in both modes, with and without compounds kept whole, and print a Markdown table.

    python -m tests.benchmarks.bench_rebalance [TOWN] [--barriers LAYER] [--workers N] [--floor 400] [--ceiling 800]

TOWN is a name of `tests.benchmarks.town` (M when left out: 37 communities, 5,839 units), or a file whose first layer
has the columns households, community, compound and incumbent. Seconds are those of
`geo.rebalance.rebalance` alone, without reading and writing files.
"""

import argparse
import time

import geopandas as gpd

from data.frames import read_frame
from data.parallel import open_executor
from geo.rebalance import RebalancePlan, rebalance
from tests.benchmarks.town import TOWNS, build

SEED = 20250101

HEADER = "| mode | compounds | communities in band | grids in band | disconnected | PP | moved | s |"


def row(mode: str, compounds: str, plan: RebalancePlan, seconds: float) -> str:
    """One line of the table."""
    whole = sum(result.grids == result.grids_in_band for result in plan.communities)
    shape = "-" if plan.mean_compactness is None else f"{plan.mean_compactness:.3f}"
    moved = "-" if plan.moved_households is None else f"{plan.moved_households / plan.households:.1%}"
    return (
        f"| {mode} | {compounds} | {whole} of {len(plan.communities)} | {plan.grids_in_band} of {len(plan.grids)} "
        f"| {plan.disconnected_grids} | {shape} | {moved} | {seconds:.2f} |"
    )


def read_town(town: str, layer: str | None) -> tuple[gpd.GeoDataFrame, gpd.GeoSeries | None]:
    """The units and barriers of an invented town, or of a file."""
    if town in TOWNS:
        units, lines = build(town, SEED)
        return units, lines.geometry if len(lines) else None
    return read_frame(town), read_frame(town, layer).geometry if layer else None


def main() -> None:
    """Run the four cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("town", nargs="?", default="M")
    parser.add_argument("--barriers")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--floor", type=float, default=400)
    parser.add_argument("--ceiling", type=float, default=800)
    arguments = parser.parse_args()
    units, barriers = read_town(arguments.town, arguments.barriers)
    print(f"{arguments.town}: {len(units):,} units, {arguments.workers} workers\n\n{HEADER}")
    print("| --- " * (HEADER.count("|") - 1) + "|")
    with open_executor(arguments.workers) as executor:
        for mode in ("redraw", "adjust"):
            for compounds in ("free", "whole"):
                started = time.perf_counter()
                plan = rebalance(
                    units,
                    households="households",
                    within="community",
                    compound="compound" if compounds == "whole" else None,
                    current="incumbent",
                    barriers=barriers,
                    floor=arguments.floor,
                    ceiling=arguments.ceiling,
                    mode=mode,
                    executor=executor,
                )
                print(row(mode, compounds, plan, time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
