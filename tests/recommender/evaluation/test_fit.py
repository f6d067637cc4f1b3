"""The plane is fitted to what listeners say, to the songs it may be fitted to and no others."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.__main__ import main
from recommender.catalog.plane import AUDIO_FEATURES, AXES, load
from recommender.errors import CatalogError
from recommender.evaluation import labelled_like
from recommender.evaluation.adjectives import agreement
from recommender.evaluation.baselines import NearestRank, Random
from recommender.evaluation.fit import (
    CORNERS,
    as_text,
    carrying,
    fit,
    fit_files,
    nearest,
    quality,
    ranks,
)
from recommender.evaluation.labelled_like import labelled_precision, labelled_sets
from recommender.evaluation.listener_view import listener_view, songs_of
from recommender.evaluation.listeners import (
    SPLITS,
    Recording,
    Said,
    join,
    names_of,
    read_listeners,
    read_recordings,
    song_name,
    unfitted,
)
from recommender.types import Mood, Track

SONGS = 300


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    """Songs by 100 artists, half of them soul and half metal."""
    draw = np.random.default_rng(1)
    found = []
    for number in range(SONGS):
        figures: dict[str, float | None] = {
            name: round(float(value), 3)
            for name, value in zip(AUDIO_FEATURES, draw.random(len(AUDIO_FEATURES)), strict=True)
        }
        found.append(
            Recording(
                id=f"{number:022d}",
                title=f"Song {number}",
                artists=(f"Artist {number // 3}",),
                features=figures | {"tempo": 100.0, "loudness": -8.0},
                genres=("soul",) if number % 2 else ("metal",),
                popularity=50.0,
            )
        )
    return found


@pytest.fixture(scope="module")
def said(recordings: list[Recording]) -> list[Said]:
    """Listeners whose arousal is energy, and whose valence is the genre and a little noise."""
    draw = np.random.default_rng(2)
    return [
        Said(
            name=song_name(each.artists[0], each.title),
            valence=(1.0 if each.genres == ("soul",) else -1.0) + float(draw.normal()) / 4,
            arousal=3 * (each.features["energy"] or 0) - 1.5 + float(draw.normal()) / 4,
            split=SPLITS[(number // 3) % 3],
            ratings=((0.0, 0.0),),
        )
        for number, each in enumerate(recordings)
    ]


def test_features_that_drive_ratings_are_recovered(
    recordings: list[Recording], said: list[Said]
) -> None:
    found = fit(recordings, said)
    model = found.content["models"][0]["inputs"]
    assert model["energy"]["arousal"] > 3 * abs(model["energy"]["valence"])
    families = found.content["families"]
    assert families["metal"][0] < -0.5 < 0.5 < families["soul"][0]
    learned = found.qualities["learned plane"]
    assert min(learned.correlation) > 0.9
    assert learned.mean[0] > 0.8
    assert learned.songs == sum(each.split == "test" for each in said)
    assert found.qualities["learned plane, no genres"].correlation[0] < 0.5
    assert "12" in as_text(found)


def test_nothing_of_the_test_split_is_fitted_to(
    recordings: list[Recording], said: list[Said]
) -> None:
    other = [
        replace(each, valence=-each.valence, arousal=-each.arousal)
        if each.split == "test"
        else each
        for each in said
    ]
    one, two = fit(recordings, said).content, fit(recordings, other).content
    assert (one["models"], one["families"]) == (two["models"], two["families"])


def test_songs_of_artists_that_were_fitted_are_not_reported_on(said: list[Said]) -> None:
    assert len(unfitted(said)) == sum(each.split == "test" for each in said)
    known = next(each for each in said if each.split == "train")
    by_the_same = replace(known, name=(known.name[0], "another"), split="test")
    assert by_the_same.name not in unfitted([*said, by_the_same])


def test_too_few_songs_say_so(recordings: list[Recording], said: list[Said]) -> None:
    with pytest.raises(CatalogError, match="Only 9 songs of the split 'train'"):
        fit(recordings[:27], said)


def test_the_same_songs_under_other_names_are_joined(recordings: list[Recording]) -> None:
    one = replace(
        recordings[0],
        title="Café Song (Live) [2011 Remaster]",
        artists=("Ann & Bo", "Cy"),
        popularity=10.0,
    )
    best = replace(one, id="9" * 22, title="CAFE SONG - Mono", popularity=90.0)
    heard = Said(song_name("ann", "Cafe song"), 0.1, 0.2, "train", ((0.1, 0.2),))
    assert join([one, best], [heard]) == [(best, heard)]
    assert names_of("X", ("A;B", "C"))[0] == ("abc", "x")
    assert song_name("A", "(Intro)") == ("a", "intro")


def test_each_mood_label_covers_a_quarter() -> None:
    places = np.random.default_rng(3).normal(size=(80, 2))
    for mood in CORNERS.values():
        carried = carrying(places, mood)
        assert carried.sum() == 20
        assert set(np.flatnonzero(carried)) == set(nearest(ranks(places), mood)[:20])
    best = quality(places * 7 + 3, places)
    assert best.correlation == pytest.approx((1, 1))
    assert best.mean[:2] == (1.0, 1.0)
    assert ranks(np.array([[1.0], [1.0], [5.0]])).ravel() == pytest.approx([-1 / 3, -1 / 3, 2 / 3])


def _write(path: Path, said: list[Said]) -> Path:
    rows = [
        f"Artist {number // 3},Song {number},{each.valence},{each.arousal},{each.split}"
        for number, each in enumerate(said)
    ]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(["artist,title,valence,arousal,split", *rows]))
    return path


def test_the_command_writes_a_plane_that_can_be_used(
    recordings: list[Recording],
    said: list[Said],
    tmp_path: Path,
    write_csv: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = _write(tmp_path / "listeners.csv.gz", said)
    facts = write_csv(
        [
            {
                "id": each.id,
                "title": each.title,
                "artists": each.artists[0],
                "genres": each.genres[0],
                "popularity": 50,
                **each.features,
            }
            for each in recordings
        ]
    )
    assert read_recordings(facts) == recordings
    target = tmp_path / "plane.json"
    arguments = ["fit", "--labels", str(labels), "--facts", str(facts), "--out", str(target)]
    assert main(arguments) == 0
    assert "learned plane" in capsys.readouterr().out
    first = target.read_text(encoding="utf-8")
    plane = load(target)
    loud = dict.fromkeys(AUDIO_FEATURES, 0.5) | {"energy": 1.0, "tempo": 100.0, "loudness": -8.0}
    quiet = loud | {"energy": 0.0}
    assert plane.figures(loud)[1] > plane.figures(quiet)[1] + 1
    fit_files(labels, facts, target)
    assert target.read_text(encoding="utf-8") == first, "the same tables, another plane"
    assert str(tmp_path) not in first
    assert set(json.loads(first)["models"][0]["inputs"]["energy"]) == {"mean", "scale", *AXES}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("artist,title\nA,B\n", "lacks the columns valence, arousal, split"),
        ("artist,title,valence,arousal,split\n", "has no songs"),
        ("artist,title,valence,arousal,split\nA,B,x,0,train\n", "line 2: valence and arousal"),
        ("artist,title,valence,arousal,split\nA,B,0,0,dev\n", "line 2: split 'dev'"),
    ],
)
def test_a_table_of_listeners_that_cannot_be_used_says_why(
    text: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "listeners.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=says):
        read_listeners(path)
    with pytest.raises(CatalogError, match="cannot be read"):
        read_listeners(tmp_path / "none.csv.gz")


def test_a_song_that_is_rated_twice_belongs_to_the_first_split(tmp_path: Path) -> None:
    path = tmp_path / "listeners.csv"
    rows = ["A,B (Live),1,0,test", "a,b,0,1,train", "C,D,2,2,test"]
    path.write_text("\n".join(["artist,title,valence,arousal,split", *rows]), encoding="utf-8")
    both, other = read_listeners(path)
    assert (both.valence, both.arousal, both.split) == (0.5, 0.5, "train")
    assert both.ratings == ((1.0, 0.0), (0.0, 1.0))
    assert other.split == "test"


@pytest.fixture
def placed(
    recordings: list[Recording], said: list[Said], track: Callable[..., Track]
) -> list[Track]:
    """Tracks that lie where listeners put them."""
    there = ranks(np.array([(each.valence, each.arousal) for each in said]))
    return [
        track(
            number,
            title=each.title,
            artists=each.artists,
            genres=(),
            position=Mood(float(valence), float(arousal)),
            valence=(float(valence) + 1) / 2,
            energy=(float(arousal) + 1) / 2,
        )
        for number, (each, (valence, arousal)) in enumerate(zip(recordings, there, strict=True))
    ]


def test_music_that_lies_where_listeners_put_it_is_found(
    placed: list[Track], said: list[Said]
) -> None:
    view = listener_view(placed, said, recommenders=[NearestRank(), Random()])
    assert view.songs == len(songs_of(placed, said, "test")) == 99
    assert view.mean("nearest, ranked")[0] == 1.0
    assert view.mean("random")[0] < 0.5
    assert view.correlation["the learned plane"] > (0.9, 0.9)
    with pytest.raises(CatalogError, match="60 are needed"):
        listener_view(placed[:30], said)


def test_adjectives_are_held_to_what_listeners_say(placed: list[Track], said: list[Said]) -> None:
    right = agreement(placed, said)
    assert right.songs == 99
    assert all(count == agreed > 5 for count, agreed in right.sides.values())
    turned = [
        replace(each, position=Mood(-each.position.valence, each.position.arousal), valence=0.5)
        for each in placed
    ]
    wrong = agreement(turned, said)
    assert wrong.sides["bright"][1] == wrong.sides["dark"][1] == 0
    assert wrong.sides["loud"] == right.sides["loud"]


def test_sets_like_the_labelled_tracks_have_their_quartiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(4)
    figures = draw.random((6000, len(AUDIO_FEATURES)))
    recordings = [
        Recording(
            id=f"{number:022d}",
            title="x",
            artists=(f"Artist {number}",),
            features=dict(zip(AUDIO_FEATURES, row, strict=True)) | {"tempo": 100.0},
            genres=("pop",),
            popularity=50.0,
        )
        for number, row in enumerate(figures.tolist())
    ]
    monkeypatch.setattr(labelled_like, "SET_SEEDS", (1,))
    (drawn,) = labelled_sets(recordings)
    assert len(drawn.tracks) == len(set(drawn.moods)) == 4 * labelled_like.TRACKS_PER_MOOD
    for mood, (valence, energy) in labelled_like.LABELLED.items():
        those = [track for track in drawn.tracks if drawn.moods[track.id] == mood]
        for found, quartiles in (
            ([track.valence for track in those], valence),
            ([track.energy for track in those], energy),
        ):
            assert np.quantile(found, [0.25, 0.75]) == pytest.approx(quartiles, abs=0.09)
        wordless = sum((track.instrumentalness or 0) > 0.5 for track in those)
        assert wordless == 0 if mood != "calm" else wordless > 0.8 * len(those)
    random = labelled_precision([drawn], Random())
    assert set(random) == set(labelled_like.LABELLED)
    assert all(0.05 < depth[2] < 0.5 for depth in random.values())
    with pytest.raises(CatalogError, match="5000 are needed"):
        labelled_sets(recordings[:100])


def test_dependent_options_are_validated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--facts", "x.csv"]) == 2
    assert "--listeners" in capsys.readouterr().err


def test_missing_inputs_are_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing: Any = tmp_path / "none.csv"
    assert main(["fit", "--labels", str(missing), "--facts", str(missing)]) == 2
    assert "none.csv" in capsys.readouterr().err
