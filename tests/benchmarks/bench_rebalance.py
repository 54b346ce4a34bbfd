"""Rebalancing: ours and the peers side by side, every plan measured by one checker that believes none of them.

    python -m tests.benchmarks.bench_rebalance [TOWN …] [--data DIR] [--limit-s 300] [--total-s 3600]
        [--peers 'NAME;…'] [--maps DIR] [--floor 400] [--ceiling 800]

TOWN is S60, S100, S150, M, L or XL, or one of the real inputs of `tests.benchmarks.real_inputs`, made from the files in
DIR; when left out, all towns and the real inputs that DIR holds or an earlier run has made. A case that is not done
after --limit-s is ended and says so; ours is told the limit, so that it ends with the best plan so far. When --total-s
are over, what is left says so. --maps draws our plans, but for those of the front. Seconds are those of cutting: ours
include finding the neighbours, the peers are handed a finished graph, nobody's include reading and writing. CPU seconds
are those of the whole process, starting, reading and writing too. Needs `pip install .[bench]`.

Inputs are kept in var/benchmarks, so that the next run need not draw them again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio

from tests.benchmarks import real_inputs, town
from tests.benchmarks.plan_check import Facts, Measures, closed_compactness, enclosed, measure, read_facts
from tests.benchmarks.rebalance_peers import PEERS, SMALL_ONLY, distribution

SEED = 20250101
INPUTS = Path(__file__).parent.parent.parent / "var" / "benchmarks"
SLOW_FROM_UNITS = 20_000
"""From here on only the peers that are quick enough to be of use are asked."""
QUICK = ("METIS", "METIS, best of 100", "GerryChain tree")
LARGE = ("L", "XL")
"""Come last, so that the others are done when the time for all is over."""
FRONT = 6
OF_PROCESS = ("peak_mb", "cpu_s")
READING_S = 120.0
"""What ours may take beyond the limit it was told, to read and write files."""

COLUMNS = (
    "who", "compounds", "s", "CPU s in all", "MB", "communities in band", "grids in band", "disconnected", "PP",
    "PP, streets closed", "moved", "bound", "gap", "split compounds", "crossings", "enclaves, holes", "off target",
    "longest step m",
)  # fmt: skip


@dataclass(frozen=True)
class Input:
    """A town or a real input, as files, and what the checker has found out about it."""

    name: str
    path: Path
    facts: Facts
    facts_path: Path
    floor: float
    ceiling: float

    @property
    def has_compounds(self) -> bool:
        return bool((self.facts.compound >= 0).any())

    @property
    def has_barriers(self) -> bool:
        return "barrier" in [name for name, _ in pyogrio.list_layers(self.path)]


@dataclass(frozen=True)
class Limits:
    """Seconds that a case may take, and when (of `time.monotonic`) all of them end."""

    case_s: float
    end_s: float

    @property
    def left_s(self) -> float:
        """Seconds for the next case; 0 where none are left."""
        return max(min(self.case_s, self.end_s - time.monotonic()), 0.0)


@dataclass(frozen=True)
class Answer:
    """One plan of somebody, or why there is none."""

    who: str
    compounds: str
    grid: npt.NDArray[np.int64] | None
    bridges: npt.NDArray[np.int64]
    report: dict[str, Any]


def read_input(name: str, folder: Path | None, floor: float, ceiling: float) -> Input:
    """Draw an input unless it is there, and find its facts."""
    INPUTS.mkdir(parents=True, exist_ok=True)
    path, facts_path = INPUTS / f"{name}.gpkg", INPUTS / f"{name}.npz"
    if not facts_path.exists():
        units, barriers = town.build(name, SEED) if name in town.TOWNS else real_inputs.build(name, folder or Path())
        path.unlink(missing_ok=True)
        pyogrio.write_dataframe(units, path, layer="unit", driver="GPKG")
        if barriers is not None and len(barriers):
            pyogrio.write_dataframe(barriers, path, layer="barrier", driver="GPKG", append=True)
        read_facts(units, barriers).save(facts_path)
    return Input(name, path, Facts.load(facts_path), facts_path, floor, ceiling)


def run_case(kind: str, answer: Path, arguments: list[str], limit_s: float) -> dict[str, Any]:
    """Run one case in a process of its own; `failed` says why there is no answer."""
    if limit_s <= 0:
        return {"failed": "not tried: the time for all is over"}
    command = [sys.executable, "-m", "tests.benchmarks.rebalance_case", kind, str(answer), *arguments]
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {limit_s:.0f} s"}
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return {"failed": said[-1][:120] if said else f"exit code {done.returncode}"}
    return dict(json.loads(answer.read_text("utf-8")))


def ours(given: Input, limits: Limits, folder: Path) -> Iterator[Answer]:
    """Our plans: both modes, compounds free and whole, and the front between the modes."""
    base = [str(given.path), "--layer", "unit", "--id", "unit_id", "--households", "households"]
    base += ["--within", "community", "--current", "incumbent"]
    base += ["--floor", str(given.floor), "--ceiling", str(given.ceiling)]
    base += ["--barriers", f"{given.path}:barrier"] if given.has_barriers else []
    for compounds in ("free", "whole") if given.has_compounds else ("free",):
        keep = ["--compound", "compound"] if compounds == "whole" else []
        for who, mode in (
            ("ours, redraw", ["--mode", "redraw"]),
            ("ours, adjust", ["--mode", "adjust"]),
            ("ours, front", ["--front", str(FRONT)]),
        ):
            if who == "ours, front" and (compounds == "whole" or len(given.facts.households) > SLOW_FROM_UNITS):
                continue
            out = folder / "plan.gpkg"
            left_s = limits.left_s
            told = ["--time-limit", str(max(left_s, 1.0))]
            arguments = [*base, *keep, *mode, *told, "-o", str(out)]
            found = run_case("ours", folder / "answer.json", arguments, left_s and left_s + READING_S)
            plans = found.get("front", [found | {"output": str(out)}])
            for number, report in enumerate(plans):
                shape = f" {number + 1} of {len(plans)}" if "front" in found else ""
                report |= {key: found[key] for key in OF_PROCESS if key in found}
                yield read_answer(given, who + shape, compounds, report)


def read_answer(given: Input, who: str, compounds: str, report: dict[str, Any]) -> Answer:
    """Take a plan from the file that the command wrote."""
    nothing = np.empty((0, 2), dtype=np.int64)
    if "failed" in report:
        return Answer(who, compounds, None, nothing, report)
    plan = pyogrio.read_dataframe(report["output"], layer="unit", columns=["unit_id", "grid_id"], read_geometry=False)
    row = pd.Series(np.arange(len(plan)), index=plan["unit_id"])
    ends = [[row[a], row[b]] for a, b, *_ in report["bridges"]]
    bridges = np.array(ends, dtype=np.int64).reshape(-1, 2)
    return Answer(who, compounds, pd.factorize(plan["grid_id"])[0], bridges, report)


def theirs(given: Input, wanted: list[str], limits: Limits, folder: Path) -> Iterator[Answer]:
    """The peers' plans, units free and compounds merged."""
    grid, is_one = folder / "grid.npy", len(np.unique(given.facts.community)) == 1
    nothing = np.empty((0, 2), dtype=np.int64)
    for name in wanted:
        if (name in SMALL_ONLY and not is_one) or (name not in QUICK and len(given.facts.households) > SLOW_FROM_UNITS):
            continue
        for compounds in ("free", "whole") if given.has_compounds else ("free",):
            arguments = [name, str(given.facts_path), str(grid), compounds, str(given.floor), str(given.ceiling)]
            report = (
                run_case("peer", folder / "answer.json", arguments, limits.left_s)
                if find_spec(distribution(name))
                else {"failed": f"{distribution(name)} is not installed"}
            )
            yield Answer(name, compounds, None if "failed" in report else np.load(grid), nothing, report)


