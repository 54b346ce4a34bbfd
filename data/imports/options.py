"""How to read a file, and what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from data.imports.faults import Fault, Severity


@dataclass(frozen=True)
class ImportOptions:
    """What the caller says about a file.

    Attributes
    ----------
    source_layer
        Layer of a GeoPackage or sheet of a workbook; the first one otherwise.
    columns
        Field to column of the file; `attributes.NAME` fills one key of a facility's attributes, `lon` and `lat` or
        `geom` (WKT) name the place's columns of a table.
    constants
        Field to a value that every row gets.
    where
        Column to the values that a row must have one of to be read.
    prefix
        Put before every code of the file, so that two cities stay apart.
    crs
        `EPSG:n`, or the datum of the degrees: `wgs84`, `cgcs2000`, `gcj02`, `bd09`. Wins over what the file says.
    encoding
        `utf-8` or `gbk`. Wins over what the file says.
    is_dry_run
        Check and count, then undo.
    may_repair
        Make invalid geometries valid, with a warning each, where they are errors otherwise.
    """

    source_layer: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prefix: str = ""
    crs: str | None = None
    encoding: str | None = None
    is_dry_run: bool = False
    may_repair: bool = False


@dataclass(frozen=True)
class FaultCount:
    """How many faults of one kind a file has."""

    severity: Severity
    kind: str
    field: str
    count: int


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    rows
        Rows read (after `where`).
    added, changed, unchanged
        Rows by what happened to them; all 0 when there are errors.
    is_written
        Whether the database was changed by this call: not after errors, not in a dry run.
    faults
        The faults kept, in the order found; `fault_counts` counts all.
    assumptions
        What was assumed, one sentence each.
    """

    layer: str
    source: str
    rows: int
    added: int
    changed: int
    unchanged: int
    is_written: bool
    faults: tuple[Fault, ...]
    fault_counts: tuple[FaultCount, ...]
    assumptions: tuple[str, ...]

    @property
    def error_count(self) -> int:
        """How many errors there are; any makes the import write nothing."""
        return sum(one.count for one in self.fault_counts if one.severity == "error")

    @property
    def summary(self) -> str:
        """The report in one sentence."""
        if self.error_count:
            return f"{self.layer}: {self.rows} rows read, {self.error_count} errors, nothing written"
        done = "" if self.is_written else " (dry run, nothing written)"
        return f"{self.layer}: {self.added} new, {self.changed} changed, {self.unchanged} unchanged{done}"

    def to_json(self) -> dict[str, Any]:
        """Make plain data of the report."""
        return {**asdict(self), "error_count": self.error_count}
