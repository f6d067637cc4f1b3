"""Catalogues at addresses that fsspec opens."""

from __future__ import annotations

import io
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from emotion.clips import sources
from recommender.catalog import addresses, importer, locations
from recommender.catalog.addresses import PACKAGES, RangeFile, is_address, last_part, redacted
from recommender.catalog.catalog import STARTER, Catalog
from recommender.catalog.importer import import_file
from recommender.catalog.manifest import MANIFEST, parse
from recommender.catalog.progress import UPLOAD_STEPS
from recommender.errors import CatalogError
from recommender.types import Mood

fsspec = pytest.importorskip("fsspec", reason="addresses need fsspec")

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]


@pytest.fixture
def memory() -> Iterator[Any]:
    """A file system that is emptied before and after."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("s3://bucket/x", True),
        ("gs://bucket", True),
        ("https://example.org/x", True),
        ("simplecache::s3://bucket/x", True),
        ("file:///x", True),
        ("C:\\catalogue", False),
        ("c:/catalogue", False),
        ("/a/b://c", False),
        ("catalog.duckdb", False),
        ("", False),
    ],
)
def test_addresses_are_told_from_paths(place: str, known: bool) -> None:
    assert is_address(place) is known


def test_credentials_are_redacted() -> None:
    assert redacted("ftp://me:secret@host/a/b/") == "ftp://host/a/b"
    assert last_part("ftp://me:secret@host/a/b/") == "b"
    assert last_part("s3://bucket") == "bucket"
    assert redacted("ftp://me:se@cret@host/a") == "ftp://host/a"
    assert redacted("https://host/a?sig=secret#x") == "https://host/a?…"
    assert last_part("https://host/a?sig=secret/and/more") == "a?…"


@pytest.mark.parametrize("slash", ["", "/"])
def test_import_uploads_what_the_manifest_lists(
    slash: str, row: Row, write_csv: Writer, memory: Any
) -> None:
    address = f"memory://bucket/music{slash}"
    for number in range(3):
        table = write_csv([row(one) for one in range(3 + number)], f"{number}.csv")
        report = import_file(table, address)
        assert report.kept == 3 + number
        with Catalog.open(address) as catalog:
            assert len(catalog.candidates(Mood(0, 0))) == 3 + number
            assert catalog.source == "memory://bucket/music"
            assert catalog.name == "music"
    said = parse(memory.cat_file(f"/bucket/music/{MANIFEST}"))
    files = memory.find("/bucket/music", detail=True)
    there = {
        name.partition(f"{said.snapshot}/")[2]: about["size"]
        for name, about in files.items()
        if said.snapshot in name
    }
    assert there == said.files()


def test_file_address(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    address = (tmp_path / "music").as_uri()
    import_file(write_csv([row(1), row(2)]), address)
    with Catalog.open(address) as there, Catalog.open(tmp_path / "music") as here:
        assert there.candidates(Mood(0, 0)) == here.candidates(Mood(0, 0))


def test_abandoned_snapshots_are_removed_after_a_day(
    row: Row, write_csv: Writer, memory: Any
) -> None:
    address, table = "memory://bucket/music", write_csv([row(1)])
    stale, fresh = "20200101T000000Z-00000000", "29990101T000000Z-00000000"
    undated = "00009999T999999Z-00000000"
    for snapshot in (undated, stale, fresh):
        memory.pipe_file(f"/bucket/music/{snapshot}/boxes.parquet", b"x")
    import_file(table, address)
    left = {name.rsplit("/", 1)[-1] for name in memory.ls("/bucket/music", detail=False)}
    assert stale not in left
    assert {undated, fresh, MANIFEST} < left


def test_foreign_files_are_never_overwritten(row: Row, write_csv: Writer, memory: Any) -> None:
    memory.pipe_file("/bucket/own/photos.parquet", b"precious")
    with pytest.raises(
        CatalogError, match="memory://bucket/own is not a catalogue and stays as it"
    ):
        import_file(write_csv([row(1)]), "memory://bucket/own")
    assert list(memory.find("/bucket/own")) == ["/bucket/own/photos.parquet"]


def test_missing_and_incomplete_catalogues_are_reported(memory: Any) -> None:
    with pytest.raises(
        CatalogError, match=r"There is no catalogue at memory://bucket/x\. Make one"
    ):
        Catalog.open("memory://bucket/x")
    import_file(STARTER, "memory://bucket/x")
    snapshot = parse(memory.cat_file(f"/bucket/x/{MANIFEST}")).snapshot
    memory.rm(f"/bucket/x/{snapshot}/records/00000.parquet")
    said = r"memory://bucket/x is incomplete: its file records/00000\.parquet is missing; import .*"
    with pytest.raises(CatalogError, match=f"{said} --catalog memory://bucket/x”"):
        Catalog.open("memory://bucket/x")


def test_failed_upload_leaves_the_old_catalogue_intact(
    row: Row, write_csv: Writer, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "memory://bucket/music"
    import_file(write_csv([row(1)]), address)
    before = memory.find("/bucket/music")

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk there is full")

    for name in ("put_file", "pipe_file"):
        with monkeypatch.context() as patch:
            patch.setattr(type(memory), name, refuse)
            with pytest.raises(CatalogError, match=r"music cannot be written: .* disk there is f"):
                import_file(write_csv([row(2), row(3)], "new.csv"), address)
        assert memory.find("/bucket/music") == before
    with Catalog.open(address) as catalog:
        assert len(catalog) == 1


def test_lost_connection_is_reported_without_credentials(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(STARTER, "memory://bucket/music")

    def lose(*_: Any, **__: Any) -> bytes:
        raise ConnectionResetError("https://me:secret@host/x?sig=secret went away\nand more")

    with Catalog.open("memory://bucket/music") as catalog:
        monkeypatch.setattr(type(memory), "cat_file", lose)
        with pytest.raises(CatalogError, match="memory://bucket/music is broken or cannot be re"):
            catalog.candidates(Mood(0, 0))
    with pytest.raises(CatalogError, match="music cannot be read: ConnectionResetError") as caught:
        Catalog.open("memory://bucket/music")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("call", ["cat_file", "find"])
def test_address_that_never_answers_is_given_up(
    call: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(STARTER, "memory://bucket/music")
    over = Event()
    monkeypatch.setattr(addresses, "ANSWER_SECONDS", 0.2)
    try:
        with Catalog.open("memory://bucket/music") as catalog:
            monkeypatch.setattr(type(memory), call, lambda *_, **__: over.wait(60))
            if call == "cat_file":
                with pytest.raises(CatalogError, match="music is broken or cannot be read"):
                    catalog.candidates(Mood(0, 0))
        with pytest.raises(CatalogError, match=r"cannot be read: .*no answer within 0\.2 seconds"):
            Catalog.open("memory://bucket/music")
    finally:
        over.set()


def test_server_without_listings_is_read(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import_file(STARTER, "memory://bucket/music")

    def refuse(*_: Any, **__: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(type(memory), "find", refuse)
    with Catalog.open("memory://bucket/music") as catalog:
        assert len(catalog.candidates(Mood(0, 0), limit=5)) == 5


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = {"s3://me:secret@bucket/x": "fsspec s3fs", "memory://x": "fsspec"}
    for address, packages in needed.items():
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "fsspec", None)
            with pytest.raises(CatalogError, match=rf"\(pip install {packages}\)") as caught:
                Catalog.open(address)
            assert "secret" not in str(caught.value)

    def lacks(address: str) -> None:
        raise ImportError("Install something to access this")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacks)
    with pytest.raises(CatalogError, match=r"the package for such .* \(pip install s3fs\)\.$"):
        Catalog.open("simplecache::s3://bucket/x")
    with pytest.raises(CatalogError, match=r"the package for such .* Install something"):
        Catalog.open("strange://bucket/x")


def test_packages_are_the_same_for_clips_and_catalogues() -> None:
    assert PACKAGES == sources.PACKAGES


def test_place_that_cannot_be_written_is_reported_before_the_table_is_read(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("access denied")

    monkeypatch.setattr(type(memory), "pipe_file", refuse)
    monkeypatch.setattr(importer, "read_table", lambda *_, **__: pytest.fail("read"))
    with pytest.raises(CatalogError, match=r"//music cannot be written: .* access denied"):
        import_file(STARTER, "memory://music")


def test_no_folder_is_made_in_an_object_store(
    row: Row, write_csv: Writer, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it would be a bucket, under a name that may be mistyped."""

    def makes_bucket(*_: Any, **__: Any) -> None:
        pytest.fail("a bucket is made")

    def put_file(self: Any, here: str, there: str) -> None:  # fsspec's own makes folders
        self.pipe_file(there, Path(here).read_bytes())

    monkeypatch.setattr(locations, "file_system", lambda address: (memory, "/bucket/music"))
    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "makedirs", makes_bucket)
        patch.setattr(type(memory), "put_file", put_file)
        import_file(write_csv([row(1)]), "s3://bucket/music")
    with Catalog.open("s3://bucket/music") as catalog:
        assert len(catalog) == 1


