"""Put the two demo cities into an empty database, through the same import code that a user has."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from data import accounts, migrate
from data.accounts import Post
from data.catalogue.rounds import load_rounds
from data.demo import histories
from data.demo.xialu.city import build_city, write_layers
from data.demo.xialu.incidents import DEMO_SEED, Steps
from data.errors import DataError
from data.imports.batch import run_imports
from data.imports.importer import import_file
from data.imports.options import ImportReport
from data.imports.reference import load_categories
from data.lifecircle.promises import load_targets
from data.publicmap.catalogue import SAMPLE_FILE, load_items

XIALU, CAMBRIDGE = "420204", "camcity"
XIALU_LAYERS = (
    "district", "street", "community", "grid", "compound", "unit", "road", "barrier", "station", "canteen",
    "elder_care", "parking", "sorting_zone", "refuse_point", "exchange_point", "incident",
)  # fmt: skip
CAMBRIDGE_DIR = Path(__file__).parent / "cambridge"
DEPARTMENT = "区城管执法局"
Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoFiles:
    """What the demo leaves in the data directory."""

    passwords: Path
    import_report: Path


def files(data_dir: Path) -> DemoFiles:
    """Name the demo's files."""
    return DemoFiles(data_dir / "demo-passwords.txt", data_dir / "demo-import-report.json")


def fill(engine: Engine, data_dir: Path, say: Say, finish: Callable[[], None]) -> None:
    """Load the demo into an empty database, once; anything else that is there is left as it is.

    A load that was interrupted has left a mark beside the data; it starts again from nothing.

    Parameters
    ----------
    engine
        Of the role that owns the tables.
    finish
        Called after the import, as the last part of the load.
    """
    mark = data_dir / "demo-loading"
    if mark.exists():
        say("上次导入未完成，重新开始 the last load was interrupted; starting again")
        with engine.begin() as connection:
            migrate.empty_tables(connection)
    elif not is_empty(engine):
        return
    mark.touch()
    load(engine, data_dir, say)
    finish()
    mark.unlink()


def is_empty(engine: Engine) -> bool:
    """Tell whether the database holds no area and no account yet."""
    with engine.connect() as connection:
        query = text("SELECT NOT EXISTS (SELECT 1 FROM area) AND NOT EXISTS (SELECT 1 FROM account)")
        return bool(connection.execute(query).scalar())


def load(engine: Engine, data_dir: Path, say: Say) -> None:
    """Generate the 下陆 sample, import both cities, make the demo accounts, and tell what they did with the incidents.

    Parameters
    ----------
    engine
        Of the role that owns the tables.
    data_dir
        Where the generated file, the import report and the passwords go.
    say
        Told each step in a sentence.

    Raises
    ------
    DataError
        If a file has errors; the message names the first.
    """
    with engine.begin() as connection:
        load_categories(connection)
        load_rounds(connection)
        load_targets(connection)
        load_items(connection, SAMPLE_FILE)
    reports, steps = _load_xialu(engine, data_dir, say)
    reports += _load_cambridge(engine, say)
    kept = [report.to_json() for report in reports]
    files(data_dir).import_report.write_text(json.dumps(kept, ensure_ascii=False, indent=1, default=str), "utf-8")
    _make_accounts(engine, files(data_dir).passwords)
    with engine.begin() as connection:
        say(f"事件经过 histories of incidents: {histories.tell(connection, steps)} events")


def _load_xialu(engine: Engine, data_dir: Path, say: Say) -> tuple[list[ImportReport], dict[str, Steps]]:
    """Generate and import the sample district; gives the steps of its incidents too, which no import takes."""
    say("生成下陆区示例 generating the 下陆 sample")
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    path = data_dir / "demo-xialu.gpkg"
    city = build_city(DEMO_SEED, now.date(), now)
    write_layers(path, city.layers)
    reports = []
    for layer in XIALU_LAYERS:
        reports.append(import_file(engine, f"{path}:{layer}", layer))
        _tell(reports[-1], say)
    return reports, city.steps


def _load_cambridge(engine: Engine, say: Say) -> list[ImportReport]:
    """Import the real city."""
    say("导入 Cambridge 真实数据 importing the real data of Cambridge")
    reports = run_imports(CAMBRIDGE_DIR / "import.toml", engine, CAMBRIDGE_DIR / "cambridge.gpkg")
    for report in reports:
        _tell(report, say)
    return reports


def _tell(report: ImportReport, say: Say) -> None:
    """Say what an import did; stop at errors."""
    if report.error_count:
        first = next(fault for fault in report.faults if fault.severity == "error")
        raise DataError(f"{report.source}: {report.summary}; the first: {first}")
    warnings = sum(count.count for count in report.fault_counts)
    say(f"  {report.summary}" + (f", {warnings} warnings" if warnings else ""))


def _make_accounts(engine: Engine, path: Path) -> None:
    """Make one account a role, and write their passwords where only the owner of the data can read them."""
    lines = []
    with engine.begin() as connection:
        busiest = text(
            "SELECT g.code, a.code AS community, s.code AS street FROM grid g JOIN area a ON a.id = g.area_id "
            "JOIN area s ON s.id = a.parent_id JOIN incident i ON i.grid_code = g.code WHERE g.is_effective "
            "GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1 LIMIT 1"
        )
        home = connection.execute(busiest).one()
        for login, name, post in (
            ("worker", "示例网格员", Post("worker", home.code)),
            ("community", "示例社区", Post("community", home.community)),
            ("street", "示例街道", Post("street", home.street)),
            ("street_head", "示例街道负责人", Post("street", home.street)),  # approves the street's whistles
            ("dispatcher", "示例派遣员", Post("dispatcher", XIALU)),
            ("dispatcher_head", "示例指挥中心负责人", Post("dispatcher", XIALU)),
            ("department", "示例处置部门", Post("department", XIALU, DEPARTMENT)),
            ("planner", "示例规划员", Post("planner")),
            ("approver", "示例规划审批员", Post("planner")),  # a plan is approved by another person than submitted it
            ("system_admin", "示例系统管理员", Post("system_admin")),
            ("security_admin", "示例安全管理员", Post("security_admin")),
            ("audit_admin", "示例审计管理员", Post("audit_admin")),
        ):
            lines.append((login, accounts.add(connection, login, name=name, post=post)))
        lines.append(("wall", accounts.add_kiosk(connection, "wall", name="示例大屏", area=accounts.ALL_AREAS)))
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("".join(f"{login} {password}\n" for login, password in lines), "utf-8")
