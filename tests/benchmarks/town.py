"""Make a rebalancing instance as a GeoPackage: an invented town whose grids need re-cutting.

A district is a set of communities; a community is street blocks; a block is a compound (rows of 5-40 buildings of
12-120 households) or old town (scattered buildings of 1-10). Units are buildings on their lots (Voronoi cells clipped
to the community). Three communities in ten are crossed by a barrier with one gap. The incumbent grids were drawn for
older household counts; since then blocks were built or emptied, so about a quarter of them is outside 400-800.

    python town.py NAME OUT.gpkg [--seed N]       NAME: S60 S100 S150 M L XL

    S*  1 community, about 60/100/150 units, 3,000 households      M   37 communities, 6,000 units, 120,000 households
    L   400 communities, 60,000 units, 1.2 million households      XL  4,000 communities, 600,000 units, 12 million

Layers, all EPSG:4547 (metres):
    unit     polygon  unit_id, households, community, compound (null in old town), incumbent (grid code)
    barrier  line     community

Needs numpy, scipy, shapely 2, geopandas, pyogrio.
"""

import argparse

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial import Voronoi

FLOOR, CEILING, TARGET = 400, 800, 600
TOWNS = {  # communities, share of compound blocks, building style, blocks per community
    "S60": (1, 1.0, "mid", (9, 9)),
    "S100": (1, 0.75, "mix", (10, 10)),
    "S150": (1, 0.55, "mix", (13, 13)),
    "M": (37, 0.55, "mix", (5, 15)),
    "L": (400, 0.55, "mix", (5, 15)),
    "XL": (4000, 0.55, "mix", (5, 15)),
}
HOUSEHOLDS = {"walkup": (12, 48), "mid": (24, 72), "tower": (60, 120)}
STREET_M = 14.0
ORIGIN = np.array([500_000.0, 3_340_000.0])


def block_units(rng, x0, y0, width, height, is_compound, style):
    """Building centres (n, 2) in metres and household counts (n,) of one street block."""
    if is_compound:
        kind = "mid" if style == "mid" else rng.choice(["walkup", "mid", "tower"], p=[0.4, 0.4, 0.2])
        if kind == "tower":
            step_x, step_y = rng.uniform(42, 60), rng.uniform(45, 60)
        else:
            step_x, step_y = rng.uniform(32, 48), rng.uniform(26, 38)
        nx, ny = max(1, int(width / step_x)), max(1, int(height / step_y))
        gx, gy = np.meshgrid((np.arange(nx) + 0.5) * width / nx, (np.arange(ny) + 0.5) * height / ny)
        xy = np.c_[gx.ravel(), gy.ravel()] + rng.uniform(-3, 3, (nx * ny, 2))
        n = min(int(np.clip(len(xy) * rng.uniform(0.7, 1), 5, 40)), len(xy))
        xy = xy[np.sort(rng.permutation(len(xy))[:n])]
        low, high = HOUSEHOLDS[kind]
        households = np.clip(rng.uniform(low, high) * rng.uniform(0.75, 1.25, n), 12, 120).astype(int)
    else:
        step = rng.uniform(20, 26)
        nx, ny = max(1, int(width / step)), max(1, int(height / step))
        gx, gy = np.meshgrid((np.arange(nx) + 0.5) * step, (np.arange(ny) + 0.5) * step)
        xy = np.c_[gx.ravel(), gy.ravel()] + rng.uniform(-7, 7, (nx * ny, 2))
        xy = xy[rng.random(len(xy)) < 0.75]
        households = rng.integers(1, 11, len(xy))
    return xy + np.array([x0, y0]), households


