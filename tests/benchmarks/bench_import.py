"""Incident import against the usual way: COPY the rows, then join them with the grids in PostGIS.

`python tests/benchmarks/bench_import.py [--rows 1000000] [--grids 2000]` makes a CSV of points in a square district cut
into grids by a Voronoi diagram, and prints one JSON object. Both ways end with the same rows, grid codes and density
pyramid in the same indexed table; `tag_*` compares the one step that differs in kind: finding the grid of each point.
"""

import argparse
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, Engine, text

from data import migrate
from data.engine import opened
from data.imports.importer import import_file
from data.imports.places import load_places
from data.settings import DataSettings
from layers.pyramid import CELL_ZOOMS, cell_sql

WEST, SOUTH, SIDE_DEG = 114.9, 30.1, 0.2
_COLUMNS = "id, code, category, title, status, source, reported_at, geom, path, area_id, grid_code"


def make_city(connection: Connection, grids: int, rng: np.random.Generator) -> None:
    """Put a district of one community with Voronoi grids into the database."""
    square = shapely.box(WEST, SOUTH, WEST + SIDE_DEG, SOUTH + SIDE_DEG)
    seeds = shapely.MultiPoint(rng.uniform((WEST, SOUTH), (WEST + SIDE_DEG, SOUTH + SIDE_DEG), (grids, 2)))
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=square)), square)
    connection.execute(text("INSERT INTO category (code, name) VALUES ('E01', '市容')"))
    for level, parent, path in (("district", None, "D"), ("community", 1, "D.C")):
        connection.execute(
            text(
                "INSERT INTO area (level, code, name, parent_id, geom, path) "
                "VALUES (:level, :code, 'x', :parent, ST_Multi(ST_SetSRID(ST_GeomFromText(:wkt), 4326)), :path)"
            ),
            {"level": level, "code": path[-1], "parent": parent, "wkt": square.wkt, "path": path},
        )
    connection.execute(
        text(
            "INSERT INTO grid_scheme (code, name, floor, ceiling, target, code_template, source) "
            "VALUES ('s', 's', 400, 800, 600, '', '')"
        )
    )
    connection.execute(
        text("INSERT INTO plan (scheme_id, area_id, path, name, status) VALUES (1, 1, 'D', 'p', 'effective')")
    )
    connection.execute(
        text(
            "INSERT INTO grid (plan_id, code, area_id, is_effective, geom, path) "
            "VALUES (1, :code, 2, true, ST_Multi(ST_GeomFromWKB(:wkb, 4326)), CAST('D.C.' || :code AS ltree))"
        ),
        [{"code": f"G{n:05}", "wkb": shapely.to_wkb(cell)} for n, cell in enumerate(cells)],
    )


