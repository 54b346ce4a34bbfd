"""Import one file into one layer: read, map, check, place, merge, in one transaction."""

import itertools
import json
from collections.abc import Callable, Iterator

import numpy as np
from sqlalchemy import Connection, Engine, text

from data.errors import BadInputError
from data.imports import areas, grids, incidents
from data.imports.faults import FaultLog
from data.imports.mapping import Mapped, map_columns
from data.imports.opening import open_source
from data.imports.options import FaultCount, ImportOptions, ImportReport
from data.imports.places import load_places
from data.imports.rows import Known, RowMaker
from data.imports.shapes import Reprojection, choose_reprojection, geometries
from data.imports.source import Chunk, Source
from data.imports.stage import Stage
from data.imports.values import as_text
from layers.layer import Layer
from layers.registry import get_layer
from layers.tables import AREA_LEVELS

Progress = Callable[[int, float], None]
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('yiwangtu import'))"
_AUDIT = "INSERT INTO audit_event (action, subject, detail) VALUES ('import', :subject, CAST(:detail AS jsonb))"
_PARENTS = {"district": (), "street": ("district",), "community": ("district", "street")}


def import_file(
    engine: Engine, path: str, layer: str, options: ImportOptions | None = None, *, on_progress: Progress | None = None
) -> ImportReport:
    """Import a file.

    Parameters
    ----------
    engine
        Of the role that owns the tables.
    path
        The file, or `FILE:source_layer`.
    layer
        Name of a layer that is not derived.
    on_progress
        Called with rows read and the ratio of the file read, 0-1.

    Returns
    -------
    report
        What was found and done. With any error nothing is written.

    Raises
    ------
    BadInputError
        If the file or an option cannot be used at all.
    UnknownLayerError
        If there is no such layer.
    """
    options = options or ImportOptions()
    target = get_layer(layer)
    if target.is_derived:
        raise BadInputError(f"the layer {layer} is computed by the product; it cannot be imported")
    source = open_source(path, layer=options.source_layer, encoding=options.encoding)
    mapped = map_columns(target, source.columns, options, has_geometry=source.has_geometry)
    _check_where(source, options)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text(_LOCK))
        run = _Import(connection, target, source, mapped, options)
        report = run.run(on_progress or (lambda rows, ratio: None))
        if not report.is_written:
            transaction.rollback()
    return report


