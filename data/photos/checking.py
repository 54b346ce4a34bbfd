"""Whether rows of photos and the files of their store agree."""

from sqlalchemy import Connection, text

from data.photos.store import PhotoStore

MOST_NAMED = 5
ON_ITS_WAY_S = 3600  # a file is there before its row is

_ROWS = text(
    "SELECT p.id, p.file, p.size_bytes, i.code FROM incident_photo p JOIN incident i ON i.id = p.incident_id "
    "WHERE p.file IS NOT NULL ORDER BY i.code, p.id"
)


def faults(connection: Connection, store: PhotoStore) -> list[str]:
    """Say in one sentence each which photos are lost or damaged, and how many files are nobody's.

    Raises
    ------
    PhotoStoreError
        If the store can't be read.
    """
    rows = connection.execute(_ROWS).all()  # before the files: what comes meanwhile is no fault
    kept = {one.name: one for one in store.kept()}
    found = []
    for row in rows:
        one = kept.get(row.file)
        if one is None:
            found.append(f"photo {row.id} of incident {row.code} is lost: {row.file} is not in the photo store")
        elif one.size_bytes != row.size_bytes:
            found.append(
                f"photo {row.id} of incident {row.code} is damaged: {row.file} has {one.size_bytes} bytes, "
                f"not {row.size_bytes}"
            )
    if len(found) > MOST_NAMED:
        found[MOST_NAMED:] = [f"… and {len(found) - MOST_NAMED} more photos lost or damaged"]
    orphans = len(_orphans(connection, store))
    if orphans:
        found.append(f"{orphans} files of the photo store belong to no incident; yiwangtu check --tidy takes them away")
    return found


def tidy(connection: Connection, store: PhotoStore) -> int:
    """Take files away that belong to no incident; tells how many."""
    orphans = _orphans(connection, store)
    for name in orphans:
        store.remove(name)
    return len(orphans)


def _orphans(connection: Connection, store: PhotoStore) -> list[str]:
    """Name the files that no row names, once they have been there for an hour: younger ones may be on their way."""
    old = [one.name for one in store.kept() if one.age_s >= ON_ITS_WAY_S]
    named = set(connection.execute(text("SELECT file FROM incident_photo WHERE file IS NOT NULL")).scalars())
    return sorted(set(old) - named)
