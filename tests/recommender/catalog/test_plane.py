"""A track lies where listeners would put it: the learned plane, in Python and in SQL."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from recommender.catalog.catalog import Catalog
from recommender.catalog.importer import import_file
from recommender.catalog.plane import (
    AUDIO_FEATURES,
    AXES,
    INPUTS,
    PLANE,
    MoodPlane,
    default_plane,
    input_of,
    load,
)
from recommender.errors import CatalogError
from recommender.genres import default_table
from recommender.types import Mood, Track

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]

LOUD: dict[str, float | None] = {
    "valence": 0.4,
    "energy": 0.9,
    "danceability": 0.5,
    "acousticness": 0.01,
    "instrumentalness": 0.0,
    "speechiness": 0.08,
    "tempo": 140.0,
    "loudness": -4.0,
}
QUIET = LOUD | {"energy": 0.1, "acousticness": 0.95, "loudness": -20.0, "tempo": 75.0}


def test_inputs_are_products_of_powers_of_features() -> None:
    assert input_of("valence × energy", LOUD) == pytest.approx(0.36)
    assert input_of("√acousticness", LOUD) == pytest.approx(0.1)
    assert input_of("energy²", LOUD) == pytest.approx(0.81)
    assert input_of("loudness", LOUD) == -4.0
    assert input_of("valence × √acousticness", LOUD | {"acousticness": None}) is None
    assert set(AUDIO_FEATURES) == set(LOUD)


def test_loud_tracks_have_higher_arousal_than_quiet_ones() -> None:
    plane = default_plane()
    assert plane.figures(LOUD)[1] > plane.figures(QUIET)[1]
    assert plane.figures(LOUD | {"valence": 0.9})[0] > plane.figures(LOUD | {"valence": 0.1})[0]


def test_model_with_the_most_available_features_is_used() -> None:
    plane = default_plane()
    assert plane.model_for(AUDIO_FEATURES) == plane.models[0]
    assert plane.model_for(("valence", "energy")) == plane.models[-1]
    few = plane.model_for(("valence", "energy", "acousticness", "tempo"))
    assert few.features == {"valence", "energy", "acousticness"}
    sizes = [len(model.features) for model in plane.models]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == len(AUDIO_FEATURES)


def test_an_unknown_feature_counts_as_the_average() -> None:
    model = default_plane().models[0]
    average = {name: model.means[name] for name in model.means}
    known = LOUD | {"tempo": None}
    filled = LOUD | {"tempo": average["tempo"]}
    assert model.figures(known) == pytest.approx(model.figures(filled))


def test_families_add_their_mean() -> None:
    plane = default_plane()
    metal, soul = plane.families["metal"], plane.families["soul"]
    assert metal[0] < 0 < soul[0]
    assert plane.of_family(("metal", "soul", "no such family")) == pytest.approx(
        ((metal[0] + soul[0]) / 2, (metal[1] + soul[1]) / 2)
    )
    assert plane.of_family(()) == (0.0, 0.0)
    assert set(plane.families) <= set(default_table().families)


@pytest.mark.parametrize("place", range(len(default_plane().models)))
def test_sql_matches_python(place: int) -> None:
    model = default_plane().models[place]
    with duckdb.connect() as connection:
        for each in (LOUD, QUIET, LOUD | {"tempo": None, "acousticness": None}):
            columns = ", ".join(
                f"{'NULL' if value is None else value}::DOUBLE AS {name}"
                for name, value in each.items()
            )
            expressions = ", ".join(model.expression(axis) for axis in AXES)
            found = connection.execute(f"SELECT {expressions} FROM (SELECT {columns})").fetchall()
            assert found[0] == pytest.approx(model.figures(each))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("families"),
        lambda content: content["models"].clear(),
        lambda content: content["models"].pop(),
        lambda content: content["models"][0]["inputs"].update(shoes={"mean": 0}),
        lambda content: content.update(label_weight=[1]),
    ],
)
def test_invalid_mood_plane_file_is_reported(
    change: Callable[[Any], object], tmp_path: Path
) -> None:
    content = json.loads(PLANE.read_text(encoding="utf-8"))
    change(content)
    path = tmp_path / "plane.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=r"plane\.json"):
        load(path)


def test_the_fingerprint_is_that_of_the_coefficients(tmp_path: Path) -> None:
    content = json.loads(PLANE.read_text(encoding="utf-8"))
    path = tmp_path / "plane.json"

    def written() -> MoodPlane:
        path.write_text(json.dumps(content), encoding="utf-8")
        return load(path)

    content["fitted"] = {}
    assert written().fingerprint == default_plane().fingerprint
    content["models"][0]["inputs"]["energy"]["arousal"] += 0.001
    assert written().fingerprint != default_plane().fingerprint


def _placed(path: Path) -> list[Track]:
    with Catalog.open(path) as catalog:
        return sorted(catalog.candidates(Mood(0, 0), limit=1000), key=lambda track: track.id)


def test_import_reports_which_features_placed_the_tracks(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    bare = [
        {name: row(n)[name] for name in ("id", "title", "artists", "valence", "energy")}
        for n in range(9)
    ]
    notes = import_file(write_csv(bare), tmp_path / "c.duckdb").notes
    assert any(
        note.startswith("Tracks are placed on the mood plane by valence and energy; this table")
        and "loudness, which would help" in note
        for note in notes
    )
    full = [row(n, speechiness=0.05, loudness=-8) for n in range(9)]
    assert not any(
        "mood plane" in note for note in import_file(write_csv(full), tmp_path / "c.duckdb").notes
    )


def test_a_figure_outside_of_its_range_only_counts_as_missing(
    row: Row, imported: Callable[..., Any], table_of: Callable[..., str]
) -> None:
    report, tracks = imported(
        table_of(
            "id,title,artists,valence,energy,loudness,speechiness",
            "A,Ann,0.5,0.5,-8,0.1",
            "B,Ann,0.5,0.5,-900,0.1",
            "C,Ann,0.5,0.5,loud,0.1",
        )
    )
    assert report.kept == 3
    assert tracks[1].position == tracks[2].position


def test_listener_ratings_are_combined_with_features(row: Row, write_csv: Writer) -> None:
    rows = [row(n, listener_valence="", listener_arousal="") for n in range(50)]
    before = _placed(write_csv(rows, "before.csv"))[7].position
    rows[7] |= {"listener_valence": 3.0, "listener_arousal": -3.0}
    after = _placed(write_csv(rows, "after.csv"))[7]
    assert (after.position.valence, after.position.arousal) == pytest.approx((0.98, -0.98))
    assert before.distance(after.position) > 0.1
    assert all(0.3 < weight < 0.9 for weight in default_plane().label_weight)


def test_a_genre_moves_tracks_that_sound_alike(row: Row, write_csv: Writer) -> None:
    rows = [row(n, valence=0.5, energy=0.7, genres="metal" if n % 2 else "soul") for n in range(8)]
    tracks = _placed(write_csv(rows))
    assert {track.position.valence for track in tracks if "metal" in track.genres} == {-0.5}
    assert {track.position.valence for track in tracks if "soul" in track.genres} == {0.5}


def test_a_catalogue_of_another_plane_says_how_to_mend_it(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    target = tmp_path / "c.duckdb"
    import_file(write_csv([row(1), row(2)]), target)
    with duckdb.connect(str(target)) as connection:
        connection.execute("UPDATE affectune SET plane = 'another one'")
    with pytest.raises(CatalogError, match="python -m recommender import"):
        Catalog.open(target)


def test_no_figure_of_the_plane_is_out_of_bounds() -> None:
    for model in default_plane().models:
        assert all(name in INPUTS for name in model.means)
        assert all(math.isfinite(slope) for slopes in model.slopes.values() for slope in slopes)
