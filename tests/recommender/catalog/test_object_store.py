"""A catalogue in an object store: `python -m recommender import … --catalog s3://…`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from recommender.catalog.catalog import ENVIRONMENT, STARTER
from tests.object_store import listed, run, s3

IMPORT = ("-m", "recommender", "import", STARTER, "--catalog")
PLAY = ("-m", "recommender", "play", "--emotion", "sad", "-n", "5", "--seed", "1")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with s3(tmp_path_factory.mktemp("s3")) as environment:
        yield environment


def test_playlist_is_that_of_the_same_catalogue_on_disk(environment: Mapping[str, str]) -> None:
    assert (
        "AFFECTUNE_CATALOG=s3://bucket/music"
        in run(environment, *IMPORT, "s3://bucket/music").stdout
    )
    there = run({**environment, ENVIRONMENT: "s3://bucket/music"}, *PLAY)
    assert there.stderr == ""
    assert there.stdout == run(environment, *PLAY).stdout
    # Nothing is left but one snapshot and its manifest.
    parts = {name.split("/")[2] for name in listed(environment, "s3://bucket/music")}
    assert len(parts) == 2


def test_no_bucket_is_made(environment: Mapping[str, str]) -> None:
    done = run(environment, *IMPORT, "s3://mistyped/music", status=2)
    assert "s3://mistyped/music cannot be written: " in done.stderr
    assert "bucket does not exist" in done.stderr
    assert listed(environment, "s3://") == ["bucket"]
