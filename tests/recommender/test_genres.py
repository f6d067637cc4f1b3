from __future__ import annotations

from pathlib import Path

import pytest

from recommender.genres import UNSAID, default_table, load, normalise, resolve
from recommender.mood import COORDINATES

KAGGLE = [
    "acoustic",
    "afrobeat",
    "alt-rock",
    "alternative",
    "ambient",
    "anime",
    "black-metal",
    "bluegrass",
    "blues",
    "brazil",
    "breakbeat",
    "british",
    "cantopop",
    "chicago-house",
    "chill",
    "classical",
    "club",
    "country",
    "dance",
    "dancehall",
    "death-metal",
    "deep-house",
    "detroit-techno",
    "disco",
    "disney",
    "drum-and-bass",
    "dub",
    "dubstep",
    "edm",
    "electro",
    "electronic",
    "emo",
    "folk",
    "forro",
    "french",
    "funk",
    "garage",
    "german",
    "gospel",
    "goth",
    "grindcore",
    "groove",
    "grunge",
    "guitar",
    "happy",
    "hard-rock",
    "hardcore",
    "hardstyle",
    "heavy-metal",
    "hip-hop",
    "honky-tonk",
    "house",
    "idm",
    "indian",
    "indie-pop",
    "indie",
    "industrial",
    "iranian",
    "j-dance",
    "j-idol",
    "j-pop",
    "j-rock",
    "jazz",
    "k-pop",
    "latin",
    "latino",
    "malay",
    "mandopop",
    "metal",
    "metalcore",
    "minimal-techno",
    "mpb",
    "new-age",
    "opera",
    "pagode",
    "party",
    "piano",
    "pop-film",
    "pop",
    "power-pop",
    "progressive-house",
    "psych-rock",
    "punk-rock",
    "punk",
    "r-n-b",
    "reggae",
    "reggaeton",
    "rock-n-roll",
    "rock",
    "rockabilly",
    "romance",
    "sad",
    "salsa",
    "samba",
    "sertanejo",
    "show-tunes",
    "singer-songwriter",
    "ska",
    "sleep",
    "songwriter",
    "soul",
    "spanish",
    "study",
    "swedish",
    "synth-pop",
    "tango",
    "techno",
    "trance",
    "trip-hop",
    "turkish",
    "world-music",
]


@pytest.mark.parametrize("tag", KAGGLE)
def test_every_musical_tag_of_the_kaggle_table_has_a_family(tag: str) -> None:
    assert default_table().family_of(tag) is not None


@pytest.mark.parametrize(
    ("tag", "family"),
    [
        ("dutch hip hop", "dutch pop"),
        ("k-pop boy group", "k-pop"),
        ("folk-pop", "folk"),
        ("deep house", "house"),
        ("pov: indie", "indie pop"),
        ("Hip-Hop", "hip hop"),
        ("UK contemporary R&B", "r&b"),
        ("jazz rap", "hip hop"),
        ("german techno", "electronic"),
        ("white noise", None),
        ("", None),
    ],
)
def test_the_longest_phrase_in_a_tag_decides(tag: str, family: str | None) -> None:
    assert default_table().family_of(tag) == family


def test_the_family_of_most_tags_comes_first() -> None:
    tags = ["pop", "indie folk", "stomp and holler", "nonsense"]
    assert default_table().families_of(tags) == ("folk", "pop")


def test_the_table_covers_enough_and_scores_within_bounds() -> None:
    table = default_table()
    assert len(table.families) >= 20
    for emotion in COORDINATES:
        scores = table.scores({emotion: 1.0})
        assert set(scores) == set(table.families)
        assert all(0 <= score <= 1 for score in scores.values())
        assert max(scores.values()) >= 0.8
        assert min(scores.values()) <= UNSAID


def test_a_mixture_scores_between_and_no_emotion_says_nothing() -> None:
    table = default_table()
    mixed = table.scores({"sad": 1.0, "happy": 1.0})["folk"]
    alone = [table.scores({name: 1.0})["folk"] for name in ("sad", "happy")]
    assert mixed == pytest.approx(sum(alone) / 2)
    assert set(table.scores({}).values()) == {UNSAID}


@pytest.mark.parametrize("asked", ["rnb", "R&B", "r-n-b", "R & B".replace(" ", "")])
def test_a_genre_is_found_however_it_is_written(asked: str) -> None:
    assert resolve(asked, ["pop", "r&b"], default_table()) == "r&b"


def test_a_typo_is_echoed_with_the_closest() -> None:
    with pytest.raises(ValueError, match=r"'raggaeton'.*did you mean reggaeton"):
        resolve("raggaeton", ["pop", "reggaeton"], default_table())


def test_a_genre_the_catalogue_lacks_is_refused_with_what_it_has() -> None:
    with pytest.raises(ValueError, match=r"'jazz': one of pop, rock"):
        resolve("jazz", ["rock", "pop"], default_table())
    with pytest.raises(ValueError, match="has no genres"):
        resolve("jazz", [], default_table())


def test_tags_are_compared_without_case_and_marks() -> None:
    assert normalise("  Hip-Hop_X:y ") == "hip hop x y"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not toml [", "not a TOML file"),
        ("x = 1", "no families"),
        ("[families.pop]\nsuits = {sad = 0.1}", "'pop' needs tags"),
        ("[families.pop]\ntags = [3]", "'pop' needs tags"),
        ("[families.pop]\ntags = ['a']\nsuits = {glad = 0.1}", "'glad'"),
        ("[families.pop]\ntags = ['a']\nsuits = {sad = 1.1}", "1.1"),
        ("[families.pop]\ntags = ['a']\nsuits = {sad = true}", "True"),
        ("[families.a]\ntags = ['x']\n[families.b]\ntags = ['X']", "'x' is in 'a' and 'b'"),
    ],
)
def test_a_broken_table_says_what_is_wrong(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "genres.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=said):
        load(path)
