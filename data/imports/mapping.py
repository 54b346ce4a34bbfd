"""Which column of a file fills which field of a layer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data.errors import BadInputError
from data.imports.faults import short
from data.imports.options import ImportOptions
from layers.layer import Field, Layer

LON_NAMES = ("lon", "lng", "long", "longitude", "经度", "x")
LAT_NAMES = ("lat", "latitude", "纬度", "y")
WKT_NAMES = ("geom", "geometry", "wkt", "the_geom", "坐标")
PLACE_FIELDS = ("lon", "lat", "geom")
ATTRIBUTES = "attributes"
SHORT_NAME_CHARS = 10


@dataclass(frozen=True)
class Mapped:
    """The plan of reading one file.

    Attributes
    ----------
    columns
        Field to column.
    attributes
        Key of the facility's attributes to column.
    lon, lat, wkt
        Columns that hold the place, where the file has no geometry of its own.
    constants
        Field to the value that every row gets.
    unused
        Columns that nothing reads.
    """

    columns: dict[str, str]
    attributes: dict[str, str]
    constants: dict[str, object]
    lon: str | None
    lat: str | None
    wkt: str | None
    unused: tuple[str, ...]


def map_columns(layer: Layer, columns: Iterable[str], options: ImportOptions, *, has_geometry: bool) -> Mapped:
    """Choose columns: first as the caller says, then by the fields' names, titles and Shapefile names.

    Raises
    ------
    BadInputError
        If an option names no field or no column, or a required field or the place has neither column nor constant.
    """
    present = list(columns)
    chosen = _chosen(layer, present, options.columns)
    constants = _constants(layer, options.constants)
    fields = {name: column for name, column in chosen.items() if not _is_special(name)}
    for name, column in _by_name(layer, present).items():
        if name not in fields and name not in constants and column not in fields.values():
            fields[name] = column
    attributes = {name.split(".", 1)[1]: column for name, column in chosen.items() if name.startswith(f"{ATTRIBUTES}.")}
    lon, lat, wkt = (None, None, None) if has_geometry else _place_columns(present, chosen)
    for field in importable(layer):
        if field.is_required and field.name not in fields and field.name not in constants:
            raise BadInputError(
                f"no column fills the required field {field.name} ({field.title}); the columns are "
                f"{_listed(present)}; say --map {field.name}=COLUMN"
            )
    used = {*fields.values(), *attributes.values(), lon, lat, wkt}
    unused = tuple(column for column in present if column not in used and column not in options.where)
    return Mapped(fields, attributes, constants, lon, lat, wkt, unused)


def importable(layer: Layer) -> tuple[Field, ...]:
    """The fields that a file may give."""
    return tuple(field for field in layer.fields if field.is_imported)


def short_names(layer: Layer) -> dict[str, str]:
    """Give every field a name of at most 10 characters, as Shapefiles allow; import reads them back.

    A name that is too long keeps its first seven and last three characters.
    """
    return {
        field.name: field.name if len(field.name) <= SHORT_NAME_CHARS else field.name[:7] + field.name[-3:]
        for field in layer.fields
    }


def _is_special(name: str) -> bool:
    """Tell whether a mapping's left side is no plain field."""
    return name in PLACE_FIELDS or name.startswith(f"{ATTRIBUTES}.")


def _chosen(layer: Layer, present: list[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Check the caller's choice of columns."""
    for name, column in wanted.items():
        _check_field(layer, name, is_place_allowed=True)
        if column not in present:
            raise BadInputError(f"{name}={column}: there is no column {column}; the columns are {_listed(present)}")
    return dict(wanted)


def _constants(layer: Layer, wanted: Mapping[str, object]) -> dict[str, object]:
    """Check the caller's constants."""
    for name in wanted:
        _check_field(layer, name, is_place_allowed=False)
    return dict(wanted)


def _check_field(layer: Layer, name: str, *, is_place_allowed: bool) -> None:
    """Refuse a name that is no importable field of the layer."""
    names = [field.name for field in importable(layer)]
    if name in names or (is_place_allowed and name in PLACE_FIELDS):
        return
    if name.startswith(f"{ATTRIBUTES}.") and ATTRIBUTES in names and name != f"{ATTRIBUTES}.":
        return
    raise BadInputError(f"the layer {layer.name} has no field {name} that a file can give; it has {', '.join(names)}")


def _by_name(layer: Layer, present: list[str]) -> dict[str, str]:
    """Match columns with fields by name, title, English title and Shapefile name, in this order."""
    keys: dict[str, str] = {}
    shorts = short_names(layer)
    for of in (lambda f: f.name, lambda f: f.title, lambda f: f.title_en, lambda f: shorts[f.name]):
        for field in importable(layer):
            keys.setdefault(of(field).casefold(), field.name)
    found: dict[str, str] = {}
    for column in present:
        name = keys.get(column.strip().casefold())
        if name and name not in found:
            found[name] = column
    exact = {column: column for column in present if column in found}
    return {**found, **exact}


def _place_columns(present: list[str], chosen: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """Find the columns that hold the place of a table's rows."""
    by_name = {column.strip().casefold(): column for column in reversed(present)}

    def find(name: str, spellings: tuple[str, ...]) -> str | None:
        return chosen.get(name) or next((by_name[one] for one in spellings if one in by_name), None)

    wkt = chosen.get("geom")
    lon, lat = find("lon", LON_NAMES), find("lat", LAT_NAMES)
    if wkt is None and not (lon and lat):
        wkt = find("geom", WKT_NAMES)
    if wkt is None and not (lon and lat):
        raise BadInputError(
            f"no columns hold the place: neither lon and lat nor WKT in geom; the columns are {_listed(present)}; "
            "say --map lon=COLUMN --map lat=COLUMN"
        )
    return (None, None, wkt) if wkt else (lon, lat, None)


def _listed(columns: list[str]) -> str:
    """List column names, not too many."""
    shown = ", ".join(short(column) for column in columns[:30])
    return shown + (f" and {len(columns) - 30} more" if len(columns) > 30 else "")
