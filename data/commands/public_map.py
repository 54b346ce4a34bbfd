"""`yiwangtu report public-map`: the public map as one file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import Connection, text

from data.calendar.store import store_builtin_days
from data.commands.connected import connected
from data.crosswalk.table import write_file
from data.errors import BadInputError
from data.publicmap.offline import DAYS, write_map
from data.publicmap.places import find_district, read_book
from layers.basemap import OWN, public_base_map


@click.command("public-map")
@click.option("--within", metavar="AREA", help="District, street or community; the only district without it.")
@click.option("--base", default=OWN.name, show_default=True, metavar="NAME", help="Base map; it must be public_ok.")
@click.option("--approval", default="", metavar="NUMBER", help="The map's approval number (审图号); else 示意图.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT.html", help="File.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(within: str | None, *, base: str, approval: str, output: Path, as_json: bool) -> None:
    """便民地图: all public places of an area with their hours for 92 days, in one HTML file that opens offline."""
    if output.suffix.lower() != ".html":
        raise BadInputError(f"the output {output} must end in .html")
    drawn_on = public_base_map(base)
    with connected() as connection:
        store_builtin_days(connection)
        district = find_district(connection, within or _only_district(connection))
        book = read_book(connection, district, datetime.now(UTC), days_after=DAYS - 1)
        content = write_map(connection, book, drawn_on, approval=approval).encode()
    write_file(output, content)
    count = len(book.inside(district.own))
    if as_json:
        said = {"within": within or district.code, "places": count, "days": DAYS, "output": str(output)}
        click.echo(json.dumps({**said, "bytes": len(content)}, ensure_ascii=False))
        return
    click.echo(f"{count:,} 处 places；已写入 written: {output}（{len(content):,} bytes）")


def _only_district(connection: Connection) -> str:
    """Give the code of the only district."""
    codes: list[str] = list(
        connection.execute(text("SELECT code FROM area WHERE level = 'district' ORDER BY code")).scalars()
    )
    if len(codes) != 1:
        raise BadInputError(f"say --within; districts are: {', '.join(codes) or 'none yet'}")
    return codes[0]
