"""Walking distances beside pandana, igraph and SciPy on the same graph: equal in metres? how fast? how much memory?

`python -m tests.benchmarks.bench_walking [CASE …]` prints a table. Every row is a process of its own, so that its
memory is its own. Peers know no places along edges: in the cases they take part in, units and facilities stand on
nodes. The "anywhere" cases are the real task; beside them there are only other ways of snapping.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.rebalance_case import peak_mb

SEED, SPACING_M, JITTER_M, KEPT_RATIO = 7, 40.0, 12.0, 0.9
NEAR_M = 1_000.0
LIMIT_S = 600
Floats = npt.NDArray[np.float64]
Case = dict[str, npt.NDArray[Any]]

CASES = {
    "nearest-town": ("nearest", 100, 20_000, 100, ("ours", "SciPy", "igraph", "pandana")),
    "pairs-town": ("pairs", 100, 20_000, 100, ("ours", "SciPy", "igraph", "pandana")),
    "nearest-city": ("nearest", 300, 100_000, 300, ("ours", "SciPy", "igraph", "pandana")),
    "pairs-city": ("pairs", 300, 100_000, 300, ("ours", "SciPy", "igraph", "pandana")),
    "nearest-million": ("nearest", 750, 1_000_000, 1_000, ("ours", "SciPy", "igraph")),
    "pairs-million": ("pairs", 750, 100_000, 300, ("ours", "SciPy")),
    "anywhere-nearest": ("anywhere", 750, 1_000_000, 1_000, ("ours",)),
    "anywhere-pairs": ("anywhere pairs", 750, 100_000, 300, ("ours",)),
    "snap": ("snap", 750, 100_000, 0, ("ours", "shapely STRtree")),
    "build": ("build", 750, 0, 0, ("ours",)),
}
"""Name: task, nodes of a side of the town, units, facilities, and who does it."""


def draw(side: int, units: int, facilities: int) -> Case:
    """Draw a town of crooked blocks, a tenth of its streets missing; places on nodes and anywhere."""
    rng = np.random.default_rng(SEED)
    at = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    node_xy = at * SPACING_M + rng.uniform(-JITTER_M, JITTER_M, at.shape)
    number = np.arange(side * side).reshape(side, side)
    start = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    stop = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    kept = np.sort(rng.permutation(len(start))[: int(KEPT_RATIO * len(start))])
    extent_m = side * SPACING_M
    on_streets = np.unique(np.concatenate([start[kept], stop[kept]]))
    return {
        "node_xy": node_xy,
        "start": start[kept],
        "stop": stop[kept],
        "unit": rng.choice(on_streets, units),
        "facility": rng.permutation(on_streets)[:facilities],
        "unit_xy": rng.uniform(0, extent_m, (units, 2)),
        "facility_xy": rng.uniform(0, extent_m, (facilities, 2)),
    }


def clocked(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Do some work; give what came of it, and its seconds by the clock and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    done = work()
    return done, {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - processor}


def with_ours(task: str, case: Case) -> dict[str, Any]:
    """Walk with `geo.walking`; what it keeps of the graph is made while building."""
    from geo.walking import WalkingGraph, build_walking_graph, nearest_facility, pairs_within, snap_points
    from geo.walking.warm import warm

    warm()
    if task == "build":
        import shapely

        ends = np.stack([case["node_xy"][case["start"]], case["node_xy"][case["stop"]]], axis=1)
        lines = shapely.linestrings(ends)
        graph, seconds = clocked(lambda: build_walking_graph(lines))
        return {"build": seconds, "answer": {}, "edges": len(graph.edge_from)}

    def build() -> WalkingGraph:
        graph = WalkingGraph.of(case["node_xy"], case["start"], case["stop"])
        for part in ("links", "grid", "node_piece"):
            getattr(graph, part)
        return graph

    graph, built = clocked(build)
    unit, facility = case["node_xy"][case["unit"]], case["node_xy"][case["facility"]]
    if task.startswith("anywhere"):
        unit, facility = case["unit_xy"], case["facility_xy"]
    work: dict[str, Callable[[], Any]] = {
        "nearest": lambda: nearest_facility(graph, unit, facility).distance_m,
        "anywhere": lambda: nearest_facility(graph, unit, facility).distance_m,
        "pairs": lambda: pairs_within(graph, unit, facility, radius_m=NEAR_M).distance_m,
        "anywhere pairs": lambda: pairs_within(graph, unit, facility, radius_m=NEAR_M).distance_m,
        "snap": lambda: snap_points(graph, case["unit_xy"]).distance_m,
    }
    found, seconds = clocked(work[task])
    return {"build": built, "answer": seconds, "found": found}


def with_strtree(task: str, case: Case) -> dict[str, Any]:
    """Snap with shapely's tree."""
    import shapely

    ends = np.stack([case["node_xy"][case["start"]], case["node_xy"][case["stop"]]], axis=1)
    tree, built = clocked(lambda: shapely.STRtree(shapely.linestrings(ends)))
    points = shapely.points(case["unit_xy"])

    def snap() -> Floats:
        (row, _), metres = tree.query_nearest(points, max_distance=50.0, return_distance=True, all_matches=False)
        distance_m = np.full(len(points), np.nan)
        distance_m[row] = metres
        return distance_m

    found, seconds = clocked(snap)
    return {"build": built, "answer": seconds, "found": found}


