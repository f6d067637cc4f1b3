import pytest

from emotion.labels import EMOTIONS
from emotion.types import EmotionScores
from recommender.mood import BRIGHT_AND_EASY, CALM, COORDINATES
from recommender.types import INTENTS, Filters, Mood
from ui import wording


def scores(**probabilities: float) -> EmotionScores:
    return EmotionScores(tuple(probabilities.get(emotion, 0.0) for emotion in EMOTIONS))


def test_every_emotion_has_a_word_a_glyph_and_a_colour_of_its_own() -> None:
    assert tuple(wording.FEELINGS) == EMOTIONS
    for column in zip(*wording.FEELINGS.values(), strict=True):
        assert len(set(column)) == len(EMOTIONS)


def test_every_intent_has_its_words() -> None:
    assert tuple(wording.CHOICES) == INTENTS


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        ({"happy": 0.60, "surprise": 0.40}, "Mostly happy, a little surprised"),
        ({"sad": 0.93, "fear": 0.07}, "Clearly sad, barely afraid"),
        ({"happy": 0.96, "neutral": 0.04}, "Clearly happy"),
        ({"disgust": 0.99, "angry": 0.01}, "Clearly disgusted"),
        ({"neutral": 0.51, "sad": 0.49}, "Hard to say: neutral or sad?"),
    ],
)
def test_what_a_face_shows(probabilities: dict[str, float], sentence: str) -> None:
    assert wording.describe_scores(scores(**probabilities)) == sentence


@pytest.mark.parametrize(
    ("valence", "arousal", "place"),
    [
        (0.0, 0.0, "in the middle"),
        (0.0, 1.0, "full of energy"),
        (-1.0, -1.0, "very unpleasant and very quiet"),
        (0.6, 0.15, "pleasant and steady"),
        (1.0, -0.2, "very pleasant and quiet"),
    ],
)
def test_places_are_described_without_naming_an_emotion(
    valence: float, arousal: float, place: str
) -> None:
    assert wording.describe_mood(Mood(valence, arousal)) == place


@pytest.mark.parametrize(
    ("intent", "start", "target", "sentence"),
    [
        ("shift", "sad", BRIGHT_AND_EASY, "From sad towards bright and easy"),
        ("shift", "angry", CALM, "From angry towards calm"),
        ("lift", "sad", BRIGHT_AND_EASY, "Straight to bright and easy"),
        ("match", "sad", COORDINATES["sad"], "Staying with sad"),
        ("match", "the middle", Mood(0.0, 0.0), "Staying in the middle"),
        ("shift", "happy", COORDINATES["happy"], "Staying with happy"),
    ],
)
def test_what_a_playlist_does(intent: str, start: str, target: Mood, sentence: str) -> None:
    mood = COORDINATES.get(start, Mood(0.0, 0.0))
    assert wording.playlist_title(start, intent, mood, target) == sentence  # type: ignore[arg-type]


def test_plain_text_sets_nothing() -> None:
    assert wording.escape_markdown("A$AP *  [x](y) :red[z]") == r"A\$AP \* \[x\]\(y\) \:red\[z\]"


@pytest.mark.parametrize(
    ("verdict", "fresh", "owed", "sentence"),
    [
        ("like", 9, 4, "You like “X”. 9 tracks ahead are new, 4 because of what you like."),
        (
            "like",
            3,
            3,
            "You like “X”. 3 tracks ahead are new, all because of what you like.",
        ),
        ("like", 1, 1, "You like “X”. 1 track ahead is new, because of what you like."),
        ("like", 0, 0, "You like “X”. What comes next stays as it is."),
        ("unlike", 2, 0, "“X” no longer counts as liked. 2 tracks ahead are new."),
        ("dislike", 12, 0, "“X” is gone. 12 tracks ahead are new."),
        ("ban", 1, 0, "X is left out. 1 track ahead is new."),
    ],
)
def test_what_changed(verdict: str, fresh: int, owed: int, sentence: str) -> None:
    assert wording.verdict_effect(verdict, "X", fresh, owed) == sentence


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        (Filters(), ""),
        (Filters(genres=("jazz", "folk", "soul")), "only jazz, folk or soul"),
        (Filters(decades=(1990, 1980)), "the 1980s or the 1990s"),
        (Filters(languages=("es",)), "in Spanish"),
        (Filters(languages=("es", "zxx")), "in Spanish or without words"),
        (
            Filters(without_genres=("pop",), without_artists=("X",), explicit=False),
            "nothing explicit · without pop or X",
        ),
    ],
)
def test_what_is_let_in(filters: Filters, sentence: str) -> None:
    assert wording.describe_filters(filters) == sentence


def test_languages_are_named_in_words() -> None:
    assert wording.language_name("es") == "Spanish"
    assert wording.language_name("zxx") == "without words"
    assert wording.language_name("xyz") == "XYZ"


@pytest.mark.parametrize(
    ("missing", "tracks", "sentence"),
    [
        (3, 15, "3 of 15 tracks are not in this catalogue."),
        (1, 15, "1 of 15 tracks is not in this catalogue."),
        (2, 2, "None of its tracks is in this catalogue."),
    ],
)
def test_what_a_shared_set_lacks(missing: int, tracks: int, sentence: str) -> None:
    assert wording.missing_tracks(missing, tracks) == sentence