def lots(xy, width, height):
    """Voronoi cells of the centres, clipped exactly to the rectangle by mirroring; and their neighbour pairs."""
    n = len(xy)
    copies = [xy]
    for axis, limit in ((0, 0), (0, width), (1, 0), (1, height)):
        mirrored = xy.copy()
        mirrored[:, axis] = 2 * limit - mirrored[:, axis]
        copies.append(mirrored)
    diagram = Voronoi(np.vstack(copies))
    cells = [shapely.Polygon(diagram.vertices[diagram.regions[diagram.point_region[i]]]) for i in range(n)]
    pairs = diagram.ridge_points
    ends = diagram.vertices[np.array(diagram.ridge_vertices)]
    length_m = np.hypot(*(ends[:, 0] - ends[:, 1]).T)
    inside = (pairs < n).all(axis=1)
    return np.array(cells), pairs[inside], length_m[inside]


def split_contiguous(rng, pairs, weight, parts, tries=3):
    """Contiguous parts by the best-balanced cuts of random spanning trees (n,)."""
    label = np.zeros(len(weight), int)
    following = iter(range(len(weight)))

    def recurse(nodes, k):
        if k == 1 or len(nodes) < 2:
            label[nodes] = next(following)
            return
        index = -np.ones(len(weight), int)
        index[nodes] = np.arange(len(nodes))
        edges = index[pairs]
        edges = edges[(edges >= 0).all(axis=1)]
        total, best = weight[nodes].sum(), None
        for _ in range(tries):
            shape = (len(nodes), len(nodes))
            tree = minimum_spanning_tree(coo_matrix((rng.random(len(edges)) + 0.01, edges.T), shape).tocsr())
            order, parent = breadth_first_order(tree + tree.T, 0, directed=False)
            below = weight[nodes].astype(float)
            for node in order[:0:-1]:
                below[parent[node]] += below[node]
            for node in order[1:]:
                share = min(max(round(below[node] / total * k), 1), k - 1)
                miss = abs(below[node] - share * total / k)
                if best is None or miss < best[0]:
                    best = (miss, node, share, order, parent)
        _, cut, share, order, parent = best
        under = np.zeros(len(nodes), bool)
        under[cut] = True
        for node in order:
            if node != cut and parent[node] >= 0 and under[parent[node]]:
                under[node] = True
        recurse(nodes[under], share)
        recurse(nodes[~under], k - share)

    recurse(np.arange(len(weight)), parts)
    return label


def connected_pairs(xy, pairs, length_m, barrier):
    """Usable neighbour pairs (mask), and the middle of the one gap in the barrier, if there is a barrier."""
    distance_m = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    across = np.zeros(len(pairs), bool)
    if barrier is not None:
        axis, at = barrier
        across = (xy[pairs[:, 0], axis] < at) != (xy[pairs[:, 1], axis] < at)
    used = (distance_m <= 130) & (length_m >= 2) & ~across
    root = list(range(len(xy)))

    def find(i):
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for a, b in pairs[used]:
        root[find(a)] = find(b)
    gaps = []
    for i in np.argsort(distance_m + 1e6 * across):
        a, b = find(pairs[i, 0]), find(pairs[i, 1])
        if a != b:
            root[a] = b
            used[i] = True
            if across[i]:
                gaps.append(xy[pairs[i]].mean(axis=0))
    return used, gaps


