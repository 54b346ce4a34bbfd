"""`yiwangtu services`: the catalogue of service items."""

from pathlib import Path

import click

from data.commands.connected import load_file
from data.publicmap.catalogue import load_items


@click.group("services")
def command() -> None:
    """Load the catalogue of service items: who does them, and what to bring."""


@command.command("load")
@click.argument("file", type=click.Path(path_type=Path))
def load(file: Path) -> int:
    """Load FILE (columns as in data/reference/service_item.csv); it replaces the catalogue that is there."""
    return load_file(file, load_items, "项服务事项 service items")
