from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from recommender.catalog import catalog, nearby
from recommender.catalog.catalog import ENVIRONMENT, STARTER, Catalog, open_or_starter
from recommender.catalog.importer import import_file
from recommender.catalog.plane import AUDIO_FEATURES
from recommender.catalog.tables import FORMAT
from recommender.errors import CatalogError
from recommender.mood import room_mood
from recommender.types import Filters, Mood, Track
from tests.recommender.catalog.large import LARGE, few_blocks_per_file

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]


def test_the_starter_opens_by_default() -> None:
    with Catalog.open() as catalog:
        assert catalog.source == STARTER
        assert len(catalog) > 1900


def test_the_environment_names_another(
    row: Row, write_csv: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv([row(1), row(2)])
    monkeypatch.setenv(ENVIRONMENT, str(path))
    with Catalog.open() as catalog:
        assert (catalog.source, len(catalog)) == (path, 2)


def test_positions_are_middle_ranks_within_the_catalogue(row: Row, write_csv: Writer) -> None:
    valences = [0.5, 0.6, 0.6, 0.9]
    rows = [row(number, valence=v, energy=0.6) for number, v in enumerate(valences)]
    with Catalog.open(write_csv(rows)) as catalog:
        tracks = [catalog.get(f"{number:022d}") for number in range(4)]
    found = [track.position.valence for track in tracks if track]
    assert found == pytest.approx([-0.75, 0.0, 0.0, 0.75])


def test_a_single_track_lies_in_the_middle(row: Row, write_csv: Writer) -> None:
    with Catalog.open(write_csv([row(1)])) as catalog:
        (only,) = catalog.candidates(Mood(1, 1))
    assert only.position == Mood(0, 0)


def test_candidates_are_the_nearest(starter: Catalog) -> None:
    here = Mood(-0.4, 0.6)
    found = starter.candidates(here, limit=50)
    everything = starter.candidates(here, limit=10_000)
    assert len(found) == len({track.id for track in found}) == 50
    assert len(everything) == len(starter)
    # Fame moves a track by a tenth of the plane at most.
    furthest = max(track.position.distance(here) for track in found)
    ids = {track.id for track in found}
    left_out = [track.position.distance(here) for track in everything if track.id not in ids]
    assert min(left_out) > furthest - 0.1


def test_candidates_keep_to_genres_and_leave_out_ids(starter: Catalog) -> None:
    jazz = starter.candidates(Mood(0, 0), filters=Filters(genres=("jazz",)), limit=10_000)
    assert len(jazz) > 20
    assert all("jazz" in track.genres for track in jazz)
    both = starter.candidates(Mood(0, 0), filters=Filters(genres=("jazz", "k-pop")), limit=10_000)
    assert {family for track in both for family in track.genres} >= {"jazz", "k-pop"}
    rest = starter.candidates(
        Mood(0, 0),
        filters=Filters(genres=("jazz",)),
        limit=10_000,
        exclude={track.id for track in jazz[:10]},
    )
    assert rest == jazz[10:]


def test_candidates_along_a_journey_come_once_each(starter: Catalog) -> None:
    moods = [Mood(0, 0), Mood(0, 0), Mood(0.02, 0), Mood(0.9, 0.9)]
    found = starter.candidates_along(moods, limit=30)
    assert len(found) == len({track.id for track in found}) <= 90
    assert [track.id for track in found] == sorted(track.id for track in found)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_is_refused(starter: Catalog, limit: int) -> None:
    with pytest.raises(ValueError, match=f"{limit}: 1 or more"):
        starter.candidates(Mood(0, 0), limit=limit)


def test_sql_in_an_argument_finds_nothing_and_breaks_nothing(starter: Catalog) -> None:
    evil = "'; DROP TABLE tracks; --"
    assert starter.get(evil) is None
    assert starter.candidates(Mood(0, 0), filters=Filters(genres=(evil,))) == []
    assert len(starter.candidates(Mood(0, 0), exclude=[evil], limit=5)) == 5


@pytest.fixture(scope="module", params=["file", "folder"])
def large(
    request: pytest.FixtureRequest, large_table: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Catalog]:
    """A catalogue of many blocks, in many files if it is a folder."""
    target = tmp_path_factory.mktemp("large") / "catalog"
    with pytest.MonkeyPatch.context() as patch:
        few_blocks_per_file(patch)
        import_file(large_table, f"{target}/" if request.param == "folder" else target)
        with Catalog.open(target) as catalog:
            yield catalog


@pytest.fixture(scope="module")
def everything(large: Catalog) -> list[Track]:
    return large.get_many([f"{number:022d}" for number in range(LARGE)])


def _let_in(track: Track, filters: Filters) -> bool:
    return (
        (not filters.genres or bool({*filters.genres} & {*track.genres}))
        and not {*filters.without_genres} & {*track.genres}
        and not {name.lower() for name in filters.without_artists}
        & {name.lower() for name in track.artists}
        and (not filters.decades or (track.year or 0) // 10 * 10 in filters.decades)
        and (not filters.languages or track.language in filters.languages)
        and (filters.explicit or not track.explicit)
    )


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(genres=("folk",)),
        Filters(genres=("jazz",)),
        Filters(genres=("jazz", "k-pop")),
        Filters(without_genres=("pop", "folk")),
        Filters(without_artists=("ARTIST 3", "artist 4", "Nobody")),
        Filters(decades=(1960,)),
        Filters(decades=(1960, 1990), explicit=False),
        Filters(languages=("ko",)),
        Filters(genres=("k-pop",), languages=("ko",), decades=(1960,)),
        Filters(genres=("pop",), without_genres=("pop",)),
    ],
    ids=str,
)
def test_a_search_finds_what_a_comparison_with_every_track_finds(
    large: Catalog, everything: list[Track], filters: Filters
) -> None:
    exclude = {f"{number:022d}" for number in range(0, LARGE, 7)}
    kept = [track for track in everything if _let_in(track, filters) and track.id not in exclude]
    at = np.array([(t.position.valence, t.position.arousal) for t in kept]).reshape(-1, 2)
    fame = np.array([track.popularity for track in kept]) / 1000
    for here in (Mood(-1, -1), Mood(-0.4, 0.6), Mood(0.3, 0), Mood(0.97, 0.97)):
        away = np.hypot(*(at - (here.valence, here.arousal)).T) - fame
        for limit in (1, 60, 400):
            found = large.candidates(here, filters=filters, limit=limit, exclude=exclude)
            ids = {track.id for track in found}
            assert len(found) == len(ids) == min(limit, len(kept))
            # Among equals any may be chosen.
            chosen = np.array([track.id in ids for track in kept], dtype=bool)
            assert chosen.sum() == len(ids)
            if ids:
                assert away[chosen].max() <= np.sort(away)[len(ids) - 1] + 1e-9
            assert [track.id for track in found] == sorted(ids)