def community(seed, number, town):
    """One community: centres, households, block, compound flag, lots, incumbent, barrier line."""
    _, compound_share, style, (fewest, most) = town
    rng = np.random.default_rng([seed, number])
    while True:
        blocks = int(rng.integers(fewest, most + 1))
        columns = int(np.ceil(np.sqrt(blocks * rng.uniform(0.7, 1.4))))
        rows = int(np.ceil(blocks / columns))
        widths, heights = rng.uniform(85, 165, columns), rng.uniform(85, 165, rows)
        left, bottom = np.r_[0, np.cumsum(widths + STREET_M)], np.r_[0, np.cumsum(heights + STREET_M)]
        is_compound = rng.random(columns * rows) < compound_share
        parts = [
            block_units(
                rng,
                left[i] + STREET_M / 2,
                bottom[j] + STREET_M / 2,
                widths[i],
                heights[j],
                is_compound[j * columns + i],
                style,
            )
            for j in range(rows)
            for i in range(columns)
        ]
        households = np.concatenate([p[1] for p in parts])
        if 1500 <= households.sum() <= 6000:
            break
    block = np.concatenate([np.full(len(p[1]), b) for b, p in enumerate(parts)])
    width, height = left[-1], bottom[-1]
    xy = np.clip(np.vstack([p[0] for p in parts]), 0.5, [width - 0.5, height - 0.5])
    cells, pairs, length_m = lots(xy, width, height)
    barrier = None
    if rng.random() < 0.3 and max(columns, rows) > 1:
        axis = 0 if columns >= rows else 1
        lines = left if axis == 0 else bottom
        barrier = (axis, lines[int(rng.integers(1, columns if axis == 0 else rows))])
    used, gaps = connected_pairs(xy, pairs, length_m, barrier)
    change = np.where(rng.random(columns * rows) < 0.2, 0.3, np.where(rng.random(columns * rows) < 0.25, 1.8, 1.0))[
        block
    ]
    before = np.maximum(1, np.round(households * change * rng.uniform(0.95, 1.05, len(households)))).astype(int)
    incumbent = split_contiguous(rng, pairs[used], before, max(1, round(before.sum() / TARGET)))
    line = None
    if barrier is not None:
        axis, at = barrier
        line = shapely.LineString([(at, 0), (at, height)] if axis == 0 else [(0, at), (width, at)])
        for gap in gaps:
            line = line.difference(shapely.Point(gap[0], gap[1]).buffer(12))
    return xy, households, block, is_compound[block], cells, incumbent, line


def build(name, seed):
    town = TOWNS[name]
    wide = int(np.ceil(np.sqrt(town[0])))
    units, barriers, first_code = [], [], 1
    for number in range(town[0]):
        own_seed = seed + sum(map(ord, name)) if name[0] == "S" else seed
        while True:  # a small town is chosen so that its incumbent needs repair
            _, households, block, is_compound, cells, incumbent, line = community(own_seed, number, town)
            size = np.bincount(incumbent, households)
            if name[0] != "S" or (
                np.mean((size >= FLOOR) & (size <= CEILING)) <= 0.7
                and 2700 <= households.sum() <= 3600
                and abs(len(households) - int(name[1:])) <= 0.15 * int(name[1:])
            ):
                break
            own_seed += 1
        shift = ORIGIN + np.array([number % wide * 2500, number // wide * 2500])
        code = f"C{number + 1:04d}"
        units.append(
            gpd.GeoDataFrame(
                {
                    "households": households,
                    "community": code,
                    "compound": [f"{code}-B{b:02d}" if c else None for b, c in zip(block, is_compound, strict=True)],
                    "incumbent": [f"G{first_code + g:05d}" for g in incumbent],
                },
                geometry=shapely.transform(cells, lambda p, s=shift: p + s),
                crs=4547,
            )
        )
        first_code += incumbent.max() + 1
        if line is not None:
            barriers.append((code, shapely.transform(line, lambda p, s=shift: p + s)))
    import pandas as pd

    unit = pd.concat(units, ignore_index=True)
    unit.insert(0, "unit_id", [f"U{i:06d}" for i in range(len(unit))])
    barrier = gpd.GeoDataFrame({"community": [b[0] for b in barriers]}, geometry=[b[1] for b in barriers], crs=4547)
    return unit, barrier


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=TOWNS)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=20250101)
    arguments = parser.parse_args()
    unit, barrier = build(arguments.name, arguments.seed)
    unit.to_file(arguments.out, layer="unit", driver="GPKG")
    if len(barrier):
        barrier.to_file(arguments.out, layer="barrier", driver="GPKG")
    size = unit.groupby("incumbent")["households"].sum()
    print(
        f"{arguments.name}: {unit['community'].nunique()} communities, {len(unit)} units, "
        f"{unit['households'].sum()} households, "
        f"{len(barrier)} barriers, {len(size)} incumbent grids, {size.between(FLOOR, CEILING).mean():.0%} in the band"
    )