def test_unknown_protocol_is_reported(row: Row, write_csv: Writer) -> None:
    for call in (Catalog.open, lambda address: import_file(write_csv([row(1)]), address)):
        with pytest.raises(CatalogError, match=r"nonsense://x cannot be read: .*nonsense"):
            call("nonsense://x")


def test_progress_includes_the_upload(row: Row, write_csv: Writer, memory: Any) -> None:
    told: list[tuple[float, str]] = []
    import_file(
        write_csv([row(1)]),
        "memory://bucket/music",
        on_progress=lambda done, what: told.append((done, what)),
    )
    assert list(dict.fromkeys(what for _, what in told)) == [*UPLOAD_STEPS, "Done"]
    assert told[-1] == (1.0, "Done")


def test_range_file_fetches_only_what_is_read() -> None:
    content = bytes(range(256)) * 1024
    fetched: list[tuple[int, int]] = []

    def fetch(start: int, end: int) -> bytes:
        fetched.append((start, end))
        return content[start:end]

    file = RangeFile(fetch, len(content))
    assert (file.read(10), file.tell()) == (content[:10], 10)
    assert file.seek(-8, io.SEEK_END) == len(content) - 8
    assert file.read() == content[-8:]
    file.seek(-300, io.SEEK_END)
    assert file.read(100) == content[-300:-200]
    file.seek(5)
    file.seek(5, io.SEEK_CUR)
    assert file.read(2) == content[10:12]
    file.seek(len(content) + 5)
    assert file.read(3) == b""
    tail = (len(content) - addresses._TAIL_BYTES, len(content))
    assert fetched == [(0, 10), tail, (10, 12)]


