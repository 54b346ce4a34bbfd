"""Boston's 311 year as files that `yiwangtu import` and `yiwangtu cases categories` read.

    python -m tests.benchmarks.boston_311 boston_311_2015.csv.gz OUT_FOLDER

The source has no boundaries: a ward is made of the hexagons in which most requests name it, the city of all of them.
Requests that were never geocoded (all at city hall) are left out. Reasons become major classes, types minor ones. What
came out is in docs/guides/statistics.md.
"""

import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from geo.cells import cells_of

LOCAL = "（自定义）"
SOURCES = {
    "Constituent Call": "12345", "Citizens Connect App": "resident", "Self Service": "resident", "Twitter": "resident",
    "Employee Generated": "worker", "City Worker App": "worker", "Maximo Integration": "sensor",
}  # fmt: skip
CATEGORY_COLUMNS = ("code", "parent", "name", "name_en", "department", "limit_hours")


def read(path: Path) -> pd.DataFrame:
    """Read the requests that have a place."""
    frame = pd.read_csv(path, dtype=str)
    frame = frame[(frame["geocoded"] == "True") & frame["open_dt"].str.contains("/2015 ")].reset_index(drop=True)
    frame[["lon", "lat"]] = frame[["lon", "lat"]].astype(float)
    return frame


def classify(frame: pd.DataFrame) -> pd.DataFrame:
    """Give every reason a major class beyond the standard's and every type below it a local minor one."""
    rows = []
    codes = {}
    for at, (reason, types) in enumerate(sorted(frame.groupby("reason")["type"]), 7):
        major = f"E{at:02}"
        rows.append((major, "", reason + LOCAL, reason, "", ""))
        for minor, name in enumerate(sorted(types.unique())):
            codes[reason, name] = f"{major}-{999 - minor}"
            rows.append((codes[reason, name], major, name + LOCAL, name, "", ""))
    frame["category"] = [codes[pair] for pair in zip(frame["reason"], frame["type"], strict=True)]
    return pd.DataFrame(rows, columns=list(CATEGORY_COLUMNS))


def districts(frame: pd.DataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Make the city and its wards of hexagons."""
    cells = cells_of(frame[["lon", "lat"]].to_numpy())
    ward = frame["ward"].str.extract(r"(\d+)")[0].str.zfill(2)
    votes = pd.DataFrame({"cell": cells.group, "ward": ward})
    chosen = votes.groupby("cell")["ward"].agg(lambda values: values.mode().iat[0] if values.notna().any() else "00")
    made = gpd.GeoDataFrame({"ward": chosen.to_numpy()}, geometry=list(cells.geoms[chosen.index]), crs=4326)
    wards = made.dissolve("ward").reset_index()
    wards["code"], wards["name"] = "bos-w" + wards["ward"], "Ward " + wards["ward"]
    city = gpd.GeoDataFrame(
        {"code": ["bos"], "name": ["Boston"], "time_zone": ["America/New_York"]},
        geometry=[shapely.union_all(made.geometry.to_numpy())], crs=4326,
    )  # fmt: skip
    return city, wards[["code", "name", "geometry"]]


def requests(frame: pd.DataFrame) -> pd.DataFrame:
    """Name the columns as the layer has them."""
    return pd.DataFrame(
        {
            "code": "bos" + frame["case_id"], "category": frame["category"], "title": frame["type"],
            "status": frame["case_status"].map({"Closed": "closed", "Open": "in_progress"}),
            "source": frame["source"].map(SOURCES), "department": frame["department"],
            "reported_at": frame["open_dt"], "due_at": frame["target_dt"], "resolved_at": frame["closed_dt"],
            "closed_at": frame["closed_dt"], "lon": frame["lon"], "lat": frame["lat"],
        }
    )  # fmt: skip


def main(source: Path, folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = read(source)
    classify(frame).to_csv(folder / "category.csv", index=False)
    city, wards = districts(frame)
    city.to_file(folder / "city.geojson")
    wards.to_file(folder / "ward.geojson")
    requests(frame).to_csv(folder / "incident.csv", index=False)
    print(f"{len(frame):,} requests, {len(wards)} wards")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