class _Import:
    """One import in its transaction."""

    def __init__(
        self, connection: Connection, layer: Layer, source: Source, mapped: Mapped, options: ImportOptions
    ) -> None:
        self.connection, self.layer, self.source, self.mapped, self.options = connection, layer, source, mapped, options
        self.log = FaultLog()
        self.is_incident = layer.name == "incident"

    def run(self, on_progress: Progress) -> ImportReport:
        """Read everything, then merge if nothing is wrong."""
        rows = 0
        stage = None
        maker = None
        for chunk in self._chunks():
            if maker is None:
                maker = self._maker(chunk)
            made = maker.make(chunk)
            if stage is None:
                stage = self._stage(list(made.columns))
            stage.load(made)
            rows += len(chunk.rows)
            on_progress(rows, chunk.done_ratio)
        if stage is None or maker is None:
            raise BadInputError(f"{self.source.title}: no row has {_written(self.options)}")
        self._check_staged(stage)
        added, changed = (0, 0) if self.log.error_count else self._merge(stage)
        return self._report(rows, added, changed, maker.reprojection)

    def _chunks(self) -> Iterator[Chunk]:
        """Read the rows that `where` keeps."""
        for chunk in self.source.chunks():
            mask = np.ones(len(chunk.rows), dtype=bool)
            for column, wanted in self.options.where.items():
                mask &= as_text(chunk.frame[column]).fillna("").isin(wanted).to_numpy()
            if mask.any():
                yield chunk if mask.all() else chunk.keep(mask)

    def _maker(self, first: Chunk) -> RowMaker:
        """Prepare for the rows: the CRS by the first of them, and what the database knows."""
        sample = geometries(first, self.mapped, FaultLog())
        reprojection = choose_reprojection(self.options.crs, self.source.crs, sample)
        return RowMaker(self.layer, self.mapped, self.options, reprojection, self._known(), self.log)

    def _known(self) -> Known:
        """Load what the layer's rows refer to."""
        levels = _PARENTS.get(self.layer.name, AREA_LEVELS)
        places = load_places(self.connection, levels, with_grids=self.is_incident)
        table = self.layer.table.name
        compounds = self._ids("SELECT code, id FROM compound") if table == "unit" else {}
        effective = self._ids("SELECT code, id FROM grid WHERE is_effective") if table == "unit" else {}
        categories = frozenset(self._ids("SELECT code, 0 FROM category")) if self.is_incident else frozenset()
        plan_of = grids.ImportedPlans(self.connection).of if table == "grid" else None
        return Known(places, compounds, effective, categories, plan_of)

    def _ids(self, statement: str) -> dict[str, int]:
        """Read codes and ids."""
        return {row[0]: row[1] for row in self.connection.execute(text(statement))}

    def _stage(self, made: list[str]) -> Stage:
        """Make the staging table for the columns that rows have."""
        table = self.layer.table
        columns = tuple(name for name in made if name in table.c)
        extra = tuple(name for name in made if name not in table.c and name != "row")
        stage = Stage(self.connection, table, columns, extra)
        stage.create()
        return stage

    def _check_staged(self, stage: Stage) -> None:
        """Check what only all rows together can tell."""
        stage.analyze()
        stage.log_duplicates(self.log)
        if self.is_incident:
            self._check_identities(stage)
        if self.layer.table.name == "area":
            areas.log_clashes(self.connection, self.log)
        for column, value in self.layer.constants:
            self._log_taken(column, value)
        if self.layer.name == "grid":
            grids.check_decided(stage, self.log)

    def _check_identities(self, stage: Stage) -> None:
        """Check the identities that the file gives; those made of codes are as unique as the codes."""
        if "id" in self.mapped.columns:
            stage.log_duplicates(self.log, "id")
            incidents.log_taken(self.connection, self.log)

    def _log_taken(self, column: str, value: str) -> None:
        """Log codes that a row of another layer in the same table has."""
        table = self.layer.table.name
        taken = self.connection.execute(
            text(
                f'SELECT s."row", s.code, t."{column}" FROM import_stage s JOIN "{table}" t USING (code) '
                f'WHERE t."{column}" <> :value ORDER BY 1'
            ),
            {"value": value},
        )
        for row, code, other in taken:
            self.log.add([row], "code", [code], f"is the code of a {other} already; say --prefix", kind="duplicate")

    def _merge(self, stage: Stage) -> tuple[int, int]:
        """Merge and bring what follows from it up to date."""
        if self.is_incident:
            return incidents.merge(stage)
        table = self.layer.table.name
        moves = areas.find_moves(self.connection) if table == "area" else []
        added, changed = stage.merge(grids.KEY if table == "grid" else ("code",))
        areas.move_contents(self.connection, moves)
        if table in ("unit", "grid"):
            changed |= self._regrid(stage) - added
        if table == "grid":
            grids.go_on(self.connection)
            grids.measure_compactness(self.connection)
        return len(added), len(changed)

    def _regrid(self, stage: Stage) -> set[int]:
        """Put units into grids and sum households; gives the rows of a unit file whose grid changed."""
        moved = grids.assign_units(self.connection, has_given="grid_id" in stage.extra)
        grids.count_households(self.connection)
        if not moved:
            return set()
        self.connection.execute(text("INSERT INTO outbox (kind, layer) VALUES ('layer', 'unit')"))
        if self.layer.name != "unit":
            return set()
        rows = self.connection.execute(
            text('SELECT s."row" FROM import_stage s JOIN unit u USING (code) WHERE u.id = ANY (:units)'),
            {"units": list(moved)},
        )
        return {row for (row,) in rows}

    def _report(self, rows: int, added: int, changed: int, reprojection: Reprojection) -> ImportReport:
        """Say what happened, to the caller and, when something changed, to the audit."""
        failed = self.log.error_count > 0
        report = ImportReport(
            layer=self.layer.name, source=self.source.title, rows=rows, added=added, changed=changed,
            unchanged=0 if failed else rows - added - changed, is_written=not failed and not self.options.is_dry_run,
            faults=tuple(self.log.kept),
            fault_counts=tuple(FaultCount(*key, count) for key, count in self.log.counts.items()),
            assumptions=(*self.source.assumptions, *reprojection.assumptions, *_mapping_notes(self.mapped)),
        )  # fmt: skip
        if added or changed:
            detail = {"source": report.source, "added": added, "changed": changed}
            self.connection.execute(text(_AUDIT), {"subject": report.layer, "detail": json.dumps(detail)})
        return report


def _check_where(source: Source, options: ImportOptions) -> None:
    """Refuse a condition on a column that is not there."""
    for column in options.where:
        if column not in source.columns:
            raise BadInputError(f"where {column}: there is no column {column}; there are {', '.join(source.columns)}")


def _written(options: ImportOptions) -> str:
    """Write the conditions for people."""
    return " and ".join(f"{column} = {' or '.join(values)}" for column, values in options.where.items())


def _mapping_notes(mapped: Mapped) -> Iterator[str]:
    """Say which columns were taken by another name and which by nothing."""
    renamed = [f"{column} as {name}" for name, column in mapped.columns.items() if name != column]
    if renamed:
        yield f"columns read: {', '.join(itertools.islice(renamed, 30))}"
    if mapped.unused:
        yield f"columns not used: {', '.join(itertools.islice(mapped.unused, 30))}"