def test_a_search_along_a_journey_finds_what_searches_one_by_one_find(large: Catalog) -> None:
    moods = [Mood(step / 10, -step / 10) for step in range(-9, 10, 2)]
    for filters in (Filters(), Filters(genres=("jazz",)), Filters(explicit=False)):
        together = large.candidates_along(moods, filters=filters, limit=50)
        single = {t.id for mood in moods for t in large.candidates(mood, filters=filters, limit=50)}
        assert [track.id for track in together] == sorted(single)


def test_blocks_that_do_not_fit_in_memory_are_read_again(
    large: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    moods = [Mood(v / 3, a / 3) for v, a in product(range(-3, 4), repeat=2)]
    at_ease = [large.candidates(mood, limit=60) for mood in moods]
    monkeypatch.setattr(nearby, "MAX_CACHED_BLOCKS", 1)
    monkeypatch.setattr(catalog, "MAX_CACHED_TRACKS", 1)
    with Catalog.open(large.source) as short_of_memory:
        assert [short_of_memory.candidates(mood, limit=60) for mood in moods] == at_ease


def test_many_tracks_by_id_in_the_order_asked(starter: Catalog) -> None:
    some = [track.id for track in starter.candidates(Mood(0, 0), limit=30)]
    asked = [*reversed(some), "x" * 22, some[0]]
    assert [track.id for track in starter.get_many(asked)] == [*reversed(some), some[0]]
    assert starter.get_many([]) == []


@pytest.mark.parametrize(
    ("title", "artist", "wanted"),
    [
        ("Déjà Vu", "Beyoncé", 1),
        ("deja vu", "BEYONCE", 1),
        ("Déjà vu - Remastered 2011", "Beyoncé", 1),
        ("Déjà-vu! (feat. Jay-Z)", "Beyoncé", 1),
        ("Déjà vu", "Guest", None),
        ("Deja", "Beyoncé", None),
        ("Same", "Two", 3),
        ("日本", "Three", 4),
        ("'; DROP TABLE tracks; --", "x", None),
        ("", "", None),
    ],
)
def test_a_song_is_found_by_title_and_first_artist(
    title: str, artist: str, wanted: int | None, row: Row, write_csv: Writer
) -> None:
    rows = [
        row(1, title="Déjà Vu", artists="Beyoncé;Guest"),
        row(2, title="Same", artists="Two", popularity=20),
        row(3, title="Same (Live)", artists="Two", popularity=70),
        row(4, title="日本", artists="Three"),
    ]
    with Catalog.open(write_csv(rows)) as found:
        (first, second) = found.find([(title, artist), ("Same", "two")])
    assert (first.id if first else None) == (None if wanted is None else f"{wanted:022d}")
    assert second is not None
    assert second.id == f"{3:022d}"


def test_artist_and_genre_means(row: Row, write_csv: Writer) -> None:
    rows = [
        row(1, artists="Ann;Bo", genres="folk", valence=0.2, energy=0.4),
        row(2, artists="ann", genres="folk;pop", valence=0.4, energy=0.8),
        row(3, artists="Bo", genres="pop", valence=1.0, energy=0.0),
    ]
    with Catalog.open(write_csv(rows)) as found:
        artists = found.artist_means(["ANN", "Bo", "Nobody"])
        genres = found.genre_means()
        assert found.artist_means([]) == {}
        both = [track for track in map(found.get, (f"{1:022d}", f"{2:022d}")) if track]
    assert set(artists) == {"ANN", "Bo"}
    assert (artists["ANN"].valence, artists["ANN"].energy) == pytest.approx((0.3, 0.6))
    assert artists["ANN"].position.distance(room_mood([one.position for one in both])) < 1e-6
    assert artists["ANN"].tracks == artists["Bo"].tracks == 2
    assert (artists["Bo"].valence, artists["Bo"].energy) == pytest.approx((0.6, 0.2))
    assert set(genres) == {"folk", "pop"}
    assert (genres["folk"].valence, genres["folk"].energy) == pytest.approx((0.3, 0.6))
    assert genres["folk"].tracks == 2


def features(track: Track) -> dict[str, float | None]:
    """Return what a track was placed by."""
    return {name: getattr(track, name, None) for name in AUDIO_FEATURES}


def test_measured_features_are_ranked_among_the_catalogue(row: Row, write_csv: Writer) -> None:
    rows = [row(n, genres="folk" if n % 3 else "metal", tempo=60 + n % 90) for n in range(400)]
    with Catalog.open(write_csv(rows)) as found:
        for track in found.candidates(Mood(0, 0), limit=400):
            there = found.place(features(track), track.genres)
            assert there.distance(track.position) < 0.02
        steps = [found.place({"valence": 0.5, "energy": step / 50}) for step in range(51)]
        assert [mood.arousal for mood in steps] == sorted(mood.arousal for mood in steps)
        even = {"valence": 0.5, "energy": 0.5}
        metal, folk = (found.place(even, (family,)) for family in ("metal", "folk"))
        assert metal.arousal > folk.arousal


def test_more_figures_than_a_curve_has_points_are_placed_closely(
    row: Row, write_csv: Writer
) -> None:
    draw = np.random.default_rng(1)
    rows = [row(n, valence=v, energy=v**3) for n, v in enumerate(draw.random(6000).tolist())]
    with Catalog.open(write_csv(rows)) as found:
        for track in found.candidates(Mood(0, 0), limit=6000)[::100]:
            assert found.place(features(track), track.genres).distance(track.position) < 0.003


def test_languages_and_decades_are_those_of_its_tracks(row: Row, write_csv: Writer) -> None:
    rows = [row(1, language="ko", year=1987), row(2, language="ko", year=1980), row(3, year="")]
    rows[2]["language"] = ""
    with Catalog.open(write_csv([*rows, row(4, language="en", year="2021-03-01")])) as found:
        assert found.languages() == ("ko", "en")
        assert found.decades() == (1980, 2020)
        only = found.candidates(Mood(0, 0), filters=Filters(languages=("ko",), decades=(1980,)))
        assert {track.id for track in only} == {f"{1:022d}", f"{2:022d}"}
        assert found.candidates(Mood(0, 0), filters=Filters(languages=("xx",))) == []
        assert found.candidates(Mood(0, 0), filters=Filters(decades=(1930,))) == []


def test_the_fingerprint_is_that_of_the_tracks_and_not_of_the_file(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    rows = [row(number) for number in range(50)]
    import_file(write_csv(rows[::-1], "turned.csv"), tmp_path / "c.duckdb")
    others = [rows[:-1], [*rows[:-1], rows[-1] | {"valence": 0.123}], [*rows, row(50)]]
    with Catalog.open(write_csv(rows)) as one, Catalog.open(tmp_path / "c.duckdb") as two:
        assert one.fingerprint == two.fingerprint
        mine = one.fingerprint
    assert len(mine) == 12
    for number, other in enumerate(others):
        with Catalog.open(write_csv(other, f"{number}.csv")) as third:
            assert third.fingerprint != mine


def test_a_recording_is_found_by_its_code(row: Row, write_csv: Writer) -> None:
    rows = [
        row(1, ISRC="GBAYE0601498", popularity=10),
        row(2, ISRC="gb-aye-06-01498", popularity=90),
        row(3, ISRC=""),
    ]
    with Catalog.open(write_csv(rows)) as catalog:
        found = catalog.find_recordings(["GBAYE0601498", "USRC17607839", ""])
        assert {code: track.id for code, track in found.items()} == {"GBAYE0601498": f"{2:022d}"}
        assert catalog.find_recordings([]) == {}


def test_many_threads_may_ask_at_once(starter: Catalog) -> None:
    moods = [Mood(v / 10, -v / 10) for v in range(-10, 11)] * 3
    alone = [starter.candidates(mood, limit=20) for mood in moods]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda mood: starter.candidates(mood, limit=20), moods))
    assert together == alone