def lengths(case: Case) -> Floats:
    """Straight length of every edge."""
    metres: Floats = np.hypot(*(case["node_xy"][case["stop"]] - case["node_xy"][case["start"]]).T)
    return metres


def nodes_of(case: Case) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find the nodes at which units and facilities stand, from their coordinates, as every user of a peer has to."""
    from scipy.spatial import KDTree

    tree = KDTree(case["node_xy"])
    return tree.query(case["node_xy"][case["unit"]])[1], tree.query(case["node_xy"][case["facility"]])[1]


def near_pairs(case: Case, rows: Callable[[npt.NDArray[np.int64]], Floats], at_once: int) -> Any:
    """Gather a peer's rows of metres, facilities at once by all nodes, into units by facilities within the radius."""
    from scipy.sparse import csr_array, vstack

    parts, (unit, facility) = [], nodes_of(case)
    for first in range(0, len(facility), at_once):
        metres = rows(facility[first : first + at_once])[:, unit]
        row, column = np.nonzero(metres <= NEAR_M)
        parts.append(csr_array((metres[row, column], (row, column)), shape=metres.shape))
    return vstack(parts).T.tocsr()


def with_scipy(task: str, case: Case) -> dict[str, Any]:
    """Walk with `scipy.sparse.csgraph`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    size = len(case["node_xy"])
    graph, built = clocked(
        lambda: coo_array((lengths(case), (case["start"], case["stop"])), shape=(size, size)).tocsr()
    )

    def pairs() -> Any:
        return near_pairs(case, lambda some: dijkstra(graph, directed=False, indices=some, limit=NEAR_M), 25)

    def nearest() -> Floats:
        unit, facility = nodes_of(case)
        reached: Floats = dijkstra(graph, directed=False, indices=facility, min_only=True)
        return reached[unit]

    found, seconds = clocked(nearest if task == "nearest" else pairs)
    return {"build": built, "answer": seconds, "found": found}


def with_igraph(task: str, case: Case) -> dict[str, Any]:
    """Walk with igraph; one more node, at no distance from any facility, makes one search of many."""
    import igraph

    metres, size = lengths(case), len(case["node_xy"])

    ends = np.column_stack([case["start"], case["stop"]])
    graph, built = clocked(lambda: igraph.Graph(n=size + 1, edges=ends, directed=False))
    weights = metres.tolist()

    def pairs() -> Any:
        return near_pairs(case, lambda some: np.array(graph.distances(source=some.tolist(), weights=weights)), 5)

    def nearest() -> Floats:
        unit, facility = nodes_of(case)
        graph.add_edges(np.column_stack([np.full(len(facility), size), facility]))
        weights.extend([0.0] * len(facility))
        return np.array(graph.distances(source=size, weights=weights)[0])[unit]

    found, seconds = clocked(nearest if task == "nearest" else pairs)
    return {"build": built, "answer": seconds, "found": found}


def with_pandana(task: str, case: Case) -> dict[str, Any]:
    """Walk with pandana's contraction hierarchies."""
    import pandana
    import pandas as pd
    from scipy.sparse import csr_array

    x, y = (pd.Series(part) for part in case["node_xy"].T)
    start, stop, weights = pd.Series(case["start"]), pd.Series(case["stop"]), pd.DataFrame({"metres": lengths(case)})
    net, built = clocked(lambda: pandana.Network(x, y, start, stop, weights))
    far_m = 1e5 if task == "nearest" else NEAR_M

    def nearest() -> Floats:
        unit = net.get_node_ids(x[case["unit"]], y[case["unit"]])
        net.set_pois("facility", far_m, 1, x[case["facility"]], y[case["facility"]])
        reached = net.nearest_pois(far_m, "facility", num_pois=1)[1].to_numpy()
        return np.where(reached >= far_m, np.inf, reached)[unit.to_numpy()]

    def pairs() -> Any:
        unit, facility = (net.get_node_ids(x[case[who]], y[case[who]]).to_numpy() for who in ("unit", "facility"))
        reached = net.nodes_in_range(facility.tolist(), NEAR_M)
        column = pd.Index(facility).get_indexer(reached["source"])
        ends = (reached["destination"].to_numpy(), column)
        shape = (len(case["node_xy"]), len(case["facility"]))
        return csr_array((reached["metres"].to_numpy(), ends), shape=shape)[unit]

    found, seconds = clocked(nearest if task == "nearest" else pairs)
    return {"build": built, "answer": seconds, "found": found}


