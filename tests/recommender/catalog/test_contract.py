"""What a catalogue answers, wherever its rows are: in a file, in a folder, or at an address."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path

import pytest

from recommender.catalog.addresses import is_address
from recommender.catalog.catalog import STARTER, Catalog
from recommender.catalog.importer import ImportReport, import_file
from recommender.recommender import Recommender
from recommender.types import INTENTS, Filters, Mood
from tests.recommender.catalog.large import LARGE, few_blocks_per_file

MOODS = (Mood(-0.8, -0.5), Mood(-0.4, 0.6), Mood(0.1, 0.0), Mood(0.9, 0.7))

FILTERS = (
    Filters(),
    Filters(genres=("folk",)),
    Filters(genres=("jazz",), explicit=False),
    Filters(without_genres=("pop",), decades=(1990,)),
    Filters(decades=(1960,), languages=("en",)),
    Filters(languages=("ko",)),
    Filters(without_artists=("ARTIST 3", "guest 4", "Nobody")),
    Filters(genres=("k-pop",), without_artists=("Guest 1",), explicit=False),
    Filters(genres=("opera",)),
)


@pytest.fixture(scope="module")
def reference(large_table: Path) -> Iterator[Catalog]:
    """The table itself, read into memory."""
    with Catalog.open(large_table) as catalog:
        yield catalog


@pytest.fixture(scope="class")
def imported(
    request: pytest.FixtureRequest, large_table: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ImportReport, Catalog]]:
    target = request.cls.target(tmp_path_factory.mktemp("contract"))
    with pytest.MonkeyPatch.context() as patch:
        few_blocks_per_file(patch)
        report = import_file(large_table, target)
        with Catalog.open(target) as catalog:
            yield report, catalog


@pytest.fixture(scope="class")
def catalog(imported: tuple[ImportReport, Catalog]) -> Catalog:
    return imported[1]


@pytest.fixture(scope="class")
def starter_here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Catalog]:
    target = request.cls.target(tmp_path_factory.mktemp("starter"))
    import_file(STARTER, target)
    with Catalog.open(target) as catalog:
        yield catalog


class Contract:
    """What all of them answer alike. A subclass says where one is written to."""

    @staticmethod
    def target(folder: Path) -> str:
        raise NotImplementedError

    def test_import_report_adds_up(self, imported: tuple[ImportReport, Catalog]) -> None:
        report, catalog = imported
        assert (report.read, report.kept) == (LARGE, LARGE)
        assert report.kept + report.merged + sum(report.refused.values()) == report.read
        assert len(catalog) == report.kept

    def test_metadata(self, catalog: Catalog, reference: Catalog) -> None:
        assert catalog.fingerprint == reference.fingerprint
        assert catalog.marked == reference.marked == LARGE
        assert catalog.genres() == reference.genres()
        assert catalog.decades() == reference.decades() == (1960, 1990, 2010)
        assert catalog.languages() == reference.languages()
        means, wanted = catalog.genre_means(), reference.genre_means()
        assert list(means) == list(wanted)
        for family, mean in means.items():
            assert mean.tracks == wanted[family].tracks
            assert mean.position.distance(wanted[family].position) < 1e-6
        there = {"valence": 0.3, "energy": 0.7}
        assert catalog.place(there, ("folk",)) == reference.place(there, ("folk",))

    @pytest.mark.parametrize("filters", FILTERS, ids=str)
    def test_candidates(self, catalog: Catalog, reference: Catalog, filters: Filters) -> None:
        exclude = {f"{number:022d}" for number in range(0, LARGE, 40)}
        for mood in MOODS:
            found = catalog.candidates(mood, filters=filters, limit=60, exclude=exclude)
            assert found == reference.candidates(mood, filters=filters, limit=60, exclude=exclude)
            assert not exclude & {track.id for track in found}
        along = catalog.candidates_along(MOODS, filters=filters, limit=30)
        assert along == reference.candidates_along(MOODS, filters=filters, limit=30)

    def test_excluding_served_tracks_needs_no_lookup(
        self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = {track.id for track in catalog.candidates(MOODS[0], limit=40)}

        def look_up(*_: object) -> None:
            raise AssertionError("their numbers are known")

        monkeypatch.setattr(catalog._storage, "numbers_of", look_up)
        second = {track.id for track in catalog.candidates(MOODS[0], limit=40, exclude=first)}
        assert len(second) == 40
        assert not first & second

    @pytest.mark.parametrize("filters", FILTERS, ids=str)
    def test_counts_of_passing_tracks(
        self, catalog: Catalog, reference: Catalog, filters: Filters
    ) -> None:
        assert catalog.passing(filters) == reference.passing(filters)

    @pytest.mark.parametrize("intent", INTENTS)
    def test_playlists(self, starter_here: Catalog, starter: Catalog, intent: str) -> None:
        for seed, mood in enumerate(MOODS):
            for genres in ((), ("jazz",)):
                here, there = (
                    Recommender(each).recommend(mood, intent=intent, genres=genres, seed=seed)  # type: ignore[arg-type]
                    for each in (starter_here, starter)
                )
                assert here.picks == there.picks
                assert len(here.picks) == 20

    def test_tracks_by_id(self, catalog: Catalog, reference: Catalog) -> None:
        ids = [f"{number:022d}" for number in (19_999, 3, 4097, 3, 12_345)]
        asked = [*ids, "x" * 22, "'; DROP TABLE tracks; --"]
        assert [track.id for track in catalog.get_many(asked)] == ids
        assert catalog.get_many(asked) == reference.get_many(asked)
        assert catalog.get_many([]) == []
        assert catalog.get("x" * 22) is None
        many = [f"{number:022d}" for number in range(0, LARGE, 3)]
        assert catalog.get_many(many) == reference.get_many(many)

    def test_songs_by_title_and_artist(self, catalog: Catalog, reference: Catalog) -> None:
        asked = [
            ("SONG 7 (Live)", "artist 7"),
            ("Song 14999", "Artist 299"),
            ("Song 7", "Guest 7"),
            ("", ""),
        ]
        found = catalog.find(asked)
        assert found == reference.find(asked)
        assert [track is not None for track in found] == [True, True, False, False]
        assert catalog.find([]) == []

    def test_recordings_by_code(self, catalog: Catalog, reference: Catalog) -> None:
        codes = ["GB0000000001", "gb-00000-00002", "GB9999999999", ""]
        found = catalog.find_recordings(codes)
        assert found == reference.find_recordings(codes)
        assert set(found) == set(codes[:2])
        assert catalog.find_recordings([]) == {}

    def test_artist_means(self, catalog: Catalog, reference: Catalog) -> None:
        names = ["ARTIST 5", "Guest 7", "Nobody"]
        found, wanted = catalog.artist_means(names), reference.artist_means(names)
        assert set(found) == set(wanted) == set(names[:2])
        for name in found:
            assert found[name].tracks == wanted[name].tracks
            assert found[name].position.distance(wanted[name].position) < 1e-6
            assert astuple(found[name])[:2] == pytest.approx(astuple(wanted[name])[:2])
        assert catalog.artist_means([]) == {}

    def test_half_a_character_is_in_no_catalogue(self, catalog: Catalog) -> None:
        """A browser's JSON can hold one. Where that passed for damage, it took the catalogue away
        from all visitors."""
        half = "\ud83d"
        artists = Filters(without_artists=(half,))
        assert catalog.get_many([half]) == []
        assert catalog.find([(half, half)]) == [None]
        assert catalog.find_recordings([half]) == {}
        assert catalog.artist_means([half]) == {}
        assert catalog.candidates(MOODS[0], filters=artists, exclude=[half]) == (
            catalog.candidates(MOODS[0])
        )
        assert catalog.passing(artists).tracks == len(catalog)

    def test_concurrent_queries(self, catalog: Catalog) -> None:
        asked = [(mood, filters) for mood in MOODS for filters in FILTERS] * 2
        with Catalog.open(str(catalog.source)) as fresh, ThreadPoolExecutor(8) as threads:
            together = threads.map(
                lambda one: fresh.candidates(one[0], filters=one[1], limit=20), asked
            )
            for (mood, filters), found in zip(asked, together, strict=True):
                assert found == catalog.candidates(mood, filters=filters, limit=20)

    def test_name(self, catalog: Catalog) -> None:
        assert catalog.name == "catalog"


class TestFile(Contract):
    @staticmethod
    def target(folder: Path) -> str:
        return str(folder / "catalog")


class TestFolder(Contract):
    @staticmethod
    def target(folder: Path) -> str:
        return f"{folder / 'catalog'}/"


class TestAddress(Contract):
    @staticmethod
    def target(folder: Path) -> str:
        pytest.importorskip("fsspec", reason="addresses need fsspec")
        address = f"memory://{folder.name}/catalog"
        assert is_address(address)
        return address
