"""Rebalance a town file in both modes, with and without compounds kept whole, and print a Markdown table.

    python tests/benchmarks/bench_rebalance.py TOWN.gpkg [--barriers LAYER] [--workers N] [--floor 400] [--ceiling 800]

The town's first layer has the columns households, community, compound and incumbent. Seconds are those of
`geo.rebalance.rebalance` alone, without reading and writing files.
"""

import argparse
import time

import pyogrio

from data.frames import read_frame
from data.parallel import open_executor
from geo.rebalance import RebalancePlan, rebalance

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


def main() -> None:
    """Run the four cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("town")
    parser.add_argument("--barriers")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--floor", type=float, default=400)
    parser.add_argument("--ceiling", type=float, default=800)
    arguments = parser.parse_args()
    units = read_frame(arguments.town)
    barriers = read_frame(arguments.town, arguments.barriers).geometry if arguments.barriers else None
    layers = ", ".join(name for name, _ in pyogrio.list_layers(arguments.town))
    print(f"{arguments.town} ({layers}): {len(units):,} units, {arguments.workers} workers\n\n{HEADER}")
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
