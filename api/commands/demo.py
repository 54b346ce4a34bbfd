"""`yiwangtu demo`: the two demo cities, then the server."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from api.commands import story
from api.main import create_app
from api.server import address, bind, serve, stopping_on_signals
from api.services.admitting import admit
from api.services.planning_jobs import PARAMETERS, Workshop, run_job
from api.settings import Settings
from data import jobs, migrate, planning
from data.calendar.store import store_builtin_days
from data.demo import load
from data.demo.trickle import Trickle
from data.engine import Database, opened
from data.force import put_in_force
from data.integrations.scopelist import store_builtin_scope
from data.rules.store import store_builtin
from data.scope import scoped
from data.supervision.rules import store_builtin_rules
from data.supervision.watch import look_at_all
from data.supervision.whistles import store_builtin_whistles


@click.command()
@click.option("--trickle", type=float, metavar="S", help="Report an invented incident every S seconds, live.")
@click.option("--load-only", is_flag=True, help="Load the demo cities and stop.")
def command(trickle: float | None, *, load_only: bool) -> None:
    """Start everything with two demo cities: 下陆区 (invented, on a real outline) and Cambridge (real, public domain).

    A database that holds anything already is left as it is.
    """
    if trickle is not None and not trickle >= Trickle.SHORTEST_S:
        raise click.BadParameter(f"--trickle must be at least {Trickle.SHORTEST_S} seconds, not {trickle}")
    settings = Settings()
    with stopping_on_signals(), bind(settings) as listener, opened(settings) as database:
        prepare(database, settings)
        if load_only:
            return
        passwords = load.files(settings.data_dir).passwords
        with Trickle(database, trickle, admit):
            app = create_app(settings, database)
            serve(app, settings, listener, notes=notes(passwords, address(settings, listener)))


def prepare(database: Database, settings: Settings) -> None:
    """Migrate, and fill an empty database."""
    owner = database.owner_engine()
    try:
        migrate.upgrade(owner)
        load.fill(owner, settings.data_dir, click.echo, lambda: analyse(database, settings))
        with owner.begin() as connection:
            store_builtin(connection)
            store_builtin_days(connection)
            store_builtin_scope(connection)
            store_builtin_rules(connection)
            store_builtin_whistles(connection)
    finally:
        owner.dispose()


def analyse(database: Database, settings: Settings) -> None:
    """Draw grids for Cambridge, which has none, put them in force, and judge both cities by the rules."""
    engine = database.app_engine(pool_size=2, statement_timeout_s=600)
    try:
        click.echo("为 Cambridge 划分网格 cutting grids for Cambridge")
        result = _run(engine, settings, "rebalance", load.CAMBRIDGE, {"mode": "redraw"})
        metrics = result["metrics"]
        click.echo(f"  grid: {metrics['grids_in_band']} of {metrics['grids']} hold 400 to 800 households")
        owner = database.owner_engine()
        with owner.begin() as connection:
            put_in_force(connection, result["plan_id"])
            store_builtin_days(connection)
            click.echo(f"受理导入的未办结事件 taking open incidents in: {admit(connection, datetime.now(UTC))}")
            store_builtin_rules(connection)
            store_builtin_whistles(connection)
            click.echo(f"预警、超期与督办 steps of deadlines: {look_at_all(connection, datetime.now(UTC)).steps}")
            story.tell(connection, datetime.now(UTC))
        owner.dispose()
        for city in (load.XIALU, load.CAMBRIDGE):
            click.echo(f"计算服务缺口 measuring service gaps: {city}")
            found = _run(engine, settings, "gaps", city, {})
            for one in found["rules"]:
                click.echo(f"  {one['rule']}: {one['demand_met']} of {one['demand']} {one['demand_kind']} served")
    finally:
        engine.dispose()


def _run(engine: Any, settings: Settings, kind: str, within: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Do a job here and now, noted in the job table like any other."""
    with scoped(engine, jobs.RUNNER) as connection:
        area = planning.find_area(connection, within)
        checked = PARAMETERS[kind](**parameters).model_dump()
        jobs.submit(connection, kind=kind, within=within, path=area.path, parameters=checked, account_id=None)
        job = jobs.claim(connection)
    if job is None:
        raise RuntimeError(f"the {kind} job for {within} vanished")
    store = run_job(job, Workshop(engine, settings.job_workers, settings.dask_scheduler), lambda *_: None, None)
    with scoped(engine, jobs.RUNNER) as connection:
        result = store(connection)
        jobs.finish(connection, job.id, result=result, message=None)
    return result


def notes(passwords: Path, base: str) -> tuple[str, ...]:
    """Say where the passwords are, and the wall's address with its token."""
    if not passwords.exists():
        return ()
    token = dict(line.split() for line in passwords.read_text("utf-8").splitlines()).get("wall", "")
    return (f"演示账号 demo accounts  {passwords}", f"大屏免登录 wall, signed in  {base}/screen/#token={token}")
