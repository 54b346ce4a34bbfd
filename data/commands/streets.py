"""`yiwangtu streets`: what the walking network of a street file is like, and where it is torn."""

import json
import time
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import numpy as np
import shapely
from rich.console import Console
from rich.table import Table

from data.frames import check_output, read_frame, write_layers
from data.streets import read_streets
from geo.walking import CLOSE_GAPS_M, REPORT_GAPS_M, Network, build_network

MOST_PIECES = 10


@click.command("streets")
@click.argument("streets", metavar="STREETS[:layer]")
@click.option("--gates", metavar="FILE[:layer]", help="Points of gates; an OpenStreetMap extract has its own.")
@click.option(
    "--close-gaps-m", type=float, default=CLOSE_GAPS_M, show_default=True, metavar="M",
    help="Step over gaps between a street's end and another street up to this, metres.",
)  # fmt: skip
@click.option(
    "--report-gaps-m", type=float, default=REPORT_GAPS_M, show_default=True, metavar="M",
    help="Tell of gaps up to this, metres.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT.gpkg", help="File to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    streets: str, *, gates: str | None, close_gaps_m: float, report_gaps_m: float, output: Path | None, as_json: bool
) -> None:
    """Build the walking network of STREETS and tell how whole it is.

    STREETS is a layer of lines or an OpenStreetMap extract (.osm.pbf). OUT.gpkg gets the layers `edge` (every straight
    piece of street with the connected piece of the network it is in, 0 the longest), `gap` (from a street's end to the
    street it nearly meets) and `crossing` (nodes made where lines cross without a shared vertex).
    """
    started_s = time.perf_counter()
    if output is not None:
        check_output(output, [spec for spec in (streets, gates) if spec])
    read = read_streets(streets)
    network = build_network(
        read.lines,
        gates=read.gates if gates is None else read_frame(gates),
        close_gaps_m=close_gaps_m,
        report_gaps_m=max(report_gaps_m, close_gaps_m),
    )
    if output is not None:
        write_layers(output, _layers(network))
    summary = {
        **_summarise(network),
        "output": None if output is None else str(output),
        "seconds": round(time.perf_counter() - started_s, 3),
    }
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
    else:
        _show(summary)


def _layers(network: Network) -> dict[str, gpd.GeoDataFrame]:
    """Draw the network, its gaps and the crossings made, in degrees."""
    graph, gaps = network.graph, network.report.gaps
    edges = shapely.linestrings(np.stack([graph.node_xy[graph.edge_from], graph.node_xy[graph.edge_to]], axis=1))
    drawn = {
        "edge": ({"piece": graph.node_piece[graph.edge_from], "length_m": graph.edge_length_m}, edges),
        "gap": (
            {"length_m": gaps.length_m, "is_closed": gaps.is_closed, "parts": gaps.parts},
            shapely.linestrings(np.stack([gaps.from_xy, gaps.to_xy], axis=1)),
        ),
        "crossing": ({}, shapely.points(network.report.crossing_xy)),
    }
    return {
        name: gpd.GeoDataFrame(columns, geometry=shapes, crs=network.crs).to_crs(4326)
        for name, (columns, shapes) in drawn.items()
    }


def _summarise(network: Network) -> dict[str, Any]:
    """Give the report as plain JSON values."""
    report = network.report
    return {
        "streets": report.streets,
        "streets_walked": report.streets_walked,
        "length_m": round(report.length_m, 1),
        "nodes": report.nodes,
        "edges": report.edges,
        "pieces": report.pieces,
        "longest_pieces_m": [round(metres, 1) for metres in report.piece_length_m[:MOST_PIECES].tolist()],
        "main_ratio": round(report.main_ratio, 4),
        "crossings_made": report.crossings_made,
        "gates_closed": report.gates_closed,
        "gates_off_street": report.gates_off_street,
        "gaps_closed": int(report.gaps.is_closed.sum()),
        "gaps_open": int((~report.gaps.is_closed).sum()),
        "gaps_open_between_pieces": int((~report.gaps.is_closed & report.gaps.parts).sum()),
        "crs": network.crs.name,
    }


def _show(summary: dict[str, Any]) -> None:
    """Print the figures for a person, Chinese first."""
    console = Console()
    table = Table(title="步行路网 walking network", show_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for text, value in (
        ("道路，其中可步行 streets, walkable", f"{summary['streets']:,} / {summary['streets_walked']:,}"),
        ("可步行长度 metres on foot", f"{summary['length_m']:,.0f}"),
        ("节点、路段 nodes, edges", f"{summary['nodes']:,} / {summary['edges']:,}"),
        ("互不连通的片数 connected pieces", f"{summary['pieces']:,}"),
        ("最大一片所占长度 share of the longest", f"{summary['main_ratio']:.1%}"),
        ("平交而无公共顶点 crossings without a shared vertex", f"{summary['crossings_made']:,}"),
        ("关闭的门 closed gates", f"{summary['gates_closed']:,}"),
        ("已接上的断口 gaps closed", f"{summary['gaps_closed']:,}"),
        ("未接的断口，其中隔开两片 gaps open, between pieces",
         f"{summary['gaps_open']:,} / {summary['gaps_open_between_pieces']:,}"),
    ):  # fmt: skip
        table.add_row(text, value)
    console.print(table)
    if summary["output"]:
        console.print(f"已写入 written: {summary['output']}（{summary['seconds']} s）", soft_wrap=True)