def row(given: Input, answer: Answer, units: gpd.GeoDataFrame | None) -> str:
    """One line of the table."""
    if answer.grid is None:
        return f"| {answer.who} | {answer.compounds} | {answer.report['failed']} " + "| " * (len(COLUMNS) - 3) + "|"
    found = measure(given.facts, answer.grid, answer.bridges, floor=given.floor, ceiling=given.ceiling)
    rings, closed = "-", "-"
    if units is not None and not given.facts.is_point:
        holes, enclaves = enclosed(units, answer.grid, given.facts.community)
        rings, closed = f"{enclaves}, {holes}", f"{closed_compactness(units, answer.grid):.3f}"
    cells = [answer.who, answer.compounds, *_figures(found, closed, answer.report), rings, *_last(found)]
    return "| " + " | ".join(cells) + " |"


def _figures(found: Measures, closed: str, report: dict[str, Any]) -> list[str]:
    """The figures of one line, those of the program itself among them: seconds, memory and the bound."""
    bound = report.get("moved_bound_households")
    proven = len({reason["community"] for reason in report.get("infeasible", []) if reason["is_proven"]})
    wrong = f" ({found.leaving} leave their community)" if found.leaving else ""
    moved = found.moved
    return [
        f"{report['seconds']:.2f}" if "seconds" in report else "-",
        f"{report['cpu_s']:.1f}" if "cpu_s" in report else "-",
        f"{report['peak_mb']:.0f}" if "peak_mb" in report else "-",
        f"{found.communities_in_band} of {found.communities}" + (f" ({proven} proven impossible)" if proven else ""),
        f"{found.grids_in_band} of {found.grids} ({found.grids_in_band / found.grids:.1%})",
        f"{found.disconnected}{wrong}",
        "-" if found.compactness is None else f"{found.compactness:.3f}",
        closed,
        "-" if moved is None else f"{moved:.0f} ({moved / found.households:.2%})",
        "-" if bound is None else f"{bound:.0f}",
        "-" if bound is None or moved is None else f"{(moved - bound) / max(bound, 1):.2%}",
        "-" if found.split_compounds is None else str(found.split_compounds),
        str(found.crossings),
    ]