def make_csv(path: Path, rows: int, rng: np.random.Generator) -> None:
    """Write the CSV, most points around centres as incidents are."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, rows, 100_000):
            count = min(100_000, rows - start)
            centre = rng.uniform(0.1, 0.9, (20, 2))[rng.integers(0, 20, count)]
            xy = np.clip(centre + rng.normal(0, 0.08, (count, 2)), 0, 1) * SIDE_DEG + (WEST, SOUTH)
            frame = pd.DataFrame(
                {
                    "code": [f"2026-{n:08}" for n in range(start, start + count)],
                    "category": "E01",
                    "title": "路灯不亮",
                    "status": "closed",
                    "source": "12345",
                    "reported_at": (
                        pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 31_536_000, count), "s")
                    ).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "lon": xy[:, 0].round(6),
                    "lat": xy[:, 1].round(6),
                }
            )
            frame.to_csv(file, index=False, header=start == 0)


def measure_import(engine: Engine, path: Path) -> dict[str, float]:
    """Import the CSV, then the same file once more."""
    start_mb = _peak_mb()
    clock = time.perf_counter()
    report = import_file(engine, str(path), "incident")
    first_s = time.perf_counter() - clock
    peak_mb = _peak_mb()
    assert report.added == report.rows, report.faults[:3]
    clock = time.perf_counter()
    again = import_file(engine, str(path), "incident")
    assert again.unchanged == report.rows
    return {
        "import_s": first_s, "import_rows_per_s": report.rows / first_s, "again_s": time.perf_counter() - clock,
        "memory_before_mb": start_mb, "memory_peak_mb": peak_mb, "memory_peak_again_mb": _peak_mb(),
    }  # fmt: skip


def measure_join(engine: Engine, path: Path) -> dict[str, float]:
    """The usual way in one transaction: COPY, insert, join with the grids, build the pyramid."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE incident, incident_cell CASCADE"))
        connection.execute(text("SET LOCAL yiwangtu.bulk = 'on'"))
        clock = time.perf_counter()
        connection.execute(
            text(
                "CREATE TEMP TABLE raw (code text, category text, title text, status text, source text, "
                "reported_at timestamptz, lon float8, lat float8) ON COMMIT DROP"
            )
        )
        with connection.connection.cursor() as cursor, path.open(encoding="utf-8") as file:
            cursor.copy_expert("COPY raw FROM STDIN (FORMAT csv, HEADER)", file)
        connection.execute(
            text(
                f"INSERT INTO incident ({_COLUMNS}) SELECT gen_random_uuid(), code, category, title, status, source, "
                "reported_at, ST_SetSRID(ST_MakePoint(lon, lat), 4326), '', NULL, NULL FROM raw"
            )
        )
        load_s = time.perf_counter() - clock
        connection.execute(text("ANALYZE incident"))
        clock = time.perf_counter()
        joined = connection.execute(
            text(
                "UPDATE incident i SET path = g.path, area_id = g.area_id, grid_code = g.code FROM ("
                "SELECT DISTINCT ON (i.id) i.id, g.path, g.area_id, g.code FROM incident i "
                "JOIN grid g ON g.is_effective AND ST_Intersects(g.geom, i.geom) ORDER BY i.id, g.code) g "
                "WHERE g.id = i.id"
            )
        ).rowcount
        join_s = time.perf_counter() - clock
        clock = time.perf_counter()
        for zoom in CELL_ZOOMS:
            x, y = cell_sql("ST_X(geom)", "ST_Y(geom)", zoom)
            connection.execute(
                text(
                    f"INSERT INTO incident_cell SELECT {zoom}, {x}, {y}, path, count(*) FROM incident GROUP BY 2, 3, 4"
                )
            )
        pyramid_s = time.perf_counter() - clock
    total = load_s + join_s + pyramid_s
    return {
        "join_load_s": load_s, "join_join_s": join_s, "join_pyramid_s": pyramid_s, "join_total_s": total,
        "join_rows_per_s": joined / total, "tag_join_update_rows_per_s": joined / join_s,
    }  # fmt: skip


def measure_tagging(engine: Engine, path: Path) -> dict[str, float]:
    """Find the grid of every point: our index, and the plain join that writes a table of (code, grid)."""
    frame = pd.read_csv(path, usecols=["lon", "lat"])
    xy = frame[["lon", "lat"]].to_numpy()
    with engine.begin() as connection:
        clock = time.perf_counter()
        places = load_places(connection, ("district", "street", "community"), with_grids=True)
        build_s = time.perf_counter() - clock
        clock = time.perf_counter()
        tagged = places.grid_codes[places.tag(xy)]
        tag_s = time.perf_counter() - clock
        clock = time.perf_counter()
        connection.execute(
            text(
                "CREATE TEMP TABLE tagged ON COMMIT DROP AS SELECT DISTINCT ON (i.code) i.code, g.code AS grid "
                "FROM incident i JOIN grid g ON g.is_effective AND ST_Intersects(g.geom, i.geom) "
                "ORDER BY i.code, g.code"
            )
        )
        join_s = time.perf_counter() - clock
        rows = connection.execute(text("SELECT grid FROM tagged ORDER BY code")).scalars().all()
    wrong = int((np.array(rows, dtype=object) != tagged).sum())
    return {
        "tag_build_s": build_s, "tag_s": tag_s, "tag_rows_per_s": len(xy) / (tag_s + build_s),
        "tag_join_s": join_s, "tag_join_rows_per_s": len(xy) / join_s, "tag_differing": wrong,
        "tag_ratio": join_s / (tag_s + build_s),
    }  # fmt: skip


def _peak_mb() -> float:
    """Give the most memory that this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--grids", type=int, default=2_000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    folder = Path(tempfile.mkdtemp(prefix="yiwangtu-bench-"))
    folder.chmod(0o711)
    try:
        path = folder / "incidents.csv"
        make_csv(path, arguments.rows, rng)
        with opened(DataSettings(data_dir=folder, database_url=None, _env_file=None)) as database:  # type: ignore[call-arg]
            engine = database.owner_engine()
            migrate.upgrade(engine)
            with engine.begin() as connection:
                make_city(connection, arguments.grids, rng)
            figures = {"rows": arguments.rows, "grids": arguments.grids, "csv_mb": path.stat().st_size / 2**20}
            figures |= measure_import(engine, path)
            figures |= measure_tagging(engine, path)
            figures |= measure_join(engine, path)
            engine.dispose()
    finally:
        shutil.rmtree(folder)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2))


if __name__ == "__main__":
    main()