def test_short_reads_raise() -> None:
    with pytest.raises(OSError, match="got 3 bytes instead of 10"):
        RangeFile(lambda start, end: b"abc", 10**6).read(10)


class OneRange(SimpleHTTPRequestHandler):
    """Serves files, and of each the range of bytes that is asked for."""

    def send_head(self) -> Any:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return None
        data = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked:
            data = data[int(asked[1]) : int(asked[2]) + 1]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return io.BytesIO(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class OverHttp(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """Reads from a server; `fsspec` has one of its own, which needs aiohttp."""

    protocol = "overhttp"
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("overhttp://").rstrip("/")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        ranges = {} if end is None else {"Range": f"bytes={start or 0}-{end - 1}"}
        request = urllib.request.Request(f"http://{path}", headers=ranges)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            raise FileNotFoundError(path) from None


def test_http_server_that_answers_and_then_stops(
    row: Row, write_csv: Writer, tmp_path: Path, starter: Catalog
) -> None:
    fsspec.register_implementation("overhttp", OverHttp, clobber=True)
    import_file(STARTER, f"{tmp_path}/music/")
    handler = partial(OneRange, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        address = f"overhttp://127.0.0.1:{server.server_port}/music"
        try:
            with pytest.raises(CatalogError, match="There is no catalogue at"):
                Catalog.open(f"{address}/none")
            catalog = Catalog.open(address)
            ids = [track.id for track in starter.candidates(Mood(0, 0), limit=30)]
            with ThreadPoolExecutor(8) as threads:
                asked = [Mood(v / 4, -v / 4) for v in range(-4, 5)]
                for mood, found in zip(asked, threads.map(catalog.candidates, asked), strict=True):
                    assert found == starter.candidates(mood)
            assert catalog.get_many(ids) == starter.get_many(ids)
        finally:
            server.shutdown()
            thread.join()
    with catalog, pytest.raises(CatalogError, match="is broken or cannot be read"):
        catalog.find([("Imagine", "John Lennon")])
    with pytest.raises(CatalogError, match="cannot be read: URLError"):
        Catalog.open(address)