WAYS: dict[str, Callable[[str, Case], dict[str, Any]]] = {
    "ours": with_ours,
    "shapely STRtree": with_strtree,
    "SciPy": with_scipy,
    "igraph": with_igraph,
    "pandana": with_pandana,
}


def dense(found: Any) -> Floats:
    """Write what was found as plain numbers that can be compared: pairs by row and column, 0 m kept."""
    if isinstance(found, np.ndarray):
        return np.nan_to_num(found, nan=np.inf, posinf=np.inf)
    found.sort_indices()
    row = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    return np.column_stack([row, found.indices, found.data])


def difference(one: Floats, other: Floats) -> str:
    """Say how far two answers are apart at most, and how many pairs only one of them has (at the radius)."""
    if one.ndim == 1:
        both = np.isfinite(one) & np.isfinite(other)
        odd = int((np.isfinite(one) != np.isfinite(other)).sum())
        return f"{np.abs(one[both] - other[both]).max():.4f}" + (f", {odd} in one only" if odd else "")
    key, other_key = (table[:, 0] * 1e6 + table[:, 1] for table in (one, other))
    _, at, other_at = np.intersect1d(key, other_key, return_indices=True)
    odd = len(key) + len(other_key) - 2 * len(at)
    return f"{np.abs(one[at, 2] - other[other_at, 2]).max():.4f}" + (f", {odd} in one only" if odd else "")


def run(name: str, way: str, folder: Path) -> dict[str, Any]:
    """Do one row in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.bench_walking", "--row", name, way, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {LIMIT_S} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip() or "no word").splitlines()[-1]}
    return dict(json.loads((folder / "row.json").read_text("utf-8")))


def row(name: str, way: str, folder: Path) -> None:
    """Be that process: leave the figures and the answer in files (a peer prints what it likes)."""
    task, side, units, facilities, _ = CASES[name]
    case = draw(side, units, facilities)
    done = WAYS[way](task, case)
    if "found" in done:
        np.save(folder / f"{way}.npy", dense(done.pop("found")))
    (folder / "row.json").write_text(json.dumps({**done, "peak_mb": peak_mb()}), "utf-8")


def shown(seconds: dict[str, float]) -> str:
    """Seconds by the clock and, in brackets, of the processor."""
    return f"{seconds['wall_s']:.2f} ({seconds['cpu_s']:.2f})" if seconds else "-"


def table(names: list[str]) -> None:
    """Print the rows of the cases asked for."""
    print("Seconds by the clock, in brackets of all processors; peak memory of the whole process.\n")
    print("| case | edges | units × facilities | way | build s | answer s | peak MB | farthest from ours, m |")
    print("| --- | --: | --: | --- | --: | --: | --: | --: |")
    for name in names:
        _, side, units, facilities, ways = CASES[name]
        edges = int(KEPT_RATIO * 2 * side * (side - 1))
        with tempfile.TemporaryDirectory() as made:
            for way in ways:
                head = f"| {name} | {edges:,} | {units:,} × {facilities:,} | {way} "
                module = {"igraph": "igraph", "pandana": "pandana"}.get(way)
                done = {"failed": "not installed"} if module and not find_spec(module) else run(name, way, Path(made))
                if "failed" in done:
                    print(f"{head}| {done['failed']} | | | |", flush=True)
                    continue
                answer = Path(made) / f"{way}.npy"
                apart = "-"
                if way != "ours" and answer.exists():
                    apart = difference(np.load(Path(made) / "ours.npy"), np.load(answer))
                print(
                    f"{head}| {shown(done['build'])} | {shown(done['answer'])} | {done['peak_mb']:.0f} | {apart} |",
                    flush=True,
                )


def main(arguments: list[str]) -> None:
    """Print the table, or do one row of it."""
    if arguments[:1] == ["--row"]:
        row(arguments[1], arguments[2], Path(arguments[3]))
        return
    if unknown := [name for name in arguments if name not in CASES]:
        sys.exit(f"there is no case {unknown[0]}; there are: {', '.join(CASES)}")
    table(arguments or list(CASES))


if __name__ == "__main__":
    main(sys.argv[1:])
