"""`yiwangtu export`: a layer of the database into a file."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from data.engine import attached
from data.exports.exporter import ExportOptions, export_file
from data.settings import DataSettings


@click.command("export")
@click.option("--layer", required=True, help="Layer to export, such as unit or station.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="FILE; its suffix is the format.")
@click.option("--within", metavar="CODE", help="Only rows inside this area or grid.")
@click.option("--crs", default="EPSG:4326", show_default=True, help="EPSG:4326 or EPSG:4490.")
@click.option("--encoding", default="utf-8", show_default=True, help="utf-8 or gbk, for .shp and .csv.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(layer: str, output: Path, within: str | None, crs: str, encoding: str, as_json: bool) -> None:
    """Export a layer to .gpkg, .geojson, .shp, .csv or .parquet: all fields, ready to import again."""
    with attached(DataSettings()) as database:
        options = ExportOptions(within=within, crs=crs, encoding=encoding)
        report = export_file(database.owner_engine(), layer, output, options)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False))
    else:
        click.echo(f"{report.layer}: {report.rows:,} rows written to {report.path} ({report.bytes:,} bytes)")
