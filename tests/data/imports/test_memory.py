"""Memory of the importing process: as much for many rows as for few, the first time and again."""

import json
import subprocess
import sys

import numpy as np
import pytest
import shapely
from sqlalchemy import text

IMPORT = """
import json, sys
from pathlib import Path
from sqlalchemy import create_engine
from data.imports.importer import import_file
engine = create_engine(sys.argv[1])
report = import_file(engine, sys.argv[2], "incident")
status = Path("/proc/self/status").read_text()
peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps([report.added, report.changed, report.unchanged, int(peak.split()[1]) / 1024]))
"""  # the peak of this program alone: `ru_maxrss` would begin with that of the process that started it
FEW, MANY = 40_000, 100_000
SIDE_DEG = 1.0
MAY_GROW_MB = 35  # keeping something of each row grows it by 65 to 85
DESCRIPTION = "占道经营" * 80  # files are read ahead by 32 MB: with long rows both are larger


@pytest.fixture
def files(clean, importing, tmp_path):
    """Two files, one the beginning of the other: almost every point lies in a density cell of its own."""
    with clean.begin() as connection:
        connection.execute(text("INSERT INTO category (code, name) VALUES ('E01', '市容')"))
    side = 100 * SIDE_DEG
    from_corner = {"code": "D", "name": "d", "geom": box(0, 0, side, side)}
    assert importing("district", [from_corner]).added == 1
    xy = np.random.default_rng(3).uniform((114, 30), (114 + SIDE_DEG, 30 + SIDE_DEG), (MANY, 2))
    lines = [
        f"m{n:06},E01,t,2026-05-01T00:00:00Z,{DESCRIPTION},{x:.6f},{y:.6f}\n" for n, (x, y) in enumerate(xy.tolist())
    ]
    for name, count in (("few", FEW), ("many", MANY)):
        (tmp_path / f"{name}.csv").write_text(
            "code,category,title,reported_at,description,lon,lat\n" + "".join(lines[:count])
        )
    return tmp_path


def box(west, south, east, north):
    return shapely.box(114 + west / 100, 30 + south / 100, 114 + east / 100, 30 + north / 100)


def import_alone(engine, path):
    """Import in a process of its own; gives rows added, changed and unchanged, and the peak in MB."""
    url = engine.url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", IMPORT, url, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_memory_does_not_grow_with_the_file(clean, files):
    *counts, few_mb = import_alone(clean, files / "few.csv")
    assert counts == [FEW, 0, 0]
    *counts, many_mb = import_alone(clean, files / "many.csv")
    assert counts == [MANY - FEW, 0, FEW]
    *counts, again_mb = import_alone(clean, files / "many.csv")
    assert counts == [0, 0, MANY]
    with clean.begin() as connection:
        connection.execute(text("UPDATE incident SET geom = ST_Translate(geom, 0, 0.001)"))
    *counts, changed_mb = import_alone(clean, files / "many.csv")
    assert counts == [0, MANY, 0]
    grown = {"more": many_mb - few_mb, "again": again_mb - few_mb, "changed": changed_mb - few_mb}
    assert max(grown.values()) < MAY_GROW_MB, grown
