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


def test_every_intent_has_wording() -> None:
    assert tuple(wording.CHOICES) == INTENTS


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        ({"happy": 0.60, "surprise": 0.40}, "Happy, a little surprised"),
        ({"sad": 0.93, "fear": 0.07}, "Sad"),
        ({"happy": 0.96, "neutral": 0.04}, "Happy"),
        ({"disgust": 0.99, "angry": 0.01}, "Disgusted"),
        ({"neutral": 0.51, "sad": 0.49}, "Hard to say: neutral or sad?"),
    ],
)
def test_wording_of_a_face_reading(probabilities: dict[str, float], sentence: str) -> None:
    reading = scores(**probabilities)
    assert wording.describe_scores(reading) == sentence
    # What the bars set in bold is what the sentence names.
    named = {wording.FEELINGS[emotion].word for emotion in wording.mentioned(reading)}
    assert named == {word for word, *_ in wording.FEELINGS.values() if word in sentence.lower()}


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        ({"happy": 0.60, "surprise": 0.40}, "Everyone together: happy, a little surprised"),
        ({"neutral": 0.51, "sad": 0.49}, "Everyone together: neutral or sad?"),
    ],
)
def test_wording_of_a_room(probabilities: dict[str, float], sentence: str) -> None:
    assert wording.describe_room(scores(**probabilities)) == sentence


@pytest.mark.parametrize(
    ("valence", "arousal", "place"),
    [
        (0.0, 0.0, "in the middle"),
        (-0.63, -0.27, "sad"),
        (0.8, 0.5, "happy"),
        (-0.8, -0.8, "worn out"),
        (0.6, 0.15, "cheerful"),
        (1.0, -0.2, "content"),
        (0.47, -0.6, "calm"),
    ],
)
def test_a_place_takes_the_nearest_everyday_word(
    valence: float, arousal: float, place: str
) -> None:
    assert wording.describe_mood(Mood(valence, arousal)) == place


def test_intent_wording_depends_on_the_mood() -> None:
    assert wording.promise("match", "sad", COORDINATES["sad"]) == "Music that matches your mood."
    sad, angry = COORDINATES["sad"], COORDINATES["angry"]
    assert wording.promise("shift", "sad", sad) == "From sad to bright, step by step."
    assert wording.promise("shift", "angry", angry) == "From angry to calm, step by step."
    assert wording.promise("wind_down", "sad", sad) == "Ease into calm."
    assert wording.promise("lift", "sad", sad) == "Straight to bright."
    # Pleasant already: nothing is brightened, and nothing says so.
    content = Mood(0.8, -0.2)
    assert wording.promise("shift", "content", content) == "From content to lively, step by step."
    assert wording.promise("lift", "content", content) == "Straight to lively."


def test_every_intent_has_words_of_its_own() -> None:
    assert tuple(wording.CHOICES) == INTENTS
    assert len({choice.label for choice in wording.CHOICES.values()}) == len(INTENTS)


def test_a_set_for_everyone_says_so() -> None:
    happy = COORDINATES["happy"]
    title = wording.playlist_title("happy", "match", happy, happy, everyone=True)
    assert title == "Keeping everyone happy"


@pytest.mark.parametrize(
    ("intent", "start", "target", "sentence"),
    [
        ("shift", "sad", BRIGHT_AND_EASY, "From sad to bright"),
        ("shift", "angry", CALM, "From angry to calm"),
        ("lift", "sad", BRIGHT_AND_EASY, "Straight to bright"),
        ("wind_down", "happy", CALM, "From happy to calm"),
        ("wind_down", "sad", Mood(CALM.valence, -0.9), "From sad to calm"),
        ("match", "sad", COORDINATES["sad"], "For when you’re sad"),
        ("match", "the middle", Mood(0.0, 0.0), "Keeping things even"),
        ("shift", "happy", COORDINATES["happy"], "Keeping you happy"),
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
        ("like", 9, 4, "You like “X”. Updated the rest of your set: 4 tracks match your likes."),
        (
            "like",
            3,
            3,
            "You like “X”. Updated the rest of your set: 3 tracks match your likes.",
        ),
        ("like", 1, 1, "You like “X”. Updated the rest of your set: 1 track matches your likes."),
        ("like", 0, 0, "You like “X”. The rest of your set stays the same."),
        ("unlike", 2, 0, "“X” is no longer a like. Updated the rest of your set."),
        ("dislike", 12, 0, "Removed “X”. Updated the rest of your set."),
        ("more", 5, 0, "Next: 5 more like “X”."),
        ("more", 1, 0, "Next: one more like “X”."),
        ("ban", 1, 0, "X won’t come up again. Updated the rest of your set."),
    ],
)
def test_wording_of_changes(verdict: str, fresh: int, owed: int, sentence: str) -> None:
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
def test_wording_of_filters(filters: Filters, sentence: str) -> None:
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
