"""Stores of photos: a directory, and a real S3-compatible server on this machine."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from data.photos.store import DiskStore, PhotoStore, PhotoStoreError, open_store
from data.settings import DataSettings

PHOTO, OTHER = b"\xff\xd8 a photo", b"\xff\xd8 another photo"
WRITER = """
import sys
from pathlib import Path
from data.photos.store import DiskStore
store = DiskStore(Path(sys.argv[1]))
for number in range(100_000):
    print(store.put(f"photo {number} of {sys.argv[2]}".encode() * 2000), flush=True)
"""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of an S3-compatible server with the bucket `photos`."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    assert httpx.put(f"{address}/photos").status_code == 200
    yield address
    server.stop()


def s3(address: str, **changed: str) -> PhotoStore:
    values = {"photo_url": "s3://photos/xialu", "photo_endpoint": address, "photo_key": "k", "photo_secret": "s3cret"}
    return open_store(DataSettings(_env_file=None, **{**values, **changed}))


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PhotoStore:
    if request.param == "disk":
        return open_store(DataSettings(_env_file=None, data_dir=tmp_path))
    address = request.getfixturevalue("service")
    made = s3(address)
    for one in made.kept():
        made.remove(one.name)
    return made


def test_what_is_put_is_there_once_under_its_hash(store: PhotoStore) -> None:
    assert list(store.kept()) == []
    names = [store.put(content) for content in (PHOTO, OTHER, PHOTO)]
    assert names == [hashlib.sha256(content).hexdigest() for content in (PHOTO, OTHER, PHOTO)]
    assert [store.get(name) for name in names] == [PHOTO, OTHER, PHOTO]
    assert {one.name: one.size_bytes for one in store.kept()} == {names[0]: len(PHOTO), names[1]: len(OTHER)}
    assert all(0 <= one.age_s + 2 < 600 for one in store.kept())


def test_what_is_removed_is_gone_and_removing_it_again_is_no_fault(store: PhotoStore) -> None:
    name = store.put(PHOTO)
    for _ in range(2):
        store.remove(name)
    assert store.get(name) is None
    assert list(store.kept()) == []


def test_a_cut_file_is_written_anew(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    name = store.put(PHOTO)
    (tmp_path / name[:2] / f"{name}.jpg").write_bytes(PHOTO[:3])
    assert store.put(PHOTO) == name
    assert store.get(name) == PHOTO


def test_a_photo_put_again_is_young_again(tmp_path: Path) -> None:
    """So that what tidies the store does not take a file away that a new row is about to name."""
    store = DiskStore(tmp_path)
    path = tmp_path / (name := store.put(PHOTO))[:2] / f"{name}.jpg"
    os.utime(path, (0, 0))
    store.put(PHOTO)
    assert next(store.kept()).age_s < 600


def test_a_writer_killed_in_the_middle_leaves_whole_photos(tmp_path: Path) -> None:
    """Every name that was told is a whole file, and no file under a name is anything but what the name says."""
    for turn in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(turn)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        told = [writer.stdout.readline().decode().strip() for _ in range(20 + 7 * turn)]
        writer.send_signal(signal.SIGKILL)
        told += [name for name in writer.stdout.read().decode().split("\n")[:-1] if name]
        writer.wait()
        writer.stdout.close()
        store = DiskStore(tmp_path)
        assert all(store.get(name) is not None for name in told)
        assert all(hashlib.sha256(store.get(one.name) or b"").hexdigest() == one.name for one in store.kept())


def test_a_disk_that_takes_nothing_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "photos").write_text("a file where a folder should be")
    with pytest.raises(PhotoStoreError, match="the disk does not take the photo"):
        DiskStore(tmp_path / "photos").put(PHOTO)


def test_an_s3_service_that_does_not_answer_is_told_without_keys(service: str) -> None:
    for store in (s3("http://127.0.0.1:9"), s3(service, photo_url="s3://nobodys")):
        with pytest.raises(PhotoStoreError) as told:
            store.put(PHOTO)
        assert "does not work" in str(told.value)
        assert "s3cret" not in str(told.value)


def test_an_s3_service_needs_its_keys() -> None:
    with pytest.raises(PhotoStoreError, match="YIWANGTU_PHOTO_KEY"):
        s3("http://127.0.0.1:9", photo_key="")