def _last(found: Measures) -> list[str]:
    return [f"{found.target_miss:.0f}", "-" if found.longest_step_m is None else f"{found.longest_step_m:.0f}"]


def table(given: Input, peers: list[str], limits: Limits, maps: Path | None) -> None:
    """Print the table of one input, line by line."""
    facts = given.facts
    print(
        f"\n### {given.name}: {len(np.unique(facts.community)):,} communities, {len(facts.households):,} units, "
        f"{facts.households.sum():,.0f} households, {given.floor:g}-{given.ceiling:g}\n"
    )
    print("| " + " | ".join(COLUMNS) + " |\n" + "| --- | --- " + "| --: " * (len(COLUMNS) - 2) + "|")
    units = pyogrio.read_dataframe(given.path, layer="unit") if len(facts.households) < SLOW_FROM_UNITS else None
    nothing = np.empty((0, 2), dtype=np.int64)
    print(row(given, Answer("incumbent", "-", facts.incumbent, nothing, {}), units), flush=True)
    with tempfile.TemporaryDirectory() as name:
        for answers in (theirs(given, peers, limits, Path(name)), ours(given, limits, Path(name))):
            for answer in answers:
                print(row(given, answer, units), flush=True)
                if (
                    maps
                    and units is not None
                    and answer.grid is not None
                    and answer.who in ("ours, redraw", "ours, adjust")
                ):
                    _draw(given, answer, units, maps)


def _draw(given: Input, answer: Answer, units: gpd.GeoDataFrame, maps: Path) -> None:
    """Draw a plan, named after the input, the mode and the compounds."""
    from tests.benchmarks.plan_map import draw

    maps.mkdir(parents=True, exist_ok=True)
    barriers = pyogrio.read_dataframe(given.path, layer="barrier") if given.has_barriers else None
    path = maps / f"{given.name}-{answer.who.split()[-1]}-{answer.compounds}.png"
    draw(path, units, answer.grid, barriers, (given.floor, given.ceiling))


def main() -> None:
    """Run the inputs asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("towns", nargs="*")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--limit-s", type=float, default=300)
    parser.add_argument("--total-s", type=float, default=3600)
    parser.add_argument("--peers", default=";".join(PEERS), help="Names apart by ; (empty: none).")
    parser.add_argument("--maps", type=Path)
    parser.add_argument("--floor", type=float, default=400)
    parser.add_argument("--ceiling", type=float, default=800)
    arguments = parser.parse_args()
    found = [
        name
        for name, (file, _) in real_inputs.REAL.items()
        if (INPUTS / f"{name}.npz").exists() or (arguments.data and (arguments.data / file).exists())
    ]
    towns = arguments.towns or [name for name in (*town.TOWNS, *found) if name not in LARGE] + list(LARGE)
    known = [*town.TOWNS, *found]
    if unknown := [name for name in towns if name not in known]:
        parser.error(f"there is no input {unknown[0]}; there are: {', '.join(known)}")
    peers = [name for name in arguments.peers.split(";") if name]
    if unknown := [name for name in peers if name not in PEERS]:
        parser.error(f"there is no peer {unknown[0]}; there are: {'; '.join(PEERS)}")
    limits = Limits(arguments.limit_s, time.monotonic() + arguments.total_s)
    for name in towns:
        if limits.left_s:
            given = read_input(name, arguments.data, arguments.floor, arguments.ceiling)
            table(given, peers, limits, arguments.maps)
        else:
            print(f"\n### {name}: not tried, the time for all is over", flush=True)


if __name__ == "__main__":
    main()