def test_a_large_table_is_opened_without_holding_it_in_memory(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "LARGE_TABLE_BYTES", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = write_csv([row(1), row(2)])
    with Catalog.open(path) as found:
        assert (found.source, len(found)) == (path, 2)
        assert list((tmp_path / "temporary").rglob("*.duckdb"))
    assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(CatalogError, match="lacks the columns"):
        Catalog.open(write_csv([{"id": number} for number in range(100)]))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_catalogue_is_read_only(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    target = tmp_path / "c.duckdb"
    import_file(write_csv([row(1)]), target)
    with Catalog.open(target) as first, Catalog.open(target) as second:
        assert len(first) == len(second) == 1


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files that are no catalogue, or no longer one."""
    folder = tmp_path_factory.mktemp("broken")
    paths = {name: folder / name for name in ("none", "text", "other.duckdb", "old.duckdb", "cut")}
    paths["text"].write_text("hello\nworld\n")
    with duckdb.connect(str(paths["other.duckdb"])) as connection:
        connection.execute("CREATE TABLE tracks AS SELECT 1 AS id")
        connection.execute(f"CREATE TABLE affectune AS SELECT {FORMAT} AS format")
    import_file(STARTER, paths["old.duckdb"])
    paths["cut"].write_bytes(paths["old.duckdb"].read_bytes()[:5000])
    with duckdb.connect(str(paths["old.duckdb"])) as connection:
        connection.execute("UPDATE affectune SET format = 0")
    return paths | {"folder": folder}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none", "There is no catalogue file"),
        ("folder", "There is no catalogue in"),
        ("text", "lacks the columns id, title, artists, valence, energy"),
        ("other.duckdb", "is a database, but not a catalogue of Affectune"),
        ("old.duckdb", "another version"),
        ("cut", "is broken"),
    ],
)
def test_unusable_catalogue_is_reported_and_the_starter_is_used(
    name: str, said: str, broken: dict[str, Path]
) -> None:
    path = broken[name]
    with pytest.raises(CatalogError, match=said) as caught:
        Catalog.open(path)
    assert "\n" not in str(caught.value)
    found, note = open_or_starter(path)
    with found:
        assert found.source == STARTER
        assert note is not None
        assert said in note
        assert note.endswith("Playing the starter catalogue instead.")


@pytest.mark.parametrize(
    ("place", "said"),
    [("/" + "long" * 100, "cannot be read: File name too long"), ("~nosuchuser/x", "found")],
)
def test_place_that_cannot_exist_is_reported(place: str, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        Catalog.open(place)


def test_full_disk_for_a_large_table_is_reported(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "LARGE_TABLE_BYTES", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(CatalogError, match=r"table\.csv cannot be read"):
        Catalog.open(write_csv([row(1), row(2)]))


def test_a_catalogue_that_can_be_used_comes_without_a_note(row: Row, write_csv: Writer) -> None:
    catalog, note = open_or_starter(write_csv([row(1)]))
    with catalog:
        assert (len(catalog), note) == (1, None)
